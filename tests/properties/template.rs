//! A request that equals a thing's template goes to that thing and to no other.

use arbitrary::{Arbitrary, Result, Unstructured};
use percent_encoding::percent_decode_str;
use runner::cloud::path::RelativePath;
use runner::resource::object::values_at;
use runner::resource::{Template, Thing};
use serde_json::{Map, Value};

use super::draw;

const METHODS: &[&str] = &["DELETE", "PUT", "POST", "PATCH", "GET", "delete"];
const PATHS: &[&str] = &[
    "/v2.0",
    "/ports",
    "/{id}",
    "/{parent}",
    "/{project}",
    "/{/a}",
    "/{/b/c}",
    "/{/l/*}",
    "{id}",
    "?x={parent}",
    "?id={id}",
    "&y=1",
    "/{/a/{id}",
    "/{/b/{id}",
    "{",
    "}",
    "/",
    "//",
    "/..",
    "/x",
    "?",
    "%",
    "#",
];
const BODIES: &[&str] = &[
    r#" {"port_id":"{id}"}"#,
    r#" {"ids":["{id}"]}"#,
    r#" {"x":{"host":"{/l/*}"}}"#,
    r#" {"os-stop":null}"#,
    r#" {"port_id":"{id}","force":true}"#,
    r#" {"{id}":"{parent}"}"#,
    " ",
    " {",
    "",
];
const NAMES: &[&str] = &["a", "b", "c", "l", "id", "{id"];
const VALUES: &[&str] = &["i1", "i2", "h/..", "", "é?&#", "{id}"];
const IDS: &[&str] = &[
    "i1", "i2", "i", "1", "/", "..", ".", "%2f", "?", "#", "é", "{id}", " ",
];

/// A template, and two things.
#[derive(Debug)]
pub struct Case {
    source: String,
    ours: Target,
    other: Target,
}

#[derive(Debug)]
struct Target {
    thing: Thing,
    object: Value,
}

impl<'a> Arbitrary<'a> for Target {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let id = draw::text(bytes, IDS, 3)?;
        let (project, parent) = (draw::perhaps(bytes, VALUES)?, draw::perhaps(bytes, VALUES)?);
        let object: Map<String, Value> = draw::object(bytes, NAMES, VALUES, 2)?;
        Ok(Self {
            thing: draw::thing(&id, project.as_deref(), parent.as_deref()),
            object: Value::Object(object),
        })
    }
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let method = bytes.choose(METHODS)?;
        let path = draw::text(bytes, PATHS, 6)?;
        let aim = bytes.choose(&["/{id}", "/{id}/action", ""])?;
        let body = bytes.choose(BODIES)?;
        Ok(Self {
            source: format!("{method} {path}{aim}{body}"),
            ours: bytes.arbitrary()?,
            other: bytes.arbitrary()?,
        })
    }
}

struct Request {
    method: String,
    path: String,
    body: Option<String>,
}

impl Target {
    fn accepts(&self, template: &Template, request: &Request) -> bool {
        let Request { method, path, body } = request;
        template.matches(&self.thing, &self.object, method, path, body.as_deref())
    }

    /// The requests that a template means for this thing, filled in by hand.
    fn requests(&self, source: &str) -> Vec<Request> {
        let mut parts = source.splitn(3, ' ');
        let (method, path, body) = (parts.next(), parts.next(), parts.next());
        let pointer = source.split_once("{/l/*}").map(|_| "/l/*");
        let stars: Vec<&str> = match pointer {
            Some(pointer) => values_at(&self.object, pointer)
                .filter_map(Value::as_str)
                .collect(),
            None => vec![""],
        };
        let request = |star: &&str| {
            let body = match body {
                Some(text) => {
                    let body: Value = serde_json::from_str(text).ok()?;
                    Some(self.fill_value(&body, star)?.to_string())
                }
                None => None,
            };
            Some(Request {
                method: method?.to_owned(),
                path: self.fill(path?, star, draw::encode)?,
                body,
            })
        };
        stars.iter().filter_map(request).collect()
    }

    fn fill(&self, text: &str, star: &str, encode: fn(&str) -> String) -> Option<String> {
        let Some((before, rest)) = text.split_once('{') else {
            return Some(text.to_owned());
        };
        let (name, after) = rest.split_once('}')?;
        let value = match name {
            "id" => self.thing.at.id.to_string(),
            "parent" => self.thing.parent.as_ref()?.id.to_string(),
            "project" => self.thing.project.as_deref()?.to_owned(),
            "/l/*" => star.to_owned(),
            pointer => match self.object.pointer(pointer)? {
                Value::String(text) if !text.is_empty() => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            },
        };
        Some(format!(
            "{before}{}{}",
            encode(&value),
            self.fill(after, star, encode)?
        ))
    }

    fn fill_value(&self, value: &Value, star: &str) -> Option<Value> {
        Some(match value {
            Value::String(text) => Value::from(self.fill(text, star, str::to_owned)?),
            Value::Array(all) => all
                .iter()
                .map(|it| self.fill_value(it, star))
                .collect::<Option<_>>()?,
            Value::Object(members) => {
                let members = members.iter();
                let filled =
                    members.map(|(name, it)| Some((name.clone(), self.fill_value(it, star)?)));
                Value::Object(filled.collect::<Option<_>>()?)
            }
            other => other.clone(),
        })
    }

    /// Whether a request is for this thing, or only says to another one that it is meant.
    fn is_addressed_by(&self, request: &Request) -> bool {
        let path = request.path.split('?').next().unwrap_or_default();
        let mut segments = path
            .split('/')
            .map(|it| percent_decode_str(it).decode_utf8());
        let is_ours = |segment: Option<_>| {
            segment.is_some_and(|it: Result<_, _>| it.as_deref() == Ok(&*self.thing.at.id))
        };
        if request.method == "DELETE" {
            return is_ours(segments.next_back());
        }
        segments.any(|it| is_ours(Some(it)))
            || request
                .body
                .as_deref()
                .is_some_and(|it| self.is_all_that(it))
    }

    fn is_all_that(&self, body: &str) -> bool {
        let body: Map<String, Value> = serde_json::from_str(body).unwrap_or_default();
        let id = Value::from(&*self.thing.at.id);
        body.len() == 1
            && body
                .values()
                .all(|it| *it == id || *it == Value::Array(vec![id.clone()]))
    }
}

pub fn holds(case: Case) {
    let Ok(template) = Template::parse(&case.source) else {
        return;
    };
    assert_eq!(template.to_string(), case.source);
    for request in case.ours.requests(&case.source) {
        let path = &request.path;
        assert!(
            case.ours.accepts(&template, &request),
            "it refuses its own {path}"
        );
        assert!(
            case.ours.is_addressed_by(&request),
            "it aims elsewhere: {path}"
        );
        let same = case.ours.thing.at == case.other.thing.at;
        assert!(
            same || !case.other.accepts(&template, &request),
            "{path} is another's as well"
        );
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            let other = Request {
                method: method.to_owned(),
                path: path.clone(),
                body: request.body.clone(),
            };
            assert!(method == request.method || !case.ours.accepts(&template, &other));
        }
        // What is filled in opens no segment and no parameter.
        if RelativePath::parse(path).is_ok() {
            let drawn = outline(case.source.split(' ').nth(1).unwrap());
            for mark in ['/', '?', '&', '=', '#'] {
                assert_eq!(
                    path.matches(mark).count(),
                    drawn.matches(mark).count(),
                    "{path}"
                );
            }
        }
    }
}

/// A template's path with nothing in the place of placeholders.
fn outline(path: &str) -> String {
    match path.split_once('{') {
        Some((before, rest)) => {
            let after = rest.split_once('}').map_or("", |(_, after)| after);
            format!("{before}{}", outline(after))
        }
        None => path.to_owned(),
    }
}
