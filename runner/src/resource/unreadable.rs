//! Objects that stand in an answer and cannot be read: nested too deep, with a number beyond all numbers, with half a character.
//!
//! Any tenant may have made one. It takes nothing along but itself: in its place comes a mark that says what is wrong with it, and the
//! rest of the answer can be read. Nobody can write such a mark but the runner: it holds what is drawn anew for each run, and what a
//! rule is shown does not hold that.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// What a mark is called where a rule sees it.
const SHOWN: &str = "runner:unreadable";

/// The member of a mark. It holds the words.
static MARK: LazyLock<String> = LazyLock::new(|| {
    // Its keys are the system's random numbers.
    let drawn = || RandomState::new().hash_one(SHOWN);
    format!("{SHOWN}:{:016x}{:016x}", drawn(), drawn())
});

/// Characters of an id that are said.
const ID_CHARS: usize = 100;

/// Depth up to which everybody reads JSON; the reader here gives up at 128.
const DEPTH_MAX: usize = 120;

/// Numbers that may be beyond all, and halves of characters, of which two may make a whole one.
static DOUBTFUL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\\u[dD][89a-fA-F]|[0-9][eE]\+?[0-9]{3}|[0-9]{300}").ok());

/// Whether all of a text can be read: a cheap look, and where there is doubt, a try.
pub(super) fn is_readable(body: &str) -> bool {
    let is_plain = DOUBTFUL.as_ref().is_some_and(|it| !it.is_match(body));
    is_plain && depth(body) <= DEPTH_MAX || serde_json::from_str::<Value>(body).is_ok()
}

/// Reads an answer, with a mark in the place of each object that cannot be read. `None` if it is no JSON.
pub(super) fn parse(body: &str) -> Option<Value> {
    serde_json::from_str(body).ok().or_else(|| mended(body))
}

/// What is wrong with an object in whose place, or in that of one of whose members, a mark stands.
pub fn said(object: &Value) -> Option<&str> {
    let within = object.as_object()?.values();
    let mut marks = std::iter::once(object).chain(within);
    marks.find_map(|it| it.get(MARK.as_str())?.as_str())
}

/// An answer as others may see it: with marks that are called so, and could not be told from anybody's.
pub fn unsigned(body: String) -> String {
    match body.contains(MARK.as_str()) {
        true => body.replace(MARK.as_str(), SHOWN),
        false => body,
    }
}

fn depth(body: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut is_text, mut is_escaped) = (false, false);
    for byte in body.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b'[' | b'{' if !is_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !is_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn mended(body: &str) -> Option<Value> {
    let body: &RawValue = serde_json::from_str(body).ok()?;
    if let Some(elements) = elements(body) {
        return Some(elements);
    }
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(body.get()).ok()?;
    let members = members.into_iter().map(|(name, value)| {
        let is_whole = serde_json::from_str::<Value>(value.get()).is_ok();
        let listed = elements(value).filter(|_| !is_whole);
        (name, listed.unwrap_or_else(|| read(value)))
    });
    Some(Value::Object(members.collect()))
}

/// The objects of a list, each read by itself.
fn elements(value: &RawValue) -> Option<Value> {
    let elements: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
    let are_objects = elements.iter().all(|it| it.get().starts_with('{'));
    are_objects.then(|| elements.into_iter().map(read).collect())
}

fn read(value: &RawValue) -> Value {
    let read = serde_json::from_str(value.get());
    read.unwrap_or_else(|error| {
        let id: Option<String> = id(value).map(|id| id.chars().take(ID_CHARS).collect());
        let id = id.map_or(String::new(), |id| format!(", in what calls itself {id:?}"));
        let mark = Map::from_iter([(MARK.clone(), format!("{error}{id}").into())]);
        Value::Object(mark)
    })
}

/// The id of an object that cannot be read.
fn id(value: &RawValue) -> Option<String> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(value.get()).ok()?;
    let id = members.get("id").or_else(|| members.get("uuid"))?;
    serde_json::from_str(id.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_that_cannot_be_read_takes_nothing_along() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for (unreadable, why) in [
            (r#"{"id":"b","x":1e999}"#, "number out of range"),
            (r#"{"x":"\ud800"}"#, "hex escape"),
            (
                &format!(r#"{{"uuid":"b","x":{deep}}}"#),
                "in what calls itself \"b\"",
            ),
        ] {
            for body in [
                format!(r#"{{"images":[{{"id":"a"}},{unreadable}],"next":"/x"}}"#),
                format!(r#"[{{"id":"a"}},{unreadable}]"#),
            ] {
                assert!(!is_readable(&body), "{body}");
                let answer = parse(&body).unwrap();
                let things = answer.get("images").unwrap_or(&answer);
                assert_eq!(things[0]["id"], "a");
                assert_eq!(said(&things[0]), None);
                let said = said(&things[1]).unwrap();
                assert!(said.contains(why), "{said}");
            }
            let said_alone = |body: &str| {
                let answer = parse(body).unwrap();
                let thing = answer.get("image").unwrap_or(&answer);
                said(thing).map(str::to_owned)
            };
            assert!(said_alone(unreadable).is_some());
            assert!(said_alone(&format!(r#"{{"image":{unreadable}}}"#)).is_some());
        }
    }

    /// A tenant's metadata may be called anything, and so may what a rule has been shown.
    #[test]
    fn nobody_else_can_write_a_mark() {
        let answer = parse(r#"{"x":"\ud800","id":"s1"}"#).unwrap();
        let shown = unsigned(answer.to_string());
        assert!(said(&answer).is_some());
        assert!(shown.contains(r#"{"runner:unreadable":""#), "{shown}");
        let forged = parse(&shown).unwrap();
        assert_eq!(said(&forged), None);
        let wrapped = serde_json::json!({"id": "s1", "metadata": forged});
        assert_eq!(said(&wrapped), None);
        let called = "x".repeat(10_000);
        let long = parse(&format!(r#"{{"id":"{called}","x":1e999}}"#)).unwrap();
        assert!(said(&long).unwrap().len() < 300, "what is said is short");
    }

    #[test]
    fn what_everybody_reads_is_left_alone() {
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        for body in [
            "{}",
            r#"{"a":"\ud83d\ude00","b":1e100}"#,
            r#"{"a":"[[{\""}"#,
            &deep,
        ] {
            assert!(is_readable(body), "{body}");
        }
        assert!(parse("<html>").is_none() && parse(r#"{"a":NaN}"#).is_none());
    }
}
