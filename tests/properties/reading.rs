//! Whatever is read from an object stands in it, at the places that the kind declares.

use arbitrary::{Arbitrary, Result, Unstructured};
use runner::resource::object::values_at;
use runner::resource::{
    Effects, Fields, Kind, Owner, OwnerField, Reach, Relation, Template, ThingRef,
};
use serde_json::Value;

use super::draw;

const NAMES: &[&str] = &[
    "id",
    "uuid",
    "name",
    "namespace",
    "port_ref",
    "project_id",
    "tenant_id",
    "tags",
    "device_id",
    "created_at",
    "status",
    "w",
    "zone_id",
];
const STRINGS: &[&str] = &[
    "a",
    "r1",
    "",
    "b-r1",
    "http://h/v1/secrets/a",
    "http://h/",
    "2026-11-22T17:16:40",
    "é/..",
    "DOWN",
];
const POINTERS: &[&str] = &[
    "/id",
    "/uuid",
    "/name",
    "/namespace",
    "/port_ref",
    "/project_id",
    "/tags",
    "/device_id",
    "/w/id",
    "/w/name",
    "/status",
    "/created_at",
    "",
    "/w/w/id",
    "id",
    "/w/*",
];
const TEMPLATES: &[&str] = &[
    "DELETE /v2.0/ports/{id}",
    "DELETE /v2.0/routers/{parent}/ports/{id}",
    "DELETE /v2.0/ports/{id}?router={parent}",
    "DELETE /{project}/ports/{id}",
    "PUT /v2.0/ports/{id}/reset",
    r#"PUT /v2.0/routers/{/device_id}/remove {"port_id":"{id}"}"#,
];
const PATHS: &[&str] = &[
    "/v2.0", "/v3", "/ports", "/routers", "/r1", "/a", "/detail", "/", "/b", "/%2E",
];

const COLLECTIONS: &[&str] = &["/v2.0/ports", "/ports/detail", "/v2.0/routers/r1/ports"];

/// A declaration, an object, and where it was listed.
#[derive(Debug)]
pub struct Case {
    kind: Kind,
    parent: Option<ThingRef>,
    object: Value,
    path: String,
    said: Vec<String>,
}

fn pointer(bytes: &mut Unstructured<'_>) -> Result<String> {
    Ok((*bytes.choose(POINTERS)?).to_owned())
}

/// Mostly what is usual, so that most objects are read.
fn mostly(bytes: &mut Unstructured<'_>, usual: &str) -> Result<String> {
    let is_usual = bytes.ratio(2u8, 3)?;
    let other = pointer(bytes)?;
    Ok(if is_usual { usual.to_owned() } else { other })
}

fn pointers(bytes: &mut Unstructured<'_>) -> Result<Vec<String>> {
    (0..bytes.int_in_range(0..=2)?)
        .map(|_: u8| pointer(bytes))
        .collect()
}

fn kind(bytes: &mut Unstructured<'_>) -> Result<Kind> {
    let under = || Reach::UnderEach("network.router".into());
    let owners = pointers(bytes)?.into_iter();
    let templates = 1..=bytes.int_in_range(1..=2)?;
    let templates = templates.map(|_: u8| bytes.choose(TEMPLATES));
    Ok(Kind {
        requests: templates
            .map(|it| Ok(Template::parse(it?).expect("a template")))
            .collect::<Result<_>>()?,
        owners: owners
            .map(|at| OwnerField {
                kind: "network.router".into(),
                at,
            })
            .collect(),
        name: "network.port".into(),
        service: "network".to_owned(),
        reach: bytes
            .choose(&[Reach::Projects, Reach::EachProject, under()])?
            .clone(),
        fields: Fields {
            id: mostly(bytes, "/id")?,
            names: pointers(bytes)?,
            project: mostly(bytes, "/project_id")?,
            created_at: mostly(bytes, "/created_at")?,
            status: mostly(bytes, "/status")?,
            tags: mostly(bytes, "/tags")?,
        },
        after: Vec::new(),
        reads: Vec::new(),
        sees: Vec::new(),
        failed_states: Vec::new(),
        effects: Effects::default(),
    })
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let kind = kind(bytes)?;
        let is_under = kind.reach.parent().is_some();
        let mut object = draw::object(bytes, NAMES, STRINGS, 2)?;
        if bytes.arbitrary()? {
            object.insert("id".to_owned(), Value::from(*bytes.choose(STRINGS)?));
        }
        let path = match bytes.arbitrary()? {
            true => (*bytes.choose(COLLECTIONS)?).to_owned(),
            false => draw::text(bytes, PATHS, 5)?,
        };
        Ok(Self {
            kind,
            parent: is_under.then(|| ThingRef::new("network.router", "r1")),
            object: Value::Object(object),
            path,
            said: (0..4)
                .map(|_| draw::text(bytes, STRINGS, 2))
                .collect::<Result<_>>()?,
        })
    }
}

pub fn holds(case: Case) {
    let Case {
        kind,
        parent,
        object,
        path,
        said,
    } = &case;
    if kind.check().is_err() {
        return;
    }
    let text = object.to_string();
    let Ok(thing) = kind.read(&text, object, parent.as_ref(), path) else {
        return;
    };
    assert_eq!(thing.object, text);
    assert_eq!((&thing.at.kind, &thing.parent), (&kind.name, parent));
    let at = |pointer: &str| object.pointer(pointer).filter(|_| !pointer.is_empty());
    let id = &*thing.at.id;
    assert!(!id.is_empty() && id.len() <= 1024);
    is_its_id(kind, object, parent.as_ref(), id);
    let project = thing.project.as_deref();
    assert!(
        project.is_none()
            || project == at(&kind.fields.project).and_then(Value::as_str)
            || project == Kind::own_project(object)
    );
    let status = thing.status.as_deref();
    assert!(status.is_none() || status == at(&kind.fields.status).and_then(Value::as_str));
    for tag in thing.tags.iter().flatten() {
        let stands_there = match at(&kind.fields.tags) {
            Some(Value::Array(tags)) => tags.contains(&Value::from(tag.as_str())),
            Some(Value::Object(tags)) => tags.iter().any(|(name, value)| {
                value
                    .as_str()
                    .is_some_and(|value| *tag == format!("{name}={value}"))
            }),
            _ => false,
        };
        assert!(stands_there, "the tag {tag}");
    }
    for text in said {
        if kind.check_name(&thing.at, object, text).is_ok() {
            let mut names = kind.fields.names.iter().filter_map(|it| at(it));
            assert!(names.any(|it| it == text.as_str()), "the name {text}");
        }
        let owner = Owner {
            relation: Relation::NamedBy,
            owner: ThingRef::new("network.router", text.as_str()),
        };
        if kind
            .check_owners(&thing, object, std::slice::from_ref(&owner))
            .is_ok()
            && parent.as_ref() != Some(&owner.owner)
        {
            let fields = kind.owners.iter();
            let mut values = fields.flat_map(|field| values_at(object, &field.at));
            let carries = |it: &Value| it.as_str().is_some_and(|it| ends_in(it, text));
            assert!(!text.is_empty() && values.any(carries), "the owner {text}");
        }
    }
    is_where_it_is_deleted(kind, id, thing.project.as_deref(), path);
}

/// An id is the text that stands there, or the end of a reference.
fn is_its_id(kind: &Kind, object: &Value, parent: Option<&ThingRef>, id: &str) {
    let at = &kind.fields.id;
    let carried = object.pointer(at).filter(|_| !at.is_empty());
    match (carried, parent) {
        (Some(Value::String(text)), _) => {
            let is_url = at.ends_with("_ref") || at.ends_with("_href") || kind.effects.is_witness;
            let is_at_its_end = is_url && ends_in(text.trim_end_matches('/'), id);
            assert!(text == id || is_at_its_end, "{text}");
        }
        (Some(Value::Number(number)), _) => assert_eq!(number.to_string(), id),
        (None, Some(parent)) => assert_eq!(&*parent.id, id),
        other => panic!("an id out of {other:?}"),
    }
}

/// Whether an id stands at the end of a value, and not in the middle of a word.
fn ends_in(value: &str, id: &str) -> bool {
    let before = value.strip_suffix(id);
    before.is_some_and(|it| it.is_empty() || it.ends_with(['-', '/', ':']))
}

/// One of the templates deletes the thing from the very collection that showed it.
fn is_where_it_is_deleted(kind: &Kind, id: &str, project: Option<&str>, path: &str) {
    let is_version = |segment: &str| {
        let number = segment.strip_prefix('v').unwrap_or("x");
        let is_plain = number.chars().all(|c| c.is_ascii_digit() || c == '.');
        is_plain
            && !number.starts_with('.')
            && !number.ends_with('.')
            && number.parse::<f64>().is_ok()
    };
    let unversioned = |path: &str| {
        let path = path.trim_end_matches('/');
        let mut segments = path.splitn(3, '/');
        match (segments.next(), segments.next(), segments.next()) {
            (Some(""), Some(first), Some(rest)) if is_version(first) => format!("/{rest}"),
            _ => path.to_owned(),
        }
    };
    let fits = |template: &Template| {
        let template = template.to_string();
        let path_of = template.split([' ', '?']).nth(1).unwrap_or_default();
        let Some((before, _)) = path_of.split_once("/{id}") else {
            return false;
        };
        let collection = before
            .replace("{parent}", "r1")
            .replace("{project}", &draw::encode(project.unwrap_or("\0")));
        let (shown, listed) = (unversioned(path), unversioned(&collection));
        let rest = shown.strip_prefix(&listed).unwrap_or("\0");
        ["", "/detail"].contains(&rest) || rest == format!("/{}", draw::encode(id))
    };
    assert!(kind.requests.iter().any(fits), "{id} was shown by {path}");
}
