//! An audit log shows every record that was written whole, after any crash at any byte; and a line that no crash explains is never
//! passed over.

use std::path::Path;

use arbitrary::{Arbitrary, Result, Unstructured};
use runner::audit::{AuditError, Entry, Reader, Record};
use serde::Deserialize;
use serde_json::{Value, json};

use super::draw;

const TEXTS: &[&str] = &["", "a", "\n", "\u{2028}", "é\"\\", "{}", "network.port"];
const WORDS: &[&str] = &[
    "{",
    "}",
    "\"",
    ",",
    "\n",
    "\n\n",
    "{}\n",
    "null",
    "\"record\":\"run\"",
    "\r",
    "1",
    ":",
    "runner-audit/1",
];

/// A log of several runs, each of which but the last ends where it was killed, and something else that pretends to be one.
#[derive(Debug)]
pub struct Case {
    runs: Vec<(Vec<String>, usize)>,
    spoilt: String,
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let runs = 1..=bytes.int_in_range(1..=3)?;
        let runs: Vec<(Vec<String>, usize)> = runs
            .map(|_: u8| {
                let mut lines = vec![header()];
                for _ in 0..bytes.int_in_range(0..=3)? {
                    lines.push(line(bytes)?);
                }
                let length = lines.iter().map(|it| it.len() + 1).sum();
                Ok((lines, bytes.int_in_range(1..=length)?))
            })
            .collect::<Result<_>>()?;
        let whole = runs.iter().flat_map(|(lines, _)| lines);
        let whole: String = whole.map(|it| format!("{it}\n")).collect();
        Ok(Self {
            runs,
            spoilt: draw::document(bytes, &[&whole], WORDS)?,
        })
    }
}

fn header() -> String {
    let run = json!({
        "at": "2026-01-01T00:00:00Z", "run": "r", "record": "run", "log": "runner-audit/1",
        "tool": "", "cloud": "", "user": "", "scope": "", "tasks": [], "rules": [{"name": "a", "sha256": "0a"}],
    });
    written(&run)
}

fn line(bytes: &mut Unstructured<'_>) -> Result<String> {
    let text = draw::text(bytes, TEXTS, 3)?;
    let mut line = match bytes.int_in_range(0..=3)? {
        0 => json!({
            "record": "intention", "intention": 1, "rule": text, "kind": "a.x", "id": "1", "method": "DELETE", "service": "a",
            "path": "/x/1", "body": draw::perhaps(bytes, TEXTS)?,
        }),
        1 => json!({"record": "outcome", "intention": 1, "status": 204, "ms": 3}),
        2 => {
            json!({"record": "outcome", "intention": 1, "error": text, "ms": 3, "request_id": "req-1"})
        }
        _ => json!({"record": "refusal", "rule": "a", "deed": text}),
    };
    line["at"] = Value::from("2026-01-01T00:00:01.5Z");
    line["run"] = Value::from("r");
    Ok(written(&line))
}

/// A record as the runner itself writes it.
fn written(record: &Value) -> String {
    let entry = Entry::deserialize(record).expect("a record");
    serde_json::to_string(&entry).expect("a record can be written")
}

fn read(log: &str) -> Vec<std::result::Result<Entry, AuditError>> {
    Reader::new(log.as_bytes(), Path::new("log")).collect()
}

fn entry(line: &str) -> Option<Entry> {
    serde_json::from_str(line).ok()
}

pub fn holds(case: Case) {
    let (mut log, mut whole): (String, Vec<Entry>) = (String::new(), Vec::new());
    for (lines, killed_at) in &case.runs {
        // What does not begin with a header is not appended to.
        if !log.is_empty() && whole.is_empty() {
            break;
        }
        // A new run ends the line that the last one was torn from.
        if !log.is_empty() && !log.ends_with('\n') {
            log.push('\n');
        }
        let mut written: String = lines.iter().map(|it| format!("{it}\n")).collect();
        written.truncate(written.floor_char_boundary(*killed_at));
        whole.extend(written.lines().filter_map(entry));
        log.push_str(&written);
    }
    let shown: Vec<Entry> = read(&log)
        .into_iter()
        .map(|it| it.expect("a log after crashes"))
        .collect();
    assert_eq!(shown, whole, "{log}");

    let entries = read(&case.spoilt);
    let is_error = entries.last().is_some_and(Result::is_err);
    let shown: Vec<&Entry> = entries.iter().flatten().collect();
    assert_eq!(
        shown.len() + usize::from(is_error),
        entries.len(),
        "it goes on after an error"
    );
    if is_error {
        return;
    }
    let lines: Vec<&str> = case.spoilt.split_inclusive('\n').collect();
    let mut expected = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        match entry(line) {
            Some(entry) => expected.push(entry),
            None => assert!(
                is_explained(line, &lines[number + 1..]),
                "{line:?} was passed over"
            ),
        }
    }
    assert_eq!(shown, expected.iter().collect::<Vec<_>>());
    for entry in shown {
        let written = serde_json::to_string(entry).expect("a record can be written");
        assert_eq!(
            serde_json::from_str::<Entry>(&written).as_ref().ok(),
            Some(entry)
        );
    }
}

/// Whether a crash explains a line that is no record: it is the last one and not ended, or a run begins after it, if need be at
/// the second attempt.
fn is_explained(line: &str, after: &[&str]) -> bool {
    let Some(next) = after.first() else {
        return !line.ends_with('\n');
    };
    match entry(next) {
        Some(entry) => matches!(entry.record, Record::Run { .. }),
        None => {
            next.starts_with(&"{\"at\":\""[..next.trim_end().len().min(7)])
                && is_explained(next, &after[1..])
        }
    }
}
