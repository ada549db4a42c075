//! The nouns: kinds of resources, things, who owns them, and in which order they can go.
//!
//! Pure values. What a kind declares is enforced elsewhere: [`template`] says which requests equal a declared one, and
//! [`Kind::read`] reads a listed object the way the declaration says, so that nobody has to believe a rule.

pub mod declaration;
pub mod effects;
pub mod members;
pub mod object;
pub mod pattern;
pub mod reads;
pub mod secrets;
pub mod selection;
pub mod template;
pub mod unreadable;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::text::Visible;

pub use declaration::{Fields, Flaw, Kind, OwnerField, Reach};
pub use effects::{Effects, Foreseen};
pub use members::{MemberPointer, MemberPointerError, View};
pub use pattern::{KindPattern, PatternError};
pub use reads::{ReadPath, ReadPathError};
pub use template::{Template, TemplateError};

/// The kind whose things are the projects themselves. Everything in a project must be gone before the project is.
pub const PROJECT_KIND: &str = "identity.project";

/// The kind whose things are domains, in which projects, users and groups are.
pub const DOMAIN_KIND: &str = "identity.domain";

/// The kind whose things are users. Without administrator's rights a sweep lists under the own user only.
pub const USER_KIND: &str = "identity.user";

/// A thing in the cloud, by kind and id. Shown as `network.port/4f…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ThingRef {
    /// Name of its kind.
    pub kind: Arc<str>,
    /// Its id, unique within its kind, or within what [`Kind::within`] says of that.
    pub id: Arc<str>,
}

impl ThingRef {
    /// A reference to the thing of this kind with this id.
    pub fn new(kind: impl Into<Arc<str>>, id: impl Into<Arc<str>>) -> Self {
        Self {
            kind: kind.into(),
            id: id.into(),
        }
    }

    /// What a tie to it takes in memory, roughly.
    pub fn relation_bytes(&self) -> usize {
        size_of::<Step>() + self.kind.len() + self.id.len()
    }

    /// Reads what `Display` writes: `<kind>/<id>`. `None` without a slash, a kind or an id.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once('/')?;
        (!kind.is_empty() && !id.is_empty()).then(|| Self::new(kind, id))
    }
}

impl fmt::Display for ThingRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.kind, Visible(&self.id))
    }
}

impl Serialize for ThingRef {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}/{}", self.kind, self.id))
    }
}

impl<'de> Deserialize<'de> for ThingRef {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no <kind>/<id>")))
    }
}

/// A thing as a listing showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    /// What it is.
    pub at: ThingRef,
    /// The name that says who made it; none if it has none, or only one that the cloud itself gave.
    pub name: Option<String>,
    /// Whether it has a name that the cloud itself gave, and so none that counts.
    pub is_cloud_named: bool,
    /// Id of its project, where the API says it.
    pub project: Option<Arc<str>>,
    /// The thing under which it was listed.
    pub parent: Option<ThingRef>,
    /// When it was made, where the API says it.
    pub created_at: Option<Timestamp>,
    /// Its state, as the API calls it.
    pub status: Option<String>,
    /// Its tags, as `tag` or `key=value`. `None`: things of its kind have some, and its object does not show them.
    pub tags: Option<Vec<String>>,
    /// Its JSON object as the API gave it, secrets blanked.
    pub object: String,
}

/// What an owner's fate means for a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// The owner's name counts where the thing has none of its own.
    NamedBy,
    /// The thing goes with its whole, whatever it is called.
    PartOf,
}

/// Who speaks for a thing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner {
    /// How.
    pub relation: Relation,
    /// Who.
    pub owner: ThingRef,
}

/// An edge of the order in which things can go, as seen from one thing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// The other one can go only when this thing is gone.
    Before(ThingRef),
    /// This thing can go only when the other one is gone.
    After(ThingRef),
}

impl Step {
    /// The other thing.
    pub fn other(&self) -> &ThingRef {
        match self {
            Self::Before(other) | Self::After(other) => other,
        }
    }
}

/// A listed thing with all that its rule says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The thing itself.
    pub thing: Thing,
    /// Who speaks for it, the nearest first.
    pub owners: Vec<Owner>,
    /// Its place in the order.
    pub steps: Vec<Step>,
    /// What its object says beforehand of how it will go.
    pub foreseen: Foreseen,
}

impl Seen {
    /// What all that it is tied to takes in memory, roughly.
    pub fn relation_bytes(&self) -> usize {
        let owners = self.owners.iter().map(|owner| &owner.owner);
        let steps = self.steps.iter().map(Step::other);
        let taken = self.foreseen.takes.iter().chain(&self.foreseen.makes);
        let others = owners.chain(steps).chain(taken);
        others.map(ThingRef::relation_bytes).sum()
    }
}

/// What one listing has to cover.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ListScope {
    /// Everything that the credentials can see.
    All,
    /// The things of one project.
    Project(Arc<str>),
    /// The things under another thing.
    Under(Parent),
}

/// A thing under which others are listed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Parent {
    /// What it is.
    pub at: ThingRef,
    /// Its project, where only that project's token shows what is under it.
    pub project: Option<Arc<str>>,
}

impl From<ThingRef> for Parent {
    fn from(at: ThingRef) -> Self {
        Self { at, project: None }
    }
}

impl fmt::Display for ListScope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => formatter.write_str("everywhere"),
            Self::Project(project) => write!(formatter, "in project {project}"),
            Self::Under(Parent { at, project: None }) => write!(formatter, "under {at}"),
            Self::Under(Parent {
                at,
                project: Some(project),
            }) => write!(formatter, "under {at} in project {project}"),
        }
    }
}
