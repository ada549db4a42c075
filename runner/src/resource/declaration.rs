//! What a rule declares about a kind, and how the runner reads a listed object by it.
//!
//! A rule points to an object; the runner reads id, name, project and owners there itself. So a rule cannot pair one thing's
//! id with another's name. What is left to a liar is to declare the wrong places, and those are limited: ids, names and
//! projects come from fields that are called so, in objects of the very collection that the kind's templates delete from.
//! Anything else is *unusual* and needs the operator's word.

mod bounds;
mod check;
mod flaw;
mod owned;
mod places;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Effects, MemberPointer, ReadPath, Template, Thing, ThingRef};

pub use flaw::Flaw;

/// Members by which an object says itself in which project it is.
const PROJECT_MEMBERS: [&str; 3] = ["project_id", "tenant_id", "owner"];

/// Requests in whose query the parent stands, and that count as leading through it, each with its service.
const BOUND_BY_QUERY: &[(&str, &str)] = &[
    // Nova keeps key pairs by user and name, and deletes the one of this user that is called so, or none.
    ("compute", "/os-keypairs/{id}?user_id={parent}"),
];

/// Ids longer than this are no ids. OpenStack's longest, names of Swift objects, have up to 1,024 bytes.
const ID_BYTES_MAX: usize = 1_024;

/// How much one listing of a kind shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// All projects' things for an administrator, one's own for anybody else.
    Projects,
    /// Only the things of the token's project.
    EachProject,
    /// Things that belong to no project.
    Cloud,
    /// Things under each thing of this kind.
    UnderEach(Arc<str>),
    /// Things under those things of this kind that are to be deleted, as parts of them.
    UnderDeleted(Arc<str>),
}

impl Reach {
    /// The kind under whose things it is listed.
    pub fn parent(&self) -> Option<&Arc<str>> {
        match self {
            Self::UnderEach(kind) | Self::UnderDeleted(kind) => Some(kind),
            Self::Projects | Self::EachProject | Self::Cloud => None,
        }
    }
}

/// Where a listed object carries what the runner has to know: JSON pointers, empty where the API has no such field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fields {
    /// The id. Empty: the one thing of its parent, by the parent's id.
    pub id: String,
    /// The name, the preferred field first.
    pub names: Vec<String>,
    /// The project's id.
    pub project: String,
    /// The time of creation.
    pub created_at: String,
    /// The state.
    pub status: String,
    /// The tags.
    pub tags: String,
}

/// A field that holds an owner's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerField {
    /// The owner's kind.
    pub kind: Arc<str>,
    /// Where its id stands; `/*` for every element of an array.
    pub at: String,
}

/// A resource type, as its rule declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    /// `<service>.<resource>`.
    pub name: Arc<str>,
    /// Catalog service type.
    pub service: String,
    /// How much one listing shows.
    pub reach: Reach,
    /// Where objects carry what.
    pub fields: Fields,
    /// Which fields name owners.
    pub owners: Vec<OwnerField>,
    /// Kinds all of whose things go first.
    pub after: Vec<Arc<str>>,
    /// Every changing request.
    pub requests: Vec<Template>,
    /// Where its rule reads beside the collections that its things are deleted from.
    pub reads: Vec<ReadPath>,
    /// Members that its rule needs beside those that the declaration names. With the first one, all others are hidden from it.
    pub sees: Vec<MemberPointer>,
    /// States in which a deletion has failed for good.
    pub failed_states: Vec<String>,
    /// What its deletion does beside it.
    pub effects: Effects,
}

impl Kind {
    /// Whether only a token for their project shows its things, or what they are listed under. `known` finds a kind by its name.
    pub fn needs_project_token<'a>(&'a self, known: &dyn Fn(&str) -> Option<&'a Self>) -> bool {
        let mut kind = self;
        let mut passed = BTreeSet::new();
        while let Some(parent) = kind.reach.parent().filter(|_| passed.insert(&kind.name)) {
            match known(parent) {
                Some(parent) => kind = parent,
                None => return false,
            }
        }
        kind.reach == Reach::EachProject
    }

    /// Where its rule may read for its sake.
    pub fn read_paths(&self) -> impl Iterator<Item = ReadPath> + '_ {
        let collections = self.requests.iter().flat_map(Template::read_paths);
        collections.chain(self.reads.iter().cloned())
    }

    /// Whether it has requests for where the operator insists.
    pub fn can_be_forced(&self) -> bool {
        self.requests.iter().any(Template::is_forced)
    }

    /// What a thing's id is unique within, where that is not the cloud: what it is listed under, or its project, where each
    /// project is asked for its own.
    pub fn within<'a>(&self, thing: &'a Thing) -> Option<&'a str> {
        match self.reach {
            Reach::UnderEach(_) | Reach::UnderDeleted(_) => thing.parent.as_ref().map(|it| &*it.id),
            Reach::EachProject => thing.project.as_deref(),
            Reach::Projects | Reach::Cloud => None,
        }
    }

    /// Reads a listed object. `path` is the path that the listing was asked with, without its query.
    ///
    /// # Errors
    /// `NoId` or `OtherId`, `Parent` if nothing ties it to the parent, or `Collection` if the object stands somewhere else
    /// than where the kind deletes from.
    pub fn read(
        &self,
        text: &str,
        object: &Value,
        parent: Option<&ThingRef>,
        path: &str,
    ) -> Result<Thing, Flaw> {
        let id = match (self.fields.id.as_str(), parent) {
            ("", Some(parent)) => Some(parent.id.to_string()),
            // Nothing is deleted by it, so the whole link may be what is unique.
            (pointer, _) if self.goes_by_link() => object.pointer(pointer).and_then(text_in),
            (pointer, _) => {
                let value = self.field(object, pointer);
                value.and_then(|value| id_at(pointer, value))
            }
        };
        let Some(id) = id.filter(|id| !id.is_empty() && id.len() <= ID_BYTES_MAX) else {
            return Err(Flaw::NoId {
                path: path.to_owned(),
                pointer: self.fields.id.clone(),
            });
        };
        if let Some(own) = self.other_id(object).filter(|own| *own != id) {
            return Err(Flaw::OtherId {
                path: path.to_owned(),
                own,
                pointer: self.fields.id.clone(),
            });
        }
        let text_at = |pointer: &str| {
            self.field(object, pointer)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let thing = Thing {
            at: ThingRef::new(self.name.clone(), id),
            name: None,
            is_cloud_named: false,
            project: text_at(&self.fields.project)
                .or_else(|| Self::own_project(object))
                .map(Arc::from),
            parent: parent.cloned(),
            created_at: text_at(&self.fields.created_at).and_then(parse_time),
            status: text_at(&self.fields.status).map(str::to_owned),
            tags: match self.fields.tags.as_str() {
                "" => Some(Vec::new()),
                at => self.field(object, at).and_then(tags_in),
            },
            object: text.to_owned(),
        };
        if let Some(parent) = parent
            && !self.is_under(parent, object)
        {
            return Err(Flaw::Parent {
                thing: thing.at,
                parent: parent.clone(),
            });
        }
        if self.is_collection_of(&thing, object, path) {
            Ok(thing)
        } else {
            Err(Flaw::Collection {
                thing: thing.at,
                path: path.to_owned(),
            })
        }
    }

    /// The id that an object has, where the kind goes by another field and could so give one thing's id another thing's name.
    /// Harmless is what goes by its name alone (Mistral's workbooks), with nothing else to speak for it.
    fn other_id(&self, object: &Value) -> Option<String> {
        let (before, field) = self.fields.id.rsplit_once('/')?;
        let by_name_alone = [&self.fields.id].into_iter().eq(&self.fields.names)
            && self.owners.is_empty()
            && self.reach.parent().is_none();
        if field == "id" || by_name_alone {
            return None;
        }
        let own = |field: &str| object.pointer(&format!("{before}/{field}"));
        match field {
            // The number of a row in a database is beside it in some answers.
            "uuid" => own("id")?.as_str().map(str::to_owned),
            _ => own("id").or_else(|| own("uuid")).and_then(text_in),
        }
    }

    /// Whether its things go by a link of theirs, as an assignment does that has no id: only where nothing is deleted by it.
    fn goes_by_link(&self) -> bool {
        self.effects.is_witness && self.fields.id.starts_with("/links/")
    }

    /// Whether its things go by names, so that one may be called `detail`.
    fn goes_by_name(&self) -> bool {
        let field = self.fields.id.rsplit('/').next().unwrap_or_default();
        ["name", "namespace"].contains(&field) || self.fields.names.contains(&self.fields.id)
    }

    /// Whether a thing belongs to what it was listed under, rather than to whatever the rule has listed there: it is the one
    /// thing of its parent, it is deleted by a path through its parent, or its object says so. Nothing goes because a witness is
    /// under something.
    fn is_under(&self, parent: &ThingRef, object: &Value) -> bool {
        self.effects.is_witness
            || self.fields.id.is_empty()
            || self.requests.iter().all(Template::leads_through_parent)
            || self.says_owner(object, parent)
            || self.requests.iter().all(|it| self.is_bound_by_query(it))
    }

    /// A query ties nothing by itself: a service may ignore it, and whatever is called so is then a part of whatever goes.
    fn is_bound_by_query(&self, template: &Template) -> bool {
        let path = without_version(template.path_source());
        BOUND_BY_QUERY.contains(&(self.service.as_str(), path))
    }

    /// What an object says itself of its project, whatever the kind declares: no rule may make a project's thing pass for nobody's.
    pub fn own_project(object: &Value) -> Option<&str> {
        let members = object.as_object()?;
        let wrapped = members.values().next().filter(|_| members.len() == 1);
        let objects = [Some(object), wrapped].into_iter().flatten();
        let mut texts = objects.flat_map(|object| {
            let fields = PROJECT_MEMBERS.iter();
            fields.filter_map(|field| object.get(field)?.as_str())
        });
        texts.find(|text| !text.is_empty())
    }

    /// Whether any name stands in the object's name fields.
    pub fn has_name(&self, object: &Value) -> bool {
        self.names_of(object).next().is_some()
    }

    /// Whether a status says that a deletion has failed for good, or that the thing is only hidden.
    pub fn has_failed(&self, status: Option<&str>) -> bool {
        self.effects.is_hidden(status)
            || status.is_some_and(|status| {
                self.failed_states
                    .iter()
                    .any(|failed| failed.eq_ignore_ascii_case(status))
            })
    }

    /// The value of a field. A pointer through a wrapper counts only if the wrapper is all there is: else a thing could
    /// pass off the name of something that it merely mentions (a server its flavor's) as its own.
    fn field<'a>(&self, object: &'a Value, pointer: &str) -> Option<&'a Value> {
        let wrapped = pointer.matches('/').count() > 1;
        let lone = object.as_object().is_some_and(|members| members.len() == 1);
        (!pointer.is_empty() && (!wrapped || lone))
            .then(|| object.pointer(pointer))
            .flatten()
    }

    /// Whether a path lists the collection that a thing is deleted from; a witness, of which nothing is deleted, the one that its
    /// kind declares.
    fn is_collection_of(&self, thing: &Thing, object: &Value, path: &str) -> bool {
        if self.effects.is_witness {
            return self.reads.iter().any(|own| own.is(path));
        }
        // A link to the next page, made relative to the service's endpoint, may have lost the API version.
        let path = without_version(path.trim_end_matches('/'));
        self.requests
            .iter()
            .flat_map(|template| template.collections(thing, object))
            .any(|collection| {
                path.strip_prefix(without_version(&collection))
                    .is_some_and(|rest| {
                        let is_whole = rest.is_empty() || rest == "/detail" && !self.goes_by_name();
                        let id = super::template::encode(&thing.at.id);
                        // The one thing of its parent has no id to be told by in a list.
                        is_whole && !self.fields.id.is_empty()
                            || rest.strip_prefix('/') == Some(&id)
                    })
            })
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Projects => formatter.write_str("across projects"),
            Self::EachProject => formatter.write_str("project by project"),
            Self::Cloud => formatter.write_str("cloud-wide"),
            Self::UnderEach(kind) => write!(formatter, "under each {kind}"),
            Self::UnderDeleted(kind) => write!(formatter, "under each {kind} to be deleted"),
        }
    }
}

/// `/ports` for `/v2.0/ports`.
pub(super) fn without_version(path: &str) -> &str {
    let is_version = |segment: &str| {
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
        segment.strip_prefix('v').is_some_and(|number| {
            let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
            is_number(major) && is_number(minor)
        })
    };
    match path
        .strip_prefix('/')
        .and_then(|rest| rest.find('/').map(|end| (&rest[..end], end + 1)))
    {
        Some((first, end)) if is_version(first) => path.get(end..).unwrap_or(path),
        _ => path,
    }
}

/// The id that stands at a pointer: the text itself, for whoever names things may call one like a URL. Only of what is called a
/// reference it is the end of the URL.
pub(super) fn id_at(pointer: &str, value: &Value) -> Option<String> {
    let text = text_in(value)?;
    if !(is_reference(pointer) && text.contains("://")) {
        return Some(text);
    }
    let end = text.trim_end_matches('/').rsplit('/').next();
    end.map(str::to_owned)
}

fn is_reference(pointer: &str) -> bool {
    let place = pointer.trim_end_matches("/*");
    let name = place.rsplit('/').next().unwrap_or_default();
    let ends = ["_ref", "_refs", "_href", "_hrefs"];
    ends.iter().any(|end| name.ends_with(end))
}

fn text_in(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The tags in a member, if it is one of tags.
fn tags_in(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(tags) => {
            let tags = tags.iter().filter_map(Value::as_str);
            Some(tags.map(str::to_owned).collect())
        }
        Value::Object(tags) => {
            let tags = tags.iter();
            let tags = tags.filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
            Some(tags.collect())
        }
        Value::Null => Some(Vec::new()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// RFC 3339, or ISO 8601 without a zone (Cinder, Keystone's trusts), which is UTC.
fn parse_time(text: &str) -> Option<Timestamp> {
    let zoned = text.parse::<Timestamp>().ok();
    zoned.or_else(|| {
        text.parse::<DateTime>()
            .ok()?
            .to_zoned(TimeZone::UTC)
            .ok()
            .map(|time| time.timestamp())
    })
}

#[cfg(test)]
mod tests;
