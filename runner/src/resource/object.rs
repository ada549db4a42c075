//! JSON objects: the values at a pointer, and the members that nobody needs to see.

use serde_json::Value;

/// Members that hold secrets wherever they occur in an answer of an OpenStack service: EC2 and other credentials' blobs,
/// passwords that Nova and Trove show once, private halves of key pairs, user data, tokens, what a host needs to reach a
/// volume or a share, keys of tunnels and of clusters.
const SECRET_MEMBERS: &[&str] = &[
    "access_key",
    "adminPass",
    "admin_password",
    "api_key",
    "auth_key",
    "auth_password",
    "blob",
    "kubeconfig",
    "original_password",
    "passcode",
    "passphrase",
    "password",
    "payload",
    "private_key",
    "psk",
    "root_password",
    "secret",
    "token",
    "user_data",
    "OS-EXT-SRV-ATTR:user_data",
];

/// What stands where a secret stood.
const BLANK: &str = "[blanked]";

/// The values at a JSON pointer in which `*` stands for every element of an array. More than one `*` may stand in it.
pub fn values_at<'a>(object: &'a Value, pointer: &str) -> Box<dyn Iterator<Item = &'a Value> + 'a> {
    let Some((before, after)) = pointer.split_once("/*") else {
        return Box::new(object.pointer(pointer).into_iter());
    };
    let after = after.to_owned();
    let elements = object
        .pointer(before)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    Box::new(elements.flat_map(move |element| values_at(element, &after).collect::<Vec<_>>()))
}

/// Blanks the strings of all members that hold secrets, at any depth.
fn blank_secrets(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(blank_secrets),
        Value::Object(members) => {
            for (name, value) in members {
                if SECRET_MEMBERS.contains(&name.as_str()) && value.is_string() {
                    *value = Value::from(BLANK);
                } else {
                    blank_secrets(value);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether a body could hold a secret member at all: a cheap look before it is parsed. A name may be written with escapes.
fn may_hold_secrets(body: &str) -> bool {
    let holds = |name: &&str| body.contains(&format!("\"{name}\""));
    body.contains("\\u00") || SECRET_MEMBERS.iter().any(holds)
}

/// An answer's body as a rule may see it. One that may hold a secret is written anew, for a member may stand in it twice and only
/// the last one be seen here; and what cannot be looked through is not shown.
pub fn without_secrets(body: String) -> String {
    if !may_hold_secrets(&body) {
        return body;
    }
    let Ok(mut value) = serde_json::from_str::<Value>(&body) else {
        return String::new();
    };
    blank_secrets(&mut value);
    value.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_star_visits_every_element() {
        let object = json!({"fixed_ips": [{"subnet_id": "a"}, {"subnet_id": "b"}, {}]});
        let found: Vec<_> = values_at(&object, "/fixed_ips/*/subnet_id")
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(found, ["a", "b"]);
        assert_eq!(values_at(&object, "/nothing/*").count(), 0);
    }

    #[test]
    fn secrets_are_blanked_at_any_depth() {
        let body = json!({"credentials": [{"id": "1", "blob": "{\"secret\":\"s\"}"}], "password": {"expires": 1}});
        assert_eq!(
            serde_json::from_str::<Value>(&without_secrets(body.to_string())).unwrap(),
            json!({"credentials": [{"id": "1", "blob": "[blanked]"}], "password": {"expires": 1}})
        );
    }

    #[test]
    fn secrets_are_blanked_however_they_are_written() {
        for (body, shown) in [
            (r#"{"p\u0061ssword":"s"}"#, r#"{"password":"[blanked]"}"#),
            (
                r#"{"password":"s","password":null}"#,
                r#"{"password":null}"#,
            ),
            (r#"{"a":{"password":"s"},"a":1}"#, r#"{"a":1}"#),
            (r#"{"password":"s","a":NaN}"#, ""),
            (r#"{"password":"s"} {"#, ""),
            (r#"{"a": 1.0}"#, r#"{"a": 1.0}"#),
        ] {
            assert_eq!(without_secrets(body.to_owned()), shown, "{body}");
        }
    }
}
