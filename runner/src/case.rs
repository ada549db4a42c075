//! Recorded cases, by which a rule is tested without a cloud.
//!
//! A case is one listing of one kind: the exchanges with the service, the things that the rule finds in them, and what comes of
//! deleting some. [`play`](Case::play) runs the rule against it through the same host as a sweep does, with every check of it;
//! [`record`] makes a case of a real cloud's answers. `docs/writing-rules.md` describes the file.

mod exchange;
mod play;
mod record;

use serde::{Deserialize, Serialize};

use crate::resource::{ListScope, Owner, Relation, Seen, Step, ThingRef};
use crate::rule::Outcome;

pub use exchange::{RecordedExchange, UnplayableExchange};
pub use play::{Played, Timed, Unplayable};
pub use record::{Recording, record};

/// A case, as its file holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The kind that is listed.
    pub kind: String,
    /// What the listing covers.
    #[serde(default, skip_serializing_if = "Scope::is_all")]
    pub scope: Scope,
    /// Where the answers come from, if they were not recorded: "the source of neutron-lbaas".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_after: Option<String>,
    /// Requests and what came of them. Equal requests are answered in this order.
    #[serde(default)]
    pub exchanges: Vec<RecordedExchange>,
    /// The things that the rule finds, in the order listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub things: Vec<FoundThing>,
    /// Why the listing fails, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a rule finds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Found {
    /// The things, in the order listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub things: Vec<FoundThing>,
    /// Why the listing fails, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a listing covers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// All that the credentials can see.
    #[default]
    All,
    /// One project, by id.
    Project(String),
    /// What is under a thing.
    Under(ThingRef),
}

/// A thing that the rule found, with what it says of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundThing {
    /// Its id.
    pub id: String,
    /// Its name, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Id of its project, where the API says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Who speaks for it: `named-by <kind>/<id>` or `part-of <kind>/<id>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
    /// Its place in the order: `before <kind>/<id>` or `after <kind>/<id>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<String>,
    /// What comes of deleting it. Absent: it is not deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete: Option<Deletion>,
    /// Whether it counts as gone where it is still listed. Absent: the rule is not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<bool>,
}

/// What comes of a deletion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deletion {
    /// It is gone.
    Gone,
    /// The cloud has begun to delete it.
    Accepted,
    /// Other things stand in the way.
    Blocked(Vec<ThingRef>),
    /// It will not go.
    Refused(String),
    /// The call fails.
    Error(String),
}

impl Case {
    /// What the case says that the rule finds.
    pub fn expected(&self) -> Found {
        Found {
            things: self.things.clone(),
            error: self.error.clone(),
        }
    }
}

impl Scope {
    fn is_all(&self) -> bool {
        *self == Self::All
    }
}

impl From<&Scope> for ListScope {
    fn from(scope: &Scope) -> Self {
        match scope {
            Scope::All => Self::All,
            Scope::Project(id) => Self::Project(id.as_str().into()),
            Scope::Under(parent) => Self::Under(parent.clone().into()),
        }
    }
}

impl From<&ListScope> for Scope {
    fn from(scope: &ListScope) -> Self {
        match scope {
            ListScope::All => Self::All,
            ListScope::Project(id) => Self::Project(id.to_string()),
            ListScope::Under(parent) => Self::Under(parent.at.clone()),
        }
    }
}

impl From<&Seen> for FoundThing {
    fn from(seen: &Seen) -> Self {
        Self {
            id: seen.thing.at.id.to_string(),
            name: seen.thing.name.clone(),
            project: seen.thing.project.as_deref().map(str::to_owned),
            owners: seen.owners.iter().map(owner_in_words).collect(),
            order: seen.steps.iter().map(step_in_words).collect(),
            delete: None,
            gone: None,
        }
    }
}

fn owner_in_words(Owner { relation, owner }: &Owner) -> String {
    match relation {
        Relation::NamedBy => format!("named-by {owner}"),
        Relation::PartOf => format!("part-of {owner}"),
    }
}

fn step_in_words(step: &Step) -> String {
    match step {
        Step::Before(other) => format!("before {other}"),
        Step::After(other) => format!("after {other}"),
    }
}

impl From<Outcome> for Deletion {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Gone => Self::Gone,
            Outcome::Accepted => Self::Accepted,
            Outcome::Blocked(by) => Self::Blocked(by),
            Outcome::Refused(why) => Self::Refused(why),
        }
    }
}
