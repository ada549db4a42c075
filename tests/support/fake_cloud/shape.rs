//! A collection's shape, parsed once, and the writing of a thing in that shape.
//!
//! A thing keeps only what differs from its row, so that 100,000 of them stay small; the rest is filled in
//! while the answer is written, in the order of the row.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// One field of a shape.
pub(crate) struct Slot {
    pub(crate) name: String,
    pub(crate) since: u32,
    pub(crate) until: u32,
    pub(crate) admin: bool,
    parts: Vec<Part>,
}

enum Part {
    Text(String),
    Hole(String),
}

impl Slot {
    fn parse(key: &str, value: &Value) -> Slot {
        let (key, admin) = key.strip_suffix('!').map_or((key, false), |k| (k, true));
        let (name, range) = key.rsplit_once('@').unwrap_or((key, ""));
        let (since, until) = match range.strip_prefix('-') {
            Some(last) => (0, last.parse().unwrap_or(u32::MAX)),
            None => (range.parse().unwrap_or(0), u32::MAX),
        };
        Slot {
            name: name.to_owned(),
            since,
            until,
            admin,
            parts: holes(&value.to_string()),
        }
    }

    /// Whether the field is part of an answer at this minor version.
    pub(crate) fn shows(&self, minor: u32, admin: bool) -> bool {
        (self.since..=self.until).contains(&minor) && (admin || !self.admin)
    }

    /// Writes the default value; `fill` gives the text of a hole.
    pub(crate) fn write(&self, out: &mut String, fill: &dyn Fn(&str) -> String) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Hole(name) => push_escaped(out, &fill(name)),
            }
        }
    }
}

/// Splits `…$name…` into what is fixed and what is filled in.
fn holes(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut pieces = text.split('$');
    parts.push(Part::Text(pieces.next().unwrap_or("").to_owned()));
    for piece in pieces {
        let end = piece
            .find(|c: char| !(c.is_ascii_lowercase() || c == '_'))
            .unwrap_or(piece.len());
        let (name, rest) = piece.split_at(end);
        parts.push(Part::Hole(name.to_owned()));
        parts.push(Part::Text(rest.to_owned()));
    }
    parts
}

/// Appends text as the inside of a JSON string.
fn push_escaped(out: &mut String, text: &str) {
    let quoted = Value::from(text).to_string();
    out.push_str(quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or(""));
}

/// Parses a row's shape. A shape that is no JSON object is a mistake in the table.
pub(crate) fn parse(kind: &str, shape: &str) -> Result<Vec<Slot>, String> {
    let ordered: Ordered = serde_json::from_str(shape)
        .map_err(|e| format!("shape of {kind} is no JSON object: {e}"))?;
    Ok(ordered
        .0
        .iter()
        .map(|(key, value)| Slot::parse(key, value))
        .collect())
}

/// A JSON object that keeps its order: serde_json's own map sorts.
struct Ordered(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Ordered;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// A value as a query string or a guard compares it: bare text, `true`, `7`, empty for null.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// The texts at a path: `a`, `a[]`, `a.b`, `a[].b`.
pub(crate) fn texts_at(value: Option<&Value>, path: &str) -> Vec<String> {
    let Some(value) = value else {
        return Vec::new();
    };
    if path.is_empty() {
        return value
            .as_str()
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .into_iter()
            .collect();
    }
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    match step.strip_suffix("[]") {
        Some("") => each(value, rest),
        Some(name) => value
            .get(name)
            .map_or_else(Vec::new, |list| each(list, rest)),
        None => texts_at(value.get(step), rest),
    }
}

fn each(list: &Value, rest: &str) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .flat_map(|entry| texts_at(Some(entry), rest))
        .collect()
}
