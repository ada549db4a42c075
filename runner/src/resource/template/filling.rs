//! A template, filled in for a thing, against a request.

use serde_json::Value;

use super::super::Thing;
use super::super::object::values_at;
use super::{Change, Piece, Template, Text, encode};

/// Values a starred pointer may have in one thing. A server aggregate with more hosts than this is not to be had.
const STARRED_VALUES_MAX: usize = 10_000;

/// What placeholders are filled with.
pub(super) struct Filling<'a> {
    pub(super) thing: &'a Thing,
    pub(super) object: &'a Value,
    pub(super) star: Option<&'a str>,
}

impl Template {
    /// Whether a request equals this template, filled in for this thing. `object` is the thing's parsed JSON object.
    pub fn matches(
        &self,
        thing: &Thing,
        object: &Value,
        method: &str,
        path: &str,
        body: Option<&str>,
    ) -> bool {
        let given = body.filter(|body| !body.is_empty());
        let Ok(given) = given.map(serde_json::from_str::<Value>).transpose() else {
            return false;
        };
        self.equals(thing, object, method, path, given.as_ref())
    }

    /// As `matches`, for a body that was read before: there may be many templates, and the body large.
    pub fn equals(
        &self,
        thing: &Thing,
        object: &Value,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> bool {
        if Change::parse(method) != Some(self.change) {
            return false;
        }
        let with = |star| Filling {
            thing,
            object,
            star,
        };
        let path_is = |filling: &Filling<'_>| self.path.is(path, filling, &encode);
        let body_is = |filling: &Filling<'_>| match (&self.body, body) {
            (None, None) => true,
            (Some(own), Some(given)) => is_filled(own, given, filling),
            _ => false,
        };
        match &self.starred {
            None => path_is(&with(None)) && body_is(&with(None)),
            Some(_) if !self.path.has_star() && !path_is(&with(None)) => false,
            Some(pointer) => values_at(object, pointer)
                .filter_map(Value::as_str)
                .take(STARRED_VALUES_MAX)
                .any(|star| path_is(&with(Some(star))) && body_is(&with(Some(star)))),
        }
    }
}

impl Text {
    fn has_star(&self) -> bool {
        let mut pieces = self.0.iter();
        pieces.any(|it| matches!(it, Piece::Pointer(pointer) if pointer.contains('*')))
    }

    /// Whether a text is this one, filled in.
    fn is(&self, given: &str, filling: &Filling<'_>, encode: &dyn Fn(&str) -> String) -> bool {
        let mut rest = given;
        let is_next = |piece: &Piece| {
            let next = match piece {
                Piece::Literal(text) => rest.strip_prefix(text.as_str()),
                other => {
                    let filled = Self(vec![other.clone()]).fill(filling, encode);
                    filled.and_then(|text| rest.strip_prefix(text.as_str()))
                }
            };
            next.map(|next| rest = next).is_some()
        };
        self.0.iter().all(is_next) && rest.is_empty()
    }

    /// `None` where the thing lacks what a placeholder asks for: then no request can equal the template.
    pub(super) fn fill(
        &self,
        filling: &Filling<'_>,
        encode: &dyn Fn(&str) -> String,
    ) -> Option<String> {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => filled.push_str(text),
                Piece::Id => filled.push_str(&encode(&filling.thing.at.id)),
                Piece::Parent => filled.push_str(&encode(&filling.thing.parent.as_ref()?.id)),
                Piece::Project => filled.push_str(&encode(filling.thing.project.as_deref()?)),
                Piece::Pointer(pointer) if pointer.contains('*') => {
                    filled.push_str(&encode(filling.star?));
                }
                Piece::Pointer(pointer) => match filling.object.pointer(pointer)? {
                    Value::String(text) if !text.is_empty() => filled.push_str(&encode(text)),
                    Value::Number(number) => filled.push_str(&encode(&number.to_string())),
                    _ => return None,
                },
            }
        }
        Some(filled)
    }
}

/// Whether a body equals a template's, filled in. Nothing is copied: it ends at the first difference.
fn is_filled(own: &Value, given: &Value, filling: &Filling<'_>) -> bool {
    match (own, given) {
        (Value::String(own), Value::String(given)) => {
            Text::parse(own).is_some_and(|own| own.is(given, filling, &str::to_owned))
        }
        (Value::Array(own), Value::Array(given)) => {
            let mut pairs = own.iter().zip(given);
            own.len() == given.len() && pairs.all(|(own, given)| is_filled(own, given, filling))
        }
        (Value::Object(own), Value::Object(given)) => {
            let in_given = |(name, own): (&String, &Value)| {
                let given = given.get(name);
                given.is_some_and(|given| is_filled(own, given, filling))
            };
            own.len() == given.len() && own.iter().all(in_given)
        }
        (own, given) => own == given,
    }
}
