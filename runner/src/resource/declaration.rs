//! What a rule declares about a kind, and how the runner reads a listed object by it.
//!
//! A rule points to an object; the runner reads id, name, project and owners there itself. So a rule cannot pair one thing's
//! id with another's name. What is left to a liar is to declare the wrong places, and those are limited: ids, names and
//! projects come from fields that are called so, in objects of the very collection that the kind's templates delete from.
//! Anything else is *unusual* and needs the operator's word.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::object::values_at;
use super::{Owner, PROJECT_KIND, Template, Thing, ThingRef, USER_KIND};

/// Ids longer than this are no ids. OpenStack's longest, names of Swift objects, have up to 1,024 bytes.
const ID_BYTES_MAX: usize = 1_024;

/// Fields that hold a thing's own id.
const ID_FIELDS: &[&str] = &["id", "uuid", "name", "namespace"];

/// Fields that hold a thing's own name.
const NAME_FIELDS: &[&str] = &[
    "name",
    "display_name",
    "stack_name",
    "namespace",
    "description",
    "title",
    "workflow_name",
    "original_resource_id",
];

/// Fields that hold the id of a thing's own project; an extension's prefix (`os-vol-tenant-attr:`) may stand before.
const PROJECT_FIELDS: &[&str] = &[
    "project_id",
    "tenant_id",
    "project",
    "owner",
    "source_project_id",
    "created_by_project_id",
];

/// The service of the kinds that mean something to the runner itself.
const IDENTITY: &str = "identity";

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
    /// States in which a deletion has failed for good.
    pub failed_states: Vec<String>,
}

/// What is wrong with an object or with what a rule says about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// A kind's name is not `<service>.<resource>`.
    #[error(
        "{0:?} is no name of a kind: it is <service>.<resource> in lower-case letters, digits and underscores"
    )]
    KindName(String),
    /// A kind declares no request.
    #[error("kind {0} declares no request, so it could delete nothing")]
    NoRequest(Arc<str>),
    /// A kind passes for the projects or the users, which the runner goes by.
    #[error("kind {0} is only of the service \"identity\": the runner itself goes by it")]
    Identity(Arc<str>),
    /// A field is no pointer to a member, or to one behind a single wrapper.
    #[error("kind {kind} has {pointer:?} as a field: a field is /member or /wrapper/member")]
    Pointer {
        /// The kind.
        kind: Arc<str>,
        /// The pointer.
        pointer: String,
    },
    /// A listed object has no id where it should.
    #[error("an object in {path} has no id at {pointer}")]
    NoId {
        /// Path of the listing.
        path: String,
        /// Where the id should be.
        pointer: String,
    },
    /// A listed object has an id, and the kind takes another field for it.
    #[error("an object in {path} goes by the id {own:?} that it has, and not by {pointer}")]
    OtherId {
        /// Path of the listing.
        path: String,
        /// Its own id.
        own: String,
        /// What the kind takes for the id.
        pointer: String,
    },
    /// A listed object does not say that it belongs to the thing under which it was listed.
    #[error(
        "{thing} does not show that it is under {parent}: neither in an owner field, nor by the path that deletes it"
    )]
    Parent {
        /// The thing.
        thing: ThingRef,
        /// What it was listed under.
        parent: ThingRef,
    },
    /// A listed object does not come from the collection that its templates delete from.
    #[error(
        "{thing} was shown by {path}, which is not the collection that its templates delete from"
    )]
    Collection {
        /// What the object pretends to be.
        thing: ThingRef,
        /// Path of the listing.
        path: String,
    },
    /// A name which the object does not carry.
    #[error("{thing} does not carry the name {name:?} in any of its name fields")]
    Name {
        /// The thing.
        thing: ThingRef,
        /// The pretended name.
        name: String,
    },
    /// An owner which the object does not carry.
    #[error("{thing} does not carry {owner} in any of its owner fields")]
    Owner {
        /// The thing.
        thing: ThingRef,
        /// The pretended owner.
        owner: ThingRef,
    },
}

impl Kind {
    /// Checks a declaration by itself.
    ///
    /// # Errors
    /// The first flaw.
    pub fn check(&self) -> Result<(), Flaw> {
        if !is_kind_name(&self.name) {
            return Err(Flaw::KindName(self.name.to_string()));
        }
        if self.requests.iter().all(Template::is_forced) {
            return Err(Flaw::NoRequest(self.name.clone()));
        }
        if [PROJECT_KIND, USER_KIND].contains(&&*self.name) && self.service != IDENTITY {
            return Err(Flaw::Identity(self.name.clone()));
        }
        let one_per_parent = self.fields.id.is_empty() && self.reach.parent().is_some();
        let fields = &self.fields;
        let optional = [
            &fields.project,
            &fields.created_at,
            &fields.status,
            &fields.tags,
        ];
        let given = fields
            .names
            .iter()
            .chain(optional.into_iter().filter(|pointer| !pointer.is_empty()));
        let id = std::iter::once(&fields.id).filter(|_| !one_per_parent);
        match given.chain(id).find(|pointer| !is_field(pointer)) {
            Some(pointer) => Err(Flaw::Pointer {
                kind: self.name.clone(),
                pointer: pointer.clone(),
            }),
            None => Ok(()),
        }
    }

    /// What this declaration asks for beyond the ordinary, in words. It is refused unless the operator allows it.
    pub fn unusual(&self) -> Vec<String> {
        let last = |pointer: &str| pointer.rsplit('/').next().unwrap_or_default().to_owned();
        let collections = self.requests.iter().filter_map(Template::deletes_from);
        let collections: BTreeSet<String> = collections.collect();
        let mut unusual = Vec::new();
        let id = last(&self.fields.id);
        let is_known = ID_FIELDS.contains(&id.as_str()) || id.ends_with("_ref");
        if !id.is_empty() && !is_known && !is_called_after(&id, &collections) {
            unusual.push(format!(
                "{} takes its id from {}",
                self.name, self.fields.id
            ));
        }
        let is_ordinary = |pointer: &&String| {
            **pointer == self.fields.id || NAME_FIELDS.contains(&last(pointer).as_str())
        };
        for pointer in self
            .fields
            .names
            .iter()
            .filter(|pointer| !is_ordinary(pointer))
        {
            unusual.push(format!(
                "{} takes its name from {pointer}, and names are in fields such as {}",
                self.name,
                NAME_FIELDS.join(", ")
            ));
        }
        let project = last(&self.fields.project);
        let project = project.rsplit(':').next().unwrap_or_default();
        if !project.is_empty() && !PROJECT_FIELDS.contains(&project) {
            unusual.push(format!(
                "{} takes its project from {}",
                self.name, self.fields.project
            ));
        }
        if collections.len() > 1 {
            let collections: Vec<String> = collections.into_iter().collect();
            let collections = collections.join(" and ");
            unusual.push(format!("{} deletes from {collections}", self.name));
        }
        unusual
    }

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
            (pointer, _) => self.field(object, pointer).and_then(id_in),
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
            project: text_at(&self.fields.project).map(Arc::from),
            parent: parent.cloned(),
            created_at: text_at(&self.fields.created_at).and_then(parse_time),
            status: text_at(&self.fields.status).map(str::to_owned),
            tags: self
                .field(object, &self.fields.tags)
                .map(tags_in)
                .unwrap_or_default(),
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
            _ => own("id").or_else(|| own("uuid")).and_then(id_in),
        }
    }

    /// Whether a thing belongs to what it was listed under, rather than to whatever the rule has listed there: it is the one
    /// thing of its parent, it is deleted by a path through its parent, its object says so, or it has no id but a name,
    /// which means nothing without the parent that its templates add.
    fn is_under(&self, parent: &ThingRef, object: &Value) -> bool {
        let field = self.fields.id.rsplit('/').next().unwrap_or_default();
        let says_so = |owner: &OwnerField| {
            owner.kind == parent.kind
                && values_at(object, &owner.at)
                    .filter_map(Value::as_str)
                    .any(|value| ends_in_id(value, &parent.id))
        };
        field.is_empty()
            || self.requests.iter().all(Template::leads_through_parent)
            || self.owners.iter().any(says_so)
            || (["name", "namespace"].contains(&field)
                && self.requests.iter().all(Template::names_parent))
    }

    /// What an object says itself of its project, whatever the kind declares.
    pub fn own_project(object: &Value) -> Option<&str> {
        let fields = ["project_id", "tenant_id", "owner"].into_iter();
        let mut texts = fields.filter_map(|field| object.get(field)?.as_str());
        texts.find(|text| !text.is_empty())
    }

    /// Checks the name that a rule gives a thing, against the name fields of its object.
    ///
    /// # Errors
    /// `Name` if the object does not carry it.
    pub fn check_name(&self, thing: &ThingRef, object: &Value, name: &str) -> Result<(), Flaw> {
        let carried = self
            .fields
            .names
            .iter()
            .any(|at| self.field(object, at).and_then(Value::as_str) == Some(name));
        if carried {
            Ok(())
        } else {
            Err(Flaw::Name {
                thing: thing.clone(),
                name: name.to_owned(),
            })
        }
    }

    /// Whether any name stands in the object's name fields.
    pub fn has_name(&self, object: &Value) -> bool {
        let names = self.fields.names.iter();
        let mut names = names.filter_map(|at| self.field(object, at).and_then(Value::as_str));
        names.any(|name| !name.is_empty())
    }

    /// Checks an owner that a rule gives a thing, against the owner fields of its object. The id may stand there behind a
    /// prefix (`lb-<id>`) or as the end of a URL.
    ///
    /// # Errors
    /// `Owner` if the object does not carry it.
    pub fn check_owner(&self, thing: &Thing, object: &Value, owner: &Owner) -> Result<(), Flaw> {
        let id = &*owner.owner.id;
        let carries = |field: &OwnerField| {
            field.kind == owner.owner.kind
                && values_at(object, &field.at)
                    .filter_map(Value::as_str)
                    .any(|value| ends_in_id(value, id))
        };
        if thing.parent.as_ref() == Some(&owner.owner) || self.owners.iter().any(carries) {
            Ok(())
        } else {
            Err(Flaw::Owner {
                thing: thing.at.clone(),
                owner: owner.owner.clone(),
            })
        }
    }

    /// Whether a status says that a deletion has failed for good.
    pub fn has_failed(&self, status: Option<&str>) -> bool {
        status.is_some_and(|status| {
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

    fn is_collection_of(&self, thing: &Thing, object: &Value, path: &str) -> bool {
        // A link to the next page, made relative to the service's endpoint, may have lost the API version.
        let path = without_version(path.trim_end_matches('/'));
        self.requests
            .iter()
            .flat_map(|template| template.collections(thing, object))
            .any(|collection| {
                path.strip_prefix(without_version(&collection))
                    .is_some_and(|rest| {
                        let is_whole = rest.is_empty() || rest == "/detail";
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
fn without_version(path: &str) -> &str {
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

fn is_kind_name(name: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    name.len() <= 100
        && name
            .split_once('.')
            .is_some_and(|(service, resource)| word(service) && word(resource))
}

/// Whether a field is called after what the collections hold: `alarm_id`, of what is deleted from `/v2/alarms/`.
fn is_called_after(field: &str, collections: &BTreeSet<String>) -> bool {
    let Some(stem) = field.strip_suffix("_id").filter(|stem| !stem.is_empty()) else {
        return false;
    };
    let end = format!("/{stem}s/");
    !collections.is_empty() && collections.iter().all(|it| it.ends_with(&end))
}

fn is_field(pointer: &str) -> bool {
    let Some(steps) = pointer.strip_prefix('/') else {
        return false;
    };
    let steps: Vec<&str> = steps.split('/').collect();
    steps.len() <= 2 && steps.iter().all(|step| !step.is_empty() && *step != "*")
}

fn id_in(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.contains("://") => text
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .map(str::to_owned),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn ends_in_id(value: &str, id: &str) -> bool {
    let boundary = |before: &str| before.is_empty() || before.ends_with(['-', '/', ':']);
    !id.is_empty() && value.strip_suffix(id).is_some_and(boundary)
}

fn tags_in(value: &Value) -> Vec<String> {
    match value {
        Value::Array(tags) => tags
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        Value::Object(tags) => tags
            .iter()
            .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
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
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resource::Relation;

    fn ports() -> Kind {
        Kind {
            name: "network.port".into(),
            service: "network".to_owned(),
            reach: Reach::Projects,
            fields: Fields {
                id: "/id".to_owned(),
                names: vec!["/name".to_owned()],
                project: "/project_id".to_owned(),
                created_at: "/created_at".to_owned(),
                tags: "/tags".to_owned(),
                status: "/status".to_owned(),
            },
            owners: vec![
                OwnerField {
                    kind: "network.router".into(),
                    at: "/device_id".to_owned(),
                },
                OwnerField {
                    kind: "network.subnet".into(),
                    at: "/fixed_ips/*/subnet_id".to_owned(),
                },
            ],
            after: Vec::new(),
            requests: vec![Template::parse("DELETE /v2.0/ports/{id}").unwrap()],
            failed_states: vec!["error_deleting".to_owned()],
        }
    }

    fn read(object: &Value, path: &str) -> Result<Thing, Flaw> {
        ports().read(&object.to_string(), object, None, path)
    }

    #[test]
    fn an_object_is_read_where_the_declaration_says() {
        let object = json!({"id": "a", "name": "n", "project_id": "p", "status": "DOWN", "tags": ["x"],
                            "created_at": "2026-11-22T17:16:40Z", "device_id": "lb-r1",
                            "fixed_ips": [{"subnet_id": "s1"}, {"subnet_id": "s2"}]});
        let thing = read(&object, "/v2.0/ports").unwrap();
        assert_eq!(
            (
                &*thing.at.id,
                thing.project.as_deref(),
                thing.tags.as_slice()
            ),
            ("a", Some("p"), &["x".to_owned()][..])
        );
        assert_eq!(
            thing.created_at.unwrap().to_string(),
            "2026-11-22T17:16:40Z"
        );
        let owner = |kind: &str, id: &str| Owner {
            relation: Relation::NamedBy,
            owner: ThingRef::new(kind, id),
        };
        for (owner, stands_there) in [
            (owner("network.router", "r1"), true),
            (owner("network.router", "1"), false),
            (owner("network.subnet", "s2"), true),
            (owner("network.subnet", "s3"), false),
            (owner("network.network", "s2"), false),
        ] {
            assert_eq!(
                ports().check_owner(&thing, &object, &owner).is_ok(),
                stands_there,
                "{owner:?}"
            );
        }
        assert!(ports().check_name(&thing.at, &object, "n").is_ok());
        assert!(
            ports().check_name(&thing.at, &object, "DOWN").is_err(),
            "a name from another field"
        );
    }

    #[test]
    fn an_object_counts_only_in_its_own_collection() {
        let object = json!({"id": "a"});
        for (path, counts) in [
            ("/v2.0/ports", true),
            ("/v2.0/ports/", true),
            ("/v2.0/ports/detail", true),
            ("/v2.0/ports/a", true),
            ("/ports", true),
            ("/v2.0/ports/b", false),
            ("/v2.0/portsx", false),
            ("/v2.0/networks", false),
            ("/", false),
        ] {
            assert_eq!(read(&object, path).is_ok(), counts, "{path}");
        }
    }

    /// A port that mentions a stranger's, in whatever field its owner may write to.
    #[test]
    fn an_object_goes_by_its_own_id() {
        let read = |id: &str, object: Value, change: fn(&mut Kind)| {
            let mut kind = ports();
            kind.fields.id = id.to_owned();
            kind.fields.names = vec!["/description".to_owned()];
            kind.owners.clear();
            change(&mut kind);
            kind.read(&object.to_string(), &object, None, "/v2.0/ports")
                .is_ok()
        };
        let by_id = |kind: &mut Kind| kind.fields.names = vec![kind.fields.id.clone()];
        for id in ["/name", "/port_ref", "/uuid"] {
            let object = json!({"id": "a", "name": "b", "uuid": "b", "port_ref": "b"});
            assert!(!read(id, object, |_| {}), "{id}");
        }
        let row = json!({"id": 7, "uuid": "b"});
        assert!(read("/uuid", row, |_| {}), "the number of a row");
        let unlike = json!({"id": 7, "name": "b"});
        assert!(!read("/name", unlike, |_| {}), "a number is an id too");
        assert!(
            read("/name", json!({"name": "b"}), |_| {}),
            "there is no other"
        );
        let workbook = || json!({"id": "a", "name": "b"});
        assert!(read("/name", workbook(), by_id), "its name is its id");
        assert!(!read("/name", workbook(), |kind| {
            kind.fields.names = vec![kind.fields.id.clone()];
            kind.owners = ports().owners;
        }));
        assert!(!read(
            "/keypair/name",
            json!({"keypair": {"id": "a", "name": "b"}}),
            |_| {}
        ));
    }

    /// Reads an object that was listed under the router `r1`.
    fn read_under(template: &str, id: &str, object: &Value, path: &str) -> bool {
        let parent = ThingRef::new("network.router", "r1");
        let mut kind = ports();
        kind.reach = Reach::UnderEach("network.router".into());
        kind.fields.id = id.to_owned();
        kind.requests = vec![Template::parse(template).unwrap()];
        kind.read(&object.to_string(), object, Some(&parent), path)
            .is_ok()
    }

    #[test]
    fn what_is_under_something_shows_it() {
        let flat = "DELETE /v2.0/ports/{id}";
        for (object, says_so) in [
            (json!({"id": "a"}), false),
            (json!({"id": "a", "device_id": "r1"}), true),
            (json!({"id": "a", "device_id": "r2"}), false),
            (json!({"id": "a", "name": "r1"}), false),
        ] {
            let is_under = read_under(flat, "/id", &object, "/v2.0/ports");
            assert_eq!(is_under, says_so, "{object}");
        }
        let nested = "DELETE /v2.0/routers/{parent}/ports/{id}";
        for (path, leads_there) in [
            ("/v2.0/routers/r1/ports", true),
            ("/v2.0/routers/r2/ports", false),
        ] {
            let is_under = read_under(nested, "/id", &json!({"id": "a"}), path);
            assert_eq!(is_under, leads_there, "{path}");
        }
        // A service may ignore a query. A name means nothing but with it, an id does.
        let queried = "DELETE /v2.0/ports/{id}?router={parent}";
        for (id, object, is_under) in [
            ("/id", json!({"id": "a"}), false),
            ("/name", json!({"name": "a"}), true),
        ] {
            let read = read_under(queried, id, &object, "/v2.0/ports");
            assert_eq!(read, is_under, "{id}");
        }
    }

    /// It has its parent's id, so the object must be that of the parent.
    #[test]
    fn the_one_thing_of_its_parent_is_listed_by_itself() {
        for (path, counts) in [
            ("/v2.0/ports/r1", true),
            ("/v2.0/ports/r2", false),
            ("/v2.0/ports", false),
            ("/v2.0/ports/detail", false),
        ] {
            let read = read_under("DELETE /v2.0/ports/{id}", "", &json!({}), path);
            assert_eq!(read, counts, "{path}");
        }
    }

    #[test]
    fn a_wrapper_counts_only_if_it_is_all_there_is() {
        let mut kind = ports();
        kind.fields.names = vec!["/keypair/name".to_owned()];
        let at = ThingRef::new("network.port", "a");
        assert!(
            kind.check_name(&at, &json!({"keypair": {"name": "k"}}), "k")
                .is_ok()
        );
        assert!(
            kind.check_name(&at, &json!({"id": "a", "keypair": {"name": "k"}}), "k")
                .is_err()
        );
    }

    #[test]
    fn ids_are_strings_numbers_or_ends_of_urls() {
        for (id, read_as) in [
            (json!("a"), Some("a")),
            (json!(7), Some("7")),
            (json!("http://127.0.0.1:9311/v1/secrets/s1"), Some("s1")),
            (json!(null), None),
            (json!(""), None),
            (json!("x".repeat(ID_BYTES_MAX + 1)), None),
        ] {
            let thing = read(&json!({"id": id}), "/v2.0/ports").ok();
            assert_eq!(thing.as_ref().map(|thing| &*thing.at.id), read_as, "{id}");
        }
    }

    #[test]
    fn declarations_beyond_the_ordinary_are_named() {
        let unusual = |change: fn(&mut Kind)| {
            let mut kind = ports();
            change(&mut kind);
            kind.unusual().len()
        };
        assert_eq!(unusual(|_| {}), 0);
        let second = |kind: &mut Kind| {
            let template = Template::parse("DELETE /v2.0/networks/{id}");
            kind.requests.extend(template);
        };
        assert_eq!(unusual(second), 1);
        assert_eq!(unusual(|kind| kind.fields.id = "/network_id".to_owned()), 1);
        assert_eq!(unusual(|kind| kind.fields.id = "/_id".to_owned()), 1);
        assert_eq!(unusual(|kind| kind.fields.id = "/port_id".to_owned()), 0);
        assert_eq!(
            unusual(|kind| kind.fields.names.push("/flavor/original_name".to_owned())),
            1
        );
        assert_eq!(
            unusual(|kind| kind.fields.project = "/network".to_owned()),
            1
        );
        for (project, count) in [
            ("/os-vol-tenant-attr:tenant_id", 0),
            ("/source_project_id", 0),
            ("/created_by_project_id", 0),
            ("/target_project_id", 1),
            ("/default_project_id", 1),
            ("/device_owner", 1),
        ] {
            let mut kind = ports();
            kind.fields.project = project.to_owned();
            assert_eq!(kind.unusual().len(), count, "{project}");
        }
    }

    #[test]
    fn malformed_declarations_are_refused() {
        let check = |change: fn(&mut Kind)| {
            let mut kind = ports();
            change(&mut kind);
            kind.check()
        };
        assert_eq!(check(|_| {}), Ok(()));
        assert!(check(|kind| kind.name = "ports".into()).is_err());
        assert!(check(|kind| kind.name = "Network.port".into()).is_err());
        assert!(check(|kind| kind.name = PROJECT_KIND.into()).is_err());
        assert!(check(|kind| kind.requests.clear()).is_err());
        assert!(check(|kind| kind.fields.id = String::new()).is_err());
        assert!(check(|kind| kind.fields.names = vec!["/a/b/c".to_owned()]).is_err());
        assert!(check(|kind| kind.fields.project = "project_id".to_owned()).is_err());
    }

    #[test]
    fn times_without_a_zone_are_utc() {
        assert_eq!(
            parse_time("2026-11-22T17:16:40.000000")
                .unwrap()
                .to_string(),
            "2026-11-22T17:16:40Z"
        );
        assert_eq!(parse_time("yesterday"), None);
    }
}
