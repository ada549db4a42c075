//! What of an answer nobody needs to see: what is called a secret, in whatever form, and what URLs carry along.
//!
//! A member is known by its name, so a secret under another name is shown. Blanked is all that stands below such a member, but for
//! truth values, which say nothing.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::unreadable;

/// How the names of members end that hold secrets: credentials' blobs, passwords that are shown once, private halves of key pairs, user
/// data, tokens, what a host needs to reach a volume or a share, keys of tunnels and of clusters. `key` alone is what many services
/// call a name.
const SECRET_ENDS: &str = "(?i:(?:access|api|private|secret)key|admin[_-]?pass|blob|configdrive|credentials|keyring|kubeconfig\
                           |passcode|passphrase|passwd|password|payload|psk|pwd|secret|token|user[_-]?data|[_-]key|[_-]pass)\
                           |[a-z]Key";

/// What ends like one of these and is none: public halves of keys, what a listing is sorted by, and where it goes on.
const OPEN_ENDS: &str = "(?i)(?:authorized|foreign|partition|primary|public|sort)[_-]?key|(?:continuation|next|page)[_-]?token";

type HasForm = fn(&Value) -> bool;

/// Members that are called like secrets and hold no secret themselves, by what stands in them and why. What is below them is looked
/// through like anything else.
const OPEN_FORMS: &[(&str, HasForm)] = &[
    // A collection's answer: things, with their own members.
    ("credentials", holds_things),
    ("application_credentials", holds_things),
    // Until when it holds, and not what it is.
    ("password", says_only_when),
];

/// Parameters of URLs that let in whoever has the URL: Swift's, and those of the clouds that sign as S3 does.
const SIGNATURES: &str = "temp_url_sig|sig|signature|x-amz-signature|x-amz-security-token";

/// What stands where a secret stood.
const BLANK: &str = "[blanked]";

/// JSON in a text in a text is as deep as services go.
const TEXT_DEPTH_MAX: usize = 3;

/// An answer's body as a rule may see it. One that may hold a secret is written anew, for a member may stand in it twice and only
/// the last one be seen here; and what cannot be looked through is not shown. An object that cannot be read gives way to a mark.
pub fn without_secrets(body: String) -> String {
    let may_hold_secrets = may_hold_secrets(&body);
    if !may_hold_secrets && unreadable::is_readable(&body) {
        return body;
    }
    let Some(mut value) = unreadable::parse(&body) else {
        return match may_hold_secrets {
            true => String::new(),
            false => body,
        };
    };
    blank_secrets(&mut value, TEXT_DEPTH_MAX);
    value.to_string()
}

/// What finds secrets.
struct Secrets {
    /// In a body that was not parsed: names and texts that end like secrets, and URLs with something in them.
    trace: Regex,
    /// In a text that cannot be read: a member's name, and what sets it.
    member: Regex,
    name: Regex,
    open_name: Regex,
    user_in_url: Regex,
    signature_in_url: Regex,
}

/// `None` never happens: the patterns are constants. If it did, everything would count as a secret.
static SECRETS: LazyLock<Option<Secrets>> = LazyLock::new(|| {
    // A slash in a password is no path: a port would have only digits before it.
    const USER: &str = r#"://(?:[^/?#\s"]+|[^/?#\s"@:]*:[0-9]*[^0-9/?#\s"@][^?#\s"@]*)@"#;
    // In something like JSON wherever it stands, and bare at the beginning of a line, as YAML and settings have it.
    let member = format!(
        r#"(?m)(?:["']([^"'\n]*(?:{SECRET_ENDS}))\\*["']\s*:\s*\S|^[\s{{,-]*(?:export\s+)?([\w.-]*(?:{SECRET_ENDS}))\s*[:=]\s*\S)"#
    );
    let signature = format!("(?i)[?&](?:{SIGNATURES})=");
    Some(Secrets {
        trace: Regex::new(&format!(
            r#"\\u00|(?:{SECRET_ENDS})(?:\\*["']|\s*[:=])|{USER}|{signature}"#
        ))
        .ok()?,
        member: Regex::new(&member).ok()?,
        name: Regex::new(&format!("(?:{SECRET_ENDS})$")).ok()?,
        open_name: Regex::new(&format!("(?:{OPEN_ENDS})$")).ok()?,
        user_in_url: Regex::new(USER).ok()?,
        signature_in_url: Regex::new(&format!(r#"({signature})[^&#\s"]+"#)).ok()?,
    })
});

/// Whether a body could hold a secret at all: a cheap look before it is parsed. A name may be written with escapes.
fn may_hold_secrets(body: &str) -> bool {
    let secrets = SECRETS.as_ref();
    secrets.is_none_or(|secrets| secrets.trace.is_match(body))
}

/// Whether a member of this name holds a secret, as far as a name can say.
fn is_secret(name: &str) -> bool {
    let name = name.trim_end();
    SECRETS
        .as_ref()
        .is_none_or(|secrets| secrets.name.is_match(name) && !secrets.open_name.is_match(name))
}

/// Whether what stands in a member of this name has a form that is known to be none.
fn is_open(name: &str, value: &Value) -> bool {
    let mut forms = OPEN_FORMS.iter();
    forms.any(|(open, has_form)| *open == name && has_form(value))
}

fn holds_things(value: &Value) -> bool {
    let things = value.as_array();
    things.is_some_and(|things| things.iter().all(|thing| thing.get("id").is_some()))
}

fn says_only_when(value: &Value) -> bool {
    let when = ["created", "expires", "expires_at", "updated"];
    let is_time = |c: char| c.is_ascii_digit() || "TZ:.+- ".contains(c);
    let says_when = |(name, value): (&String, &Value)| {
        let is_time = match value {
            Value::String(text) => text.chars().all(is_time),
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
            Value::Array(_) | Value::Object(_) => false,
        };
        is_time && when.contains(&name.as_str())
    };
    let members = value.as_object();
    members.is_some_and(|members| members.iter().all(says_when))
}

/// Blanks all that holds secrets, at any depth, in texts that are JSON too.
fn blank_secrets(value: &mut Value, text_depth: usize) {
    match value {
        Value::Array(elements) => {
            for element in elements {
                blank_secrets(element, text_depth);
            }
        }
        Value::Object(members) => {
            let named = secret_pair(members);
            for (name, value) in members {
                let is_secret = is_secret(name) && !is_open(name, value);
                let is_named = named.iter().any(|named| named.eq_ignore_ascii_case(name));
                if is_secret || is_named {
                    blank(value);
                } else {
                    blank_secrets(value, text_depth);
                }
            }
        }
        Value::String(text) => blank_in_text(text, text_depth),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The members that hold the value, where an object is a pair of a name and a value, and the name is a secret's.
fn secret_pair(members: &Map<String, Value>) -> Vec<&'static str> {
    const PAIRS: &[(&str, &str)] = &[
        ("key", "value"),
        ("name", "value"),
        ("key", "default"),
        ("name", "default"),
        ("output_key", "output_value"),
        ("parameter_key", "parameter_value"),
    ];
    let is_secrets = |name: &str| {
        let mut named = members
            .iter()
            .filter(|(member, _)| member.eq_ignore_ascii_case(name));
        named.any(|(_, value)| value.as_str().is_some_and(is_secret))
    };
    let pairs = PAIRS.iter().filter(|(name, _)| is_secrets(name));
    pairs.map(|(_, value)| *value).collect()
}

fn blank(value: &mut Value) {
    if !matches!(value, Value::Null | Value::Bool(_)) {
        *value = Value::from(BLANK);
    }
}

fn blank_in_text(text: &mut String, depth: usize) {
    if !may_hold_secrets(text) {
        return;
    }
    let begun = text.trim_start_matches(|c: char| c == '\u{feff}' || c.is_whitespace());
    if begun.starts_with(['{', '[', '"'])
        && let Ok(mut inner) = serde_json::from_str::<Value>(begun)
    {
        match depth.checked_sub(1) {
            Some(depth) => blank_secrets(&mut inner, depth),
            None => inner = Value::from(BLANK),
        }
        // Written anew in any case: of a member that stands in it twice only the last one was looked at.
        *text = inner.to_string();
        return;
    }
    let Some(secrets) = SECRETS.as_ref() else {
        *text = BLANK.to_owned();
        return;
    };
    let mut members = secrets.member.captures_iter(text);
    let name = |found: regex::Captures<'_>| {
        let name = found.get(1).or_else(|| found.get(2));
        name.is_some_and(|name| is_secret(name.as_str()))
    };
    if members.any(name) {
        *text = BLANK.to_owned();
        return;
    }
    let blanked = secrets.user_in_url.replace_all(text, "://[blanked]@");
    let blanked = secrets
        .signature_in_url
        .replace_all(&blanked, "${1}[blanked]");
    *text = blanked.into_owned();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(body: &Value) -> Value {
        serde_json::from_str(&without_secrets(body.to_string())).unwrap()
    }

    #[test]
    fn secrets_are_blanked_at_any_depth() {
        for (body, expected) in [
            (
                json!({"credentials": [{"id": "1", "blob": "{\"secret\":\"s\"}"}]}),
                json!({"credentials": [{"id": "1", "blob": "[blanked]"}]}),
            ),
            (
                json!({"password": {"expires": 1}}),
                json!({"password": {"expires": 1}}),
            ),
            (
                json!({"a": [{"password": 7}]}),
                json!({"a": [{"password": "[blanked]"}]}),
            ),
            (json!({"token": ["s"]}), json!({"token": "[blanked]"})),
            (json!({"token": {"id": "s"}}), json!({"token": "[blanked]"})),
            (
                json!({"credentials": {"user": "s"}}),
                json!({"credentials": "[blanked]"}),
            ),
            (
                json!({"password": true, "token": null}),
                json!({"password": true, "token": null}),
            ),
        ] {
            assert_eq!(shown(&body), expected, "{body}");
        }
    }

    #[test]
    fn a_pair_with_a_secrets_name_is_blanked() {
        for (body, is_shown) in [
            (json!({"name": "DB_PASSWORD", "value": "s3cret"}), false),
            (
                json!({"env": [{"key": "apiKey", "value": "s3cret"}]}),
                false,
            ),
            (
                json!({"output_key": "admin_token", "output_value": {"a": "s3cret"}}),
                false,
            ),
            (json!({"name": "DB_HOST", "value": "s3cret"}), true),
            (json!({"name": "my-password", "note": "s3cret"}), true),
        ] {
            let text = without_secrets(body.to_string());
            assert_eq!(text.contains("s3cret"), is_shown, "{text}");
        }
    }

    #[test]
    fn a_text_that_is_json_is_looked_through() {
        let inner = |inner: &Value| json!({"metadata": inner.to_string()});
        let secret = json!({"password": "s3cret", "user": "u"});
        let mut body = secret.clone();
        for _ in 0..=TEXT_DEPTH_MAX + 1 {
            body = inner(&body);
            let text = without_secrets(body.to_string());
            assert!(!text.contains("s3cret"), "{text}");
        }
        let text = without_secrets(inner(&secret).to_string());
        assert!(text.contains("\\\"user\\\":\\\"u\\\""), "{text}");
        let open = inner(&json!({"user": "u"})).to_string();
        assert_eq!(without_secrets(open.clone()), open);
    }

    #[test]
    fn what_a_url_lets_in_is_blanked() {
        for (url, expected) in [
            ("http://u:s3cret@h/a", "http://[blanked]@h/a"),
            ("redis://:s3cret@h:1", "redis://[blanked]@h:1"),
            ("http://u:s3@cret@h", "http://[blanked]@h"),
            (
                "http://h/a?temp_url_sig=s3cret&temp_url_expires=1",
                "http://h/a?temp_url_sig=[blanked]&temp_url_expires=1",
            ),
            (
                "http://h/a?x=1&sig=s3cret#b",
                "http://h/a?x=1&sig=[blanked]#b",
            ),
            ("http://h/a@b", "http://h/a@b"),
            ("http://h/a?design=s3cret", "http://h/a?design=s3cret"),
        ] {
            assert_eq!(shown(&json!({"a": url})), json!({"a": expected}), "{url}");
        }
    }

    /// Whoever writes JSON by hand, or by a library that is not strict, writes such texts.
    #[test]
    fn a_text_that_cannot_be_read_and_has_a_secrets_name_is_blanked() {
        for (text, expected) in [
            (r#"{"password": "s3cret", "ratio": NaN}"#, BLANK),
            (r#"{"password": "s3cret", "n": 1e999}"#, BLANK),
            ("{\"password\": \"s3cret\"}\n---", BLANK),
            ("{'password': 's3cret'}", BLANK),
            ("{\"a\": 1,\n 'db_password' : 's3cret',}", BLANK),
            ("a: 1\n  password: s3cret\n", BLANK),
            ("- token: s3cret", BLANK),
            ("export DB_PASSWORD=s3cret", BLANK),
            ("#cloud-config\npassword: s3cret", BLANK),
            (
                r#"{"password": "s3cret", "password": null}"#,
                r#"{"password":null}"#,
            ),
            (
                "\u{feff}{\"password\": \"s3cret\"}",
                r#"{"password":"[blanked]"}"#,
            ),
            (
                " \u{feff} {\"password\": \"s3cret\"}",
                r#"{"password":"[blanked]"}"#,
            ),
            (
                r#""{\"password\": \"s3cret\"}""#,
                r#""{\"password\":\"[blanked]\"}""#,
            ),
            ("mysql://u:s3/cret@h/db", "mysql://[blanked]@h/db"),
            ("http://h:8080/a@b", "http://h:8080/a@b"),
            ("public_key: ssh-rsa A", "public_key: ssh-rsa A"),
            ("{'public_key': 'A'", "{'public_key': 'A'"),
            ("how the password was lost", "how the password was lost"),
        ] {
            let expected = json!({ "a": expected });
            assert_eq!(shown(&json!({ "a": text })), expected, "{text}");
        }
        for (body, expected) in [
            (
                json!({"password": {"expires": "s3cret"}}),
                json!({"password": "[blanked]"}),
            ),
            (
                json!({"password": {"expires": "2026-11-30T16:00:00Z"}}),
                json!({"password": {"expires": "2026-11-30T16:00:00Z"}}),
            ),
            (
                json!({"Name": "DB_PASSWORD", "Value": "s3cret"}),
                json!({"Name": "DB_PASSWORD", "Value": "[blanked]"}),
            ),
            (
                json!({"key": "password", "default": "s3cret"}),
                json!({"key": "password", "default": "[blanked]"}),
            ),
        ] {
            assert_eq!(shown(&body), expected, "{body}");
        }
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
            ("apikey", true),
            ("SecretKey", true),
            ("accesskey", true),
            ("privatekey", true),
            ("db_pass", true),
            ("pwd", true),
            ("service_credentials", true),
            ("keyring", true),
            ("configdrive", true),
            ("config_drive", false),
            ("bypass", false),
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
