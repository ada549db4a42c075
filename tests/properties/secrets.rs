//! A secret under its usual name is nowhere in what a rule is shown, however the answer is written; all else is.

use arbitrary::{Arbitrary, Result, Unstructured};
use runner::resource::object::without_secrets;
use serde_json::Value;

use super::draw;

/// The names under which the cases keep a secret, and two ways to write the same name.
const SECRET_NAMES: &[&str] = &[
    "password",
    "blob",
    "adminPass",
    "agent_token",
    "p\\u0061ssword",
    "pass\\u0077ord",
];
const OPEN_NAMES: &[&str] = &["id", "name", "passwords", "public_key", "links"];
const OPEN: &[&str] = &[
    "\"a\"",
    "\"password\"",
    "\"\\\"password\\\":\"",
    "1.0",
    "NaN",
    "null",
    "\"\\u00e9\"",
    "-1e400",
    "\"\\ud800\"",
];
const SECRET: &str = "hunter2";

/// An answer's body.
#[derive(Debug)]
pub struct Case(String);

fn value(bytes: &mut Unstructured<'_>, depth: usize) -> Result<String> {
    let forms = if depth == 0 { 0 } else { 4 };
    Ok(match bytes.int_in_range(0..=forms)? {
        0 => (*bytes.choose(OPEN)?).to_owned(),
        1 => {
            let elements = 0..bytes.int_in_range(0..=3)?;
            let elements = elements.map(|_: u8| value(bytes, depth - 1));
            format!("[{}]", elements.collect::<Result<Vec<_>>>()?.join(","))
        }
        2 if bytes.ratio(1u8, 8)? => {
            format!("{}{}{}", "[".repeat(130), value(bytes, 0)?, "]".repeat(130))
        }
        _ => {
            let members = 0..bytes.int_in_range(0..=4)?;
            let members = members.map(|_: u8| member(bytes, depth - 1));
            format!("{{{}}}", members.collect::<Result<Vec<_>>>()?.join(", "))
        }
    })
}

fn member(bytes: &mut Unstructured<'_>, depth: usize) -> Result<String> {
    let space = bytes.choose(&["", " ", "\n\t"])?;
    if bytes.arbitrary()? {
        let name = bytes.choose(SECRET_NAMES)?;
        let value = match bytes.ratio(1u8, 4)? {
            true => value(bytes, depth)?,
            false => format!("\"{SECRET}\""),
        };
        return Ok(format!("\"{name}\"{space}:{value}"));
    }
    let name = bytes.choose(OPEN_NAMES)?;
    Ok(format!("\"{name}\"{space}:{space}{}", value(bytes, depth)?))
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let mut body = value(bytes, 5)?;
        if bytes.ratio(1u8, 4)? {
            body.push_str(&draw::text(
                bytes,
                &["]", "}", " ", "x", "\"password\":"],
                3,
            )?);
        }
        Ok(Self(body))
    }
}

pub fn holds(Case(body): Case) {
    let shown = without_secrets(body.clone());
    assert!(!shown.contains(SECRET), "{shown} is shown for {body}");
    let Ok(value) = serde_json::from_str::<Value>(&body) else {
        return;
    };
    let shown: Value = serde_json::from_str(&shown).expect("what is shown can be read");
    assert!(
        differs_in_secrets_alone(&value, &shown),
        "{shown} for {body}"
    );
}

/// Whether all is as it was but what stands in members that are called like secrets.
fn differs_in_secrets_alone(then: &Value, now: &Value) -> bool {
    match (then, now) {
        (Value::Array(then), Value::Array(now)) => {
            let mut pairs = then.iter().zip(now);
            then.len() == now.len() && pairs.all(|(then, now)| differs_in_secrets_alone(then, now))
        }
        (Value::Object(then), Value::Object(now)) => {
            let mut pairs = then.iter().zip(now);
            then.len() == now.len()
                && pairs.all(|((name, then), (shown, now))| {
                    name == shown
                        && (SECRET_NAMES.contains(&name.as_str())
                            || differs_in_secrets_alone(then, now))
                })
        }
        (then, now) => then == now,
    }
}
