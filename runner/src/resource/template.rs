//! Request templates: the only changing requests that a kind may send.
//!
//! A template is `METHOD path` or `METHOD path body`. Placeholders stand in its path, its query and the strings of its JSON
//! body:
//!
//! | placeholder | stands for |
//! |---|---|
//! | `{id}` | the thing's id |
//! | `{parent}` | the id of the thing under which it was listed |
//! | `{project}` | the id of its project |
//! | `{/pointer}` | the string or number at that JSON pointer of its object; `*` stands for any element of an array |
//!
//! | refused | why |
//! |---|---|
//! | `GET …`, `HEAD …` | changes nothing, so it needs no template |
//! | `DELETE /v2.0/ports/{/network_id}` | a `DELETE` ends in `/{id}`: it deletes the thing itself |
//! | `PUT /v2.0/routers/{/device_id} {…}` | would change something that nobody approved |
//! | `PUT /v2.0/routers/{/device_id}/remove_router_interface {"port_id":"{id}","force":true}` | a request to another thing is an action on it (the path goes on behind the pointer) and says nothing but the thing's id; any other than to take the thing away from an owner is [unusual](super::Kind::unusual) |
//! | `..`, `//`, `\`, `#`, `%` in the path | paths are compared, never normalized |

mod aim;
mod collection;
mod filling;

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// Everything but RFC 3986's unreserved characters is encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A changing method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

impl Change {
    fn parse(method: &str) -> Option<Self> {
        match method {
            "POST" => Some(Self::Post),
            "PUT" => Some(Self::Put),
            "PATCH" => Some(Self::Patch),
            "DELETE" => Some(Self::Delete),
            _ => None,
        }
    }
}

/// Why a text is no template.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateError {
    /// The method is none that changes something.
    #[error("template {0:?} does not begin with POST, PUT, PATCH or DELETE")]
    Method(String),
    /// There is no path, or a part of it that would have to be normalized.
    #[error(
        "template {0:?} has no plain path: it begins with a slash and has no `//`, `..`, `\\`, `#`, `%`"
    )]
    Path(String),
    /// A placeholder is unknown or not closed.
    #[error(
        "template {0:?} has a placeholder other than {{id}}, {{parent}}, {{project}} and {{/pointer}} (with at most one `*`)"
    )]
    Placeholder(String),
    /// The body is no JSON.
    #[error("template {0:?} has a body that is no JSON")]
    Body(String),
    /// The template does not name the thing.
    #[error(
        "template {0:?} does not aim at the thing: a DELETE ends in /{{id}}, any other has /{{id}} in its path, or is an action on another thing whose body is nothing but {{\"…\":\"{{id}}\"}}"
    )]
    Aim(String),
}

/// A text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Text(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Id,
    Parent,
    Project,
    Pointer(String),
}

/// A changing request, with places for what only the listed thing can say.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    source: String,
    change: Change,
    path: Text,
    body: Option<Value>,
    starred: Option<String>,
    is_forced: bool,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// Whatever the module's table refuses.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        let mut parts = source.splitn(3, ' ');
        let change = parts
            .next()
            .and_then(Change::parse)
            .ok_or_else(|| TemplateError::Method(source.to_owned()))?;
        let path = parts
            .next()
            .filter(|path| is_plain(path))
            .ok_or_else(|| TemplateError::Path(source.to_owned()))?;
        let body = parts.next().map(serde_json::from_str).transpose();
        let body: Option<Value> = body.map_err(|_| TemplateError::Body(source.to_owned()))?;
        let texts: Vec<Text> = std::iter::once(path)
            .chain(body.iter().flat_map(strings))
            .map(|text| {
                Text::parse(text).ok_or_else(|| TemplateError::Placeholder(source.to_owned()))
            })
            .collect::<Result<_, _>>()?;
        if !aim::is_at_the_thing(change, path, body.as_ref()) {
            return Err(TemplateError::Aim(source.to_owned()));
        }
        let starred =
            starred(&texts).map_err(|()| TemplateError::Placeholder(source.to_owned()))?;
        let path = texts.into_iter().next().unwrap_or(Text(Vec::new()));
        Ok(Self {
            source: source.to_owned(),
            change,
            path,
            body,
            starred,
            is_forced: false,
        })
    }

    /// Reads a template of a request that is sent only where the operator insists.
    ///
    /// # Errors
    /// As `parse`.
    pub fn parse_forced(source: &str) -> Result<Self, TemplateError> {
        Ok(Self {
            is_forced: true,
            ..Self::parse(source)?
        })
    }

    /// Whether it is sent only where the operator insists.
    pub fn is_forced(&self) -> bool {
        self.is_forced
    }

    /// Its path and query, with placeholders.
    pub(super) fn path_source(&self) -> &str {
        self.source.split(' ').nth(1).unwrap_or_default()
    }

    /// Its method.
    pub fn method(&self) -> &str {
        self.source.split(' ').next().unwrap_or_default()
    }

    /// Its path without the query. A name in braces stands for one segment, and `**` for an id that may have slashes in it.
    pub fn path_pattern(&self) -> String {
        let path = self.path_source().split('?').next().unwrap_or_default();
        match self.is_name_below_parent() {
            true => path.replace("{id}", "**"),
            false => path.replace("{/", "{"),
        }
    }

    /// As it was declared.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// How many placeholders it has.
    pub(super) fn placeholders(&self) -> usize {
        let texts = self.body.iter().flat_map(strings).filter_map(Text::parse);
        let texts = texts.chain(std::iter::once(self.path.clone()));
        let is_filled = |piece: &&Piece| !matches!(piece, Piece::Literal(_));
        texts
            .map(|text| text.0.iter().filter(is_filled).count())
            .sum()
    }

    /// The pointers that are filled in, in path and body.
    pub(super) fn pointers(&self) -> Vec<String> {
        let texts = self.body.iter().flat_map(strings).filter_map(Text::parse);
        let texts = texts.chain(std::iter::once(self.path.clone()));
        let pieces = texts.flat_map(|text| text.0);
        let pointers = pieces.filter_map(|piece| match piece {
            Piece::Pointer(pointer) => Some(pointer),
            Piece::Literal(_) | Piece::Id | Piece::Parent | Piece::Project => None,
        });
        pointers.collect()
    }

    /// Whether it is the deletion of the thing itself.
    pub fn is_deletion(&self) -> bool {
        matches!(self.change, Change::Delete)
    }

    /// Whether the parent's id is a segment of the path, so that the service itself looks there.
    pub(in crate::resource) fn leads_through_parent(&self) -> bool {
        let pieces = self.path.0.iter();
        let mut path =
            pieces.take_while(|it| !matches!(it, Piece::Literal(it) if it.contains('?')));
        path.any(|it| *it == Piece::Parent)
    }

    /// Whether the path is the parent's id and the thing's, and nothing else. Then a slash in a name leads to nothing outside of
    /// the parent.
    pub fn is_name_below_parent(&self) -> bool {
        let slash = |piece: &Piece| *piece == Piece::Literal("/".to_owned());
        match self.path.0.as_slice() {
            [first, Piece::Parent, second, Piece::Id] => slash(first) && slash(second),
            _ => false,
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.source)?;
        if self.is_forced {
            formatter.write_str(" (only with --force)")?;
        }
        Ok(())
    }
}

impl Piece {
    /// As it stands in a template.
    fn in_words(&self) -> String {
        match self {
            Self::Literal(text) => text.clone(),
            Self::Id => "{id}".to_owned(),
            Self::Parent => "{parent}".to_owned(),
            Self::Project => "{project}".to_owned(),
            Self::Pointer(pointer) => format!("{{{pointer}}}"),
        }
    }
}

impl Text {
    fn parse(text: &str) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((literal, opened)) = rest.split_once('{') {
            let (name, after) = opened.split_once('}')?;
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal.to_owned()));
            }
            pieces.push(match name {
                "id" => Piece::Id,
                "parent" => Piece::Parent,
                "project" => Piece::Project,
                // What looks like `/{id}` in a text is `{id}` then, and no part of a pointer's name.
                pointer if pointer.starts_with('/') && !pointer.contains('{') => {
                    Piece::Pointer(pointer.to_owned())
                }
                _ => return None,
            });
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        Some(Self(pieces))
    }
}

fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(elements) => elements.iter().flat_map(strings).collect(),
        Value::Object(members) => members.values().flat_map(strings).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

fn starred(texts: &[Text]) -> Result<Option<String>, ()> {
    let pointers = texts
        .iter()
        .flat_map(|text| &text.0)
        .filter_map(|piece| match piece {
            Piece::Pointer(pointer) if pointer.contains('*') => Some(pointer),
            _ => None,
        });
    let mut starred: Vec<&String> = pointers.collect();
    starred.dedup();
    match starred.as_slice() {
        [] => Ok(None),
        [pointer] if pointer.matches('*').count() == 1 => Ok(Some((*pointer).clone())),
        _ => Err(()),
    }
}

fn is_plain(path: &str) -> bool {
    let clean = |c: char| c.is_ascii_graphic() && !matches!(c, '\\' | '#' | '%' | '"' | '<' | '>');
    let (path_only, _) = path.split_once('?').unwrap_or((path, ""));
    // A `{/pointer}` holds slashes of its own.
    let outline = outline(path_only);
    path.starts_with('/')
        && path.chars().all(clean)
        && outline
            .split('/')
            .skip(1)
            .all(|segment| !segment.is_empty() && segment != "." && segment != "..")
}

/// The path with a plain letter for each placeholder.
fn outline(path: &str) -> String {
    let mut outline = String::new();
    let mut inside = false;
    for c in path.chars() {
        match c {
            '{' => inside = true,
            '}' if inside => {
                inside = false;
                outline.push('x');
            }
            _ if inside => {}
            _ => outline.push(c),
        }
    }
    outline
}

/// Percent-encodes a path segment or a query value: everything but unreserved characters.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resource::{Thing, ThingRef};

    #[test]
    fn a_name_below_a_parent_is_told_from_other_paths() {
        for (source, expected) in [
            ("DELETE /{parent}/{id}", true),
            ("DELETE /{id}", false),
            ("DELETE /v2/{parent}/{id}", false),
            ("DELETE /{parent}/x/{id}", false),
            ("DELETE /{project}/{id}", false),
            ("DELETE /{parent}/{id}?multipart-manifest=delete", false),
        ] {
            let template = Template::parse(source).unwrap();
            assert_eq!(template.is_name_below_parent(), expected, "{source}");
        }
    }

    fn thing(id: &str) -> Thing {
        Thing {
            at: ThingRef::new("network.port", id),
            name: None,
            is_cloud_named: false,
            project: Some("p1".into()),
            parent: Some(ThingRef::new("identity.user", "u/1")),
            created_at: None,
            status: None,
            tags: Some(Vec::new()),
            object: String::new(),
        }
    }

    fn allows(template: &str, object: Value, request: (&str, &str, Option<&str>)) -> bool {
        let template = Template::parse(template).unwrap();
        template.matches(&thing("a1"), &object, request.0, request.1, request.2)
    }

    #[test]
    fn a_template_allows_only_its_own_request() {
        let delete = "DELETE /v2.0/ports/{id}";
        for (name, request, allowed) in [
            (
                "the request itself",
                ("DELETE", "/v2.0/ports/a1", None),
                true,
            ),
            (
                "an empty body is none",
                ("DELETE", "/v2.0/ports/a1", Some("")),
                true,
            ),
            ("another id", ("DELETE", "/v2.0/ports/a2", None), false),
            ("the collection", ("DELETE", "/v2.0/ports", None), false),
            (
                "the collection with a slash",
                ("DELETE", "/v2.0/ports/", None),
                false,
            ),
            ("a query", ("DELETE", "/v2.0/ports/a1?force=1", None), false),
            (
                "dot segments",
                ("DELETE", "/v2.0/ports/a1/../a1", None),
                false,
            ),
            (
                "encoding what needs none",
                ("DELETE", "/v2.0/ports/%611", None),
                false,
            ),
            ("another method", ("PUT", "/v2.0/ports/a1", None), false),
            ("a body", ("DELETE", "/v2.0/ports/a1", Some("{}")), false),
        ] {
            assert_eq!(allows(delete, json!({}), request), allowed, "{name}");
        }
    }

    #[test]
    fn bodies_are_compared_as_json() {
        let template =
            r#"PUT /v2.0/routers/{/device_id}/remove_router_interface {"port_id":"{id}"}"#;
        let path = "/v2.0/routers/r1/remove_router_interface";
        let port = json!({"device_id": "r1"});
        assert!(allows(
            template,
            port.clone(),
            ("PUT", path, Some(r#"{ "port_id" : "a1" }"#))
        ));
        assert!(!allows(
            template,
            port.clone(),
            ("PUT", path, Some(r#"{"port_id":"a2"}"#))
        ));
        assert!(!allows(
            template,
            port.clone(),
            ("PUT", path, Some(r#"{"port_id":"a1","subnet_id":"s"}"#))
        ));
        assert!(!allows(
            template,
            port,
            (
                "PUT",
                "/v2.0/routers/r2/remove_router_interface",
                Some(r#"{"port_id":"a1"}"#)
            )
        ));
        assert!(
            !allows(
                template,
                json!({}),
                ("PUT", path, Some(r#"{"port_id":"a1"}"#))
            ),
            "no device_id in the object"
        );
    }

    #[test]
    fn a_star_stands_for_any_element_of_the_object() {
        let template = r#"POST /os-aggregates/{id}/action {"remove_host":{"host":"{/hosts/*}"}}"#;
        let aggregate = json!({"hosts": ["h1", "h2"]});
        let path = "/os-aggregates/a1/action";
        assert!(allows(
            template,
            aggregate.clone(),
            ("POST", path, Some(r#"{"remove_host":{"host":"h2"}}"#))
        ));
        assert!(!allows(
            template,
            aggregate,
            ("POST", path, Some(r#"{"remove_host":{"host":"h3"}}"#))
        ));
    }

    #[test]
    fn filled_in_values_are_encoded() {
        let template = "DELETE /os-keypairs/{id}?user_id={parent}";
        assert!(allows(
            template,
            json!({}),
            ("DELETE", "/os-keypairs/a1?user_id=u%2F1", None)
        ));
        assert!(!allows(
            template,
            json!({}),
            ("DELETE", "/os-keypairs/a1?user_id=u/1", None)
        ));
    }
}
