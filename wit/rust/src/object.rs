//! A thing's JSON object, and the places in it.

use serde_json::Value;

use crate::{RuleError, Thing};

/// Which kind, and where in a thing's object its id stands: `("network.network", "/network_id")`. `/*` in the pointer
/// stands for every element of an array.
pub type Place = (&'static str, &'static str);

/// The JSON object of a listed thing.
pub struct Object(Value);

impl Object {
    /// Parses the object of an item. An item that is no JSON is an object without members: it has no name and no owner.
    pub fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap_or(Value::Null))
    }

    /// Parses the body of an answer.
    ///
    /// # Errors
    /// `malformed` if it is no JSON.
    pub fn parse_answer(body: &str) -> Result<Self, RuleError> {
        serde_json::from_str(body)
            .map(Self)
            .map_err(|error| RuleError::Malformed(format!("the answer is no JSON: {error}")))
    }

    /// The non-empty string at a JSON pointer.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        text_at(&self.0, pointer)
    }

    /// Whether the value at a JSON pointer is `true`.
    pub fn is_true(&self, pointer: &str) -> bool {
        self.0.pointer(pointer).and_then(Value::as_bool) == Some(true)
    }

    /// Whether the value at a JSON pointer is an array or an object with something in it.
    pub fn has_any(&self, pointer: &str) -> bool {
        match self.0.pointer(pointer) {
            Some(Value::Array(elements)) => !elements.is_empty(),
            Some(Value::Object(members)) => !members.is_empty(),
            _ => false,
        }
    }

    /// Whether the value at a JSON pointer is an array with nothing in it.
    pub fn has_none(&self, pointer: &str) -> bool {
        self.0
            .pointer(pointer)
            .and_then(Value::as_array)
            .is_some_and(Vec::is_empty)
    }

    /// The non-empty strings at a JSON pointer in which `*` stands for every element of an array.
    pub fn texts(&self, pointer: &str) -> Vec<&str> {
        let Some(steps) = pointer.strip_prefix('/') else {
            return Vec::new();
        };
        let mut found = vec![&self.0];
        for step in steps.split('/') {
            found = found
                .into_iter()
                .flat_map(|value| members(value, step))
                .collect();
        }
        found
            .into_iter()
            .filter_map(Value::as_str)
            .filter(|text| !text.is_empty())
            .collect()
    }

    /// Two non-empty strings of each element of an array that has both.
    pub fn pairs(&self, array: &str, first: &str, second: &str) -> Vec<(&str, &str)> {
        let elements = self.0.pointer(array).and_then(Value::as_array);
        let elements = elements.into_iter().flatten();
        let pair = |element| Some((text_at(element, first)?, text_at(element, second)?));
        elements.filter_map(pair).collect()
    }

    /// The things whose ids stand at these places. Where a place is called a reference (`…_ref`, `…_href`), the last segment of a
    /// URL is the id, as the runner reads it too.
    pub fn things(&self, places: &[Place]) -> Vec<Thing> {
        let at = |(kind, pointer): &Place| {
            let ids = self.texts(pointer).into_iter();
            let things = ids.map(|id| Thing {
                kind: (*kind).to_owned(),
                id: id_at(pointer, id).to_owned(),
            });
            things.collect::<Vec<_>>()
        };
        places.iter().flat_map(at).collect()
    }
}

fn text_at<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.filter(|text| !text.is_empty())
}

fn id_at<'a>(pointer: &str, text: &'a str) -> &'a str {
    if is_reference(pointer) && text.contains("://") {
        let path = text.trim_end_matches('/');
        path.rsplit('/').next().unwrap_or(path)
    } else {
        text
    }
}

fn is_reference(pointer: &str) -> bool {
    let place = pointer.trim_end_matches("/*");
    let name = place.rsplit('/').next().unwrap_or_default();
    let ends = ["_ref", "_refs", "_href", "_hrefs"];
    ends.iter().any(|end| name.ends_with(end))
}

fn members<'a>(value: &'a Value, step: &str) -> Vec<&'a Value> {
    match (value, step) {
        (Value::Array(elements), "*") => elements.iter().collect(),
        _ => value.pointer(&format!("/{step}")).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_url_is_an_id() {
        let container = Object::parse(
            r#"{"secret_refs":[{"secret_ref":"http://h/v1/secrets/a"},{"secret_ref":"b"}]}"#,
        );
        let things = container.things(&[("a.secret", "/secret_refs/*/secret_ref")]);
        let ids: Vec<&str> = things.iter().map(|thing| thing.id.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
        let region = Object::parse(r#"{"region":"x://a/b"}"#);
        let things = region.things(&[("a.region", "/region")]);
        assert_eq!(things[0].id, "x://a/b", "a name may look like a URL");
    }

    #[test]
    fn a_pair_is_of_one_element() {
        let secret = Object::parse(
            r#"{"consumers":[{"type":"a"},{"type":"b","id":"2"},{"type":"","id":"3"}]}"#,
        );
        assert_eq!(secret.pairs("/consumers", "/type", "/id"), [("b", "2")]);
        assert!(secret.pairs("/others", "/type", "/id").is_empty());
    }
}
