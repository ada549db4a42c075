//! Every recorded decision of Rally 5.1.1 about names, held against ours.
//!
//! `fixtures/naming-vectors.json` has 107 names with Rally's answer and 15 task parts, all observed by running Rally.
//! Two answers are Rally's bugs, which we do not copy: it puts a seeded task part into its regular expression
//! unescaped. Ours differ there on purpose, and this file says how.

use runner::name::{Alphabet, FormatError, Match, NameFormat, TaskId};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Vectors {
    #[serde(rename = "match")]
    matches: Vec<MatchRow>,
    task_part: Vec<PartRow>,
}

#[derive(Deserialize)]
struct MatchRow {
    format: String,
    alphabet: String,
    task: Option<String>,
    exact: bool,
    name: Option<String>,
    result: Value,
    note: String,
}

#[derive(Deserialize)]
struct PartRow {
    task: String,
    format: String,
    alphabet: String,
    length: usize,
    part: String,
    seeded: bool,
}

fn vectors() -> serde_json::Result<Vectors> {
    serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/naming-vectors.json"
    )))
}

fn format(text: &str, alphabet: &str) -> Result<NameFormat, FormatError> {
    NameFormat::with_alphabet(text, Alphabet::parse(alphabet)?)
}

/// What we answer, in Rally's terms.
fn answer(row: &MatchRow) -> Value {
    let Ok(format) = format(&row.format, &row.alphabet) else {
        return "ValueError".into();
    };
    let Some(name) = row.name.as_deref() else {
        // A thing without a name has no text to match: the type says so, where Rally fails at run time.
        return "TypeError".into();
    };
    // Rally takes an empty id for none at all; ours cannot be empty.
    let task = row.task.as_deref().and_then(|id| TaskId::parse(id).ok());
    let extent = if row.exact {
        Match::Exact
    } else {
        Match::Start
    };
    format.matches(name, task.as_ref(), extent).into()
}

#[test]
fn names_are_judged_as_rally_judges_them() {
    let rows = vectors().unwrap().matches;
    assert_eq!(rows.len(), 107);
    let (bugs, rows): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .partition(|row| row.note.starts_with("BUG"));
    assert_eq!(bugs.len(), 2);
    for row in &rows {
        assert_eq!(
            answer(row),
            row.result,
            "{:?} against {:?}, task {:?}: {}",
            row.name,
            row.format,
            row.task,
            row.note
        );
    }
}

/// The seeded part `.(a` is no regular expression, so Rally fails on the name that it made itself. We accept it.
#[test]
fn a_seeded_part_that_is_no_regular_expression_is_a_plain_text() {
    let rows = vectors().unwrap().matches;
    let row = rows.iter().find(|row| row.result == "error").unwrap();
    assert_eq!(row.name.as_deref(), Some("][*_.(a_abc"));
    assert_eq!(answer(row), Value::Bool(true));
}

/// The seeded part is `a..`, and Rally lets each dot stand for any character: it takes `azz` for this task's. That
/// would delete the things of another task, so we take only `a..`.
#[test]
fn a_seeded_part_with_dots_is_no_wildcard() {
    let rows = vectors().unwrap().matches;
    let mut row = rows
        .into_iter()
        .find(|row| row.name.as_deref() == Some("n-azz-a.a"))
        .unwrap();
    assert_eq!(row.result, Value::Bool(true));
    assert_eq!(answer(&row), Value::Bool(false));
    row.name = Some("n-a..-a.a".to_owned());
    assert_eq!(answer(&row), Value::Bool(true));
}

#[test]
fn task_parts_are_those_of_rally() {
    let rows = vectors().unwrap().task_part;
    assert_eq!(rows.len(), 15);
    for row in rows {
        let format = format(&row.format, &row.alphabet).unwrap();
        let (text, seeded) = match TaskId::parse(&row.task) {
            Ok(task) => {
                let part = format.task_part(&task);
                (part.text, part.seeded)
            }
            // Rally seeds with an empty text where it has no id.
            Err(_) => (format.ownerless_part(), true),
        };
        assert_eq!((&text, seeded), (&row.part, row.seeded), "{:?}", row.task);
        assert_eq!(text.chars().count(), row.length);
    }
}
