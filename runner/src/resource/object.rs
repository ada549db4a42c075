//! JSON objects: the values at a pointer, and the members that nobody needs to see.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// How the names of members end that hold secrets: credentials' blobs, passwords that are shown once, private halves of key pairs, user
/// data, tokens, what a host needs to reach a volume or a share, keys of tunnels and of clusters. `key` alone is what many services
/// call a name.
const SECRET_ENDS: &str = "(?i:admin[_-]?pass|blob|kubeconfig|passcode|passphrase|passwd|password|payload|psk|secret|token\
                           |user[_-]?data|[_-]key)|[a-z]Key";

/// What ends like one of these and is none: public halves of keys, what a listing is sorted by, and where it goes on.
const OPEN_ENDS: &str = "(?i)(?:authorized|foreign|partition|primary|public|sort)[_-]?key|(?:continuation|next|page)[_-]?token";

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
                if value.is_string() && is_secret(name) {
                    *value = Value::from(BLANK);
                } else {
                    blank_secrets(value);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What finds the members that hold secrets.
struct Secrets {
    /// In a body that was not parsed.
    member: Regex,
    name: Regex,
    open_name: Regex,
}

/// `None` never happens: the patterns are constants. If it did, everything would count as a secret.
static SECRETS: LazyLock<Option<Secrets>> = LazyLock::new(|| {
    Some(Secrets {
        member: Regex::new(&format!(r#"\\u00|(?:{SECRET_ENDS})"\s*:"#)).ok()?,
        name: Regex::new(&format!("(?:{SECRET_ENDS})$")).ok()?,
        open_name: Regex::new(&format!("(?:{OPEN_ENDS})$")).ok()?,
    })
});

/// Whether a member of this name holds a secret, as far as a name can say.
fn is_secret(name: &str) -> bool {
    SECRETS
        .as_ref()
        .is_none_or(|secrets| secrets.name.is_match(name) && !secrets.open_name.is_match(name))
}

/// Whether a body could hold a secret member at all: a cheap look before it is parsed. A name may be written with escapes.
fn may_hold_secrets(body: &str) -> bool {
    let secrets = SECRETS.as_ref();
    secrets.is_none_or(|secrets| secrets.member.is_match(body))
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
    fn secrets_are_known_by_what_they_are_called() {
        for (name, expected) in [
            ("password", true),
            ("Password", true),
            ("root_password", true),
            ("agent_token", true),
            ("agent_secret_token", true),
            ("apiToken", true),
            ("x-auth-token", true),
            ("client_secret", true),
            ("pre_shared_key", true),
            ("accessKey", true),
            ("private-key", true),
            ("OS-EXT-SRV-ATTR:user_data", true),
            ("adminPass", true),
            ("key", false),
            ("monkey", false),
            ("key_name", false),
            ("public_key", false),
            ("ssh_authorized_key", false),
            ("nextPageToken", false),
            ("passwords", false),
            ("secret_ref", false),
            ("encryption_key_id", false),
            ("metadata", false),
        ] {
            assert_eq!(is_secret(name), expected, "{name}");
            let body = json!({name: "s3cret"}).to_string();
            assert_eq!(
                without_secrets(body).contains("s3cret"),
                !expected,
                "{name}"
            );
        }
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
