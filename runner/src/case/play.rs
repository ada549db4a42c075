//! Playing a case: the rule lists, names and deletes, a tape answers, and what came of it is compared with what should have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::audit::Audit;
use crate::cloud::{self, Request, Session, Tape};
use crate::guest::{CallCost, Component, Guest};
use crate::resource::{Kind, ListScope, Seen};
use crate::rule::{Cause, Rule};

use super::exchange::{UnplayableExchange, in_words};
use super::{Case, Deletion, Found, FoundThing};

/// What came of playing a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// What the rule found and did.
    pub found: Found,
    /// Requests that the rule sent and the case does not have.
    pub missed: Vec<String>,
    /// Requests that the case has and the rule did not send.
    pub unplayed: Vec<String>,
    /// What is as it should be, and may yet be a slip.
    pub notes: Vec<String>,
}

/// What the rule's calls in a case cost.
#[derive(Clone, Copy, Debug)]
pub struct Timed {
    /// Things that the whole listing found.
    pub things: usize,
    /// The calls.
    pub cost: CallCost,
}

/// Why a case cannot be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unplayable {
    /// The rule does not know the kind.
    #[error("the rule has no kind {kind}; its kinds are: {known}")]
    Kind {
        /// The case's kind.
        kind: String,
        /// The rule's.
        known: String,
    },
    /// An exchange is none.
    #[error(transparent)]
    Exchange(#[from] UnplayableExchange),
    /// The rule fails where it is to be timed.
    #[error("the rule fails: {0}")]
    Fails(Cause),
    /// The tape cannot stand in for a service.
    #[error(transparent)]
    Service(#[from] cloud::Error),
}

impl Case {
    /// Times the rule's calls in this case.
    ///
    /// # Errors
    /// As [`play`](Self::play).
    pub async fn time(&self, rule: &Arc<Component>, audit: &Audit) -> Result<Timed, Unplayable> {
        let (guest, kind, tape) = self.staged(rule, Some(audit.clone()))?;
        let scope = (&self.scope).into();
        let things = list(&guest, &kind, &scope).await?;
        let goes = |it: &&FoundThing| it.delete == Some(Deletion::Gone);
        let ids: BTreeSet<&str> = self.things.iter().filter(goes).map(|it| &*it.id).collect();
        let doomed = things
            .iter()
            .filter(|seen| ids.contains(&*seen.thing.at.id));
        let doomed: Vec<&Seen> = doomed.collect();
        let cost = guest.time_calls(&kind, &scope, &things, &doomed, || tape.rewind());
        Ok(Timed {
            things: things.len(),
            cost: cost.await?,
        })
    }

    /// Plays the case. `audit` gets the intentions of what is deleted from the tape.
    ///
    /// # Errors
    /// If the case does not fit the rule, or is not playable as it stands.
    pub async fn play(&self, rule: &Arc<Component>, audit: &Audit) -> Result<Played, Unplayable> {
        let (guest, kind, tape) = self.staged(rule, Some(audit.clone()))?;
        let (found, objects) = self.found_by(&guest, &kind).await;
        let in_words = |requests: Vec<Request>| requests.iter().map(in_words).collect();
        Ok(Played {
            missed: in_words(tape.missed()),
            unplayed: in_words(tape.unplayed()),
            notes: notes(&kind, &found, &objects),
            found,
        })
    }

    /// The rule at work before the case's tape.
    fn staged(
        &self,
        rule: &Arc<Component>,
        audit: Option<Audit>,
    ) -> Result<(Guest, Arc<Kind>, Arc<Tape>), Unplayable> {
        let kind = kind_of(rule, &self.kind)?;
        let exchanges = self.exchanges.iter();
        let exchanges = exchanges.map(|exchange| exchange.playable(&kind.service));
        let tape = Arc::new(Tape::new(exchanges.collect::<Result<_, _>>()?));
        let services = rule.kinds().iter().map(|kind| kind.service.as_str());
        let session = Session::replaying(services, tape.clone())?;
        Ok((Guest::new(rule.clone(), session, audit), kind, tape))
    }

    /// What the rule finds, and the objects in which it does.
    async fn found_by(&self, guest: &Guest, kind: &Arc<Kind>) -> (Found, Vec<Value>) {
        let listed = match list(guest, kind, &(&self.scope).into()).await {
            Ok(listed) => listed,
            Err(cause) => {
                let found = Found {
                    error: Some(cause.to_string()),
                    ..Found::default()
                };
                return (found, Vec::new());
            }
        };
        let expected: BTreeMap<&str, &FoundThing> = self
            .things
            .iter()
            .map(|thing| (thing.id.as_str(), thing))
            .collect();
        let mut found = Found::default();
        for seen in &listed {
            let mut thing = FoundThing::from(seen);
            let wanted = expected.get(thing.id.as_str());
            if wanted.is_some_and(|wanted| wanted.delete.is_some()) {
                thing.delete = Some(delete(guest, kind, seen).await);
            }
            if wanted.is_some_and(|wanted| wanted.gone.is_some()) {
                thing.gone = guest.is_gone(kind, &seen.thing).await.ok();
            }
            found.things.push(thing);
        }
        let objects = listed
            .iter()
            .map(|seen| serde_json::from_str(&seen.thing.object));
        (found, objects.filter_map(Result::ok).collect())
    }
}

/// A field that no object has is a slip, or one that the API does not show; a name that no thing has where every object has
/// one is a slip, or only the cloud's own.
fn notes(kind: &Kind, found: &Found, objects: &[Value]) -> Vec<String> {
    let is_absent = |pointer: &&String| {
        let none = !objects.iter().any(|it| it.pointer(pointer).is_some());
        !pointer.is_empty() && !objects.is_empty() && none
    };
    let fields = &kind.fields;
    let single = [
        &fields.project,
        &fields.created_at,
        &fields.status,
        &fields.tags,
    ];
    let declared = single.into_iter().chain(&fields.names);
    let mut notes: Vec<String> = declared
        .filter(is_absent)
        .map(|pointer| format!("no object has {pointer}, a field of {}", kind.name))
        .collect();
    let has_name = |object: &&Value| {
        let mut names = fields
            .names
            .iter()
            .filter_map(|it| object.pointer(it)?.as_str());
        names.any(|name| !name.is_empty())
    };
    let named = objects.iter().filter(has_name).count();
    if named > 0 && found.things.iter().all(|thing| thing.name.is_none()) {
        notes.push(format!(
            "`name` gives none, though {named} of the objects have one"
        ));
    }
    notes
}

impl From<Cause> for Unplayable {
    fn from(cause: Cause) -> Self {
        Self::Fails(cause)
    }
}

/// The rule's kind of this name.
fn kind_of(rule: &Component, name: &str) -> Result<Arc<Kind>, Unplayable> {
    let kinds = rule.kinds().iter();
    let found = kinds.clone().find(|kind| &*kind.name == name).cloned();
    found.ok_or_else(|| Unplayable::Kind {
        kind: name.to_owned(),
        known: kinds.map(|kind| &*kind.name).collect::<Vec<_>>().join(", "),
    })
}

/// All pages of a listing.
pub(super) async fn list(
    guest: &Guest,
    kind: &Arc<Kind>,
    scope: &ListScope,
) -> Result<Vec<Seen>, Cause> {
    let mut things = Vec::new();
    let mut cursor = None;
    for _ in 0..guest.listing_limits().pages_max {
        let page = guest.list(kind, scope, cursor.clone()).await;
        let page = page.map_err(|error| error.cause)?;
        things.extend(page.things);
        if page.next.is_none() {
            return Ok(things);
        }
        if page.next == cursor {
            return Err(Cause::Malformed("a page leads to itself".to_owned()));
        }
        cursor = page.next;
    }
    Err(Cause::Limit(format!(
        "pages_max = {}",
        guest.listing_limits().pages_max
    )))
}

pub(super) async fn delete(guest: &Guest, kind: &Arc<Kind>, seen: &Seen) -> Deletion {
    match guest.delete(kind, &seen.thing).await {
        Ok(outcome) => outcome.into(),
        Err(error) => Deletion::Error(error.cause.to_string()),
    }
}

impl Played {
    /// Whether everything was as the case says.
    pub fn is_as(&self, case: &Case) -> bool {
        self.found == case.expected() && self.missed.is_empty() && self.unplayed.is_empty()
    }
}
