//! What a run that is cut short may leave without anybody to speak for it.
//!
//! A nameless thing goes because its owner does, and often only after it: a volume after the server that it is attached to. If a
//! run ends between the two, no listing says any more whose the thing was. So it is on record before anything is changed, and
//! a later run takes it from there, if it is still what it was and its owner is gone.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::resource::{Thing, ThingRef};

use super::{Plan, PlanItem};

/// A nameless thing that was to go with its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remnant {
    /// What.
    pub thing: ThingRef,
    /// The project that it was in, if it was in one.
    pub project: Option<Arc<str>>,
    /// When it was made, if a listing has shown it and the API says it.
    pub created_at: Option<Timestamp>,
    /// The owner for whom it was to go.
    pub owner: ThingRef,
    /// Whether only the owner's object said so, not the thing's own: then its kind has to agree that such owners take it along.
    pub by_owner: bool,
}

impl Remnant {
    fn of(item: &PlanItem) -> Option<Self> {
        let owner = item.reason.owner()?;
        item.name.is_none().then(|| Self {
            thing: item.thing.clone(),
            project: item.project.clone(),
            created_at: item.seen.as_ref().and_then(|seen| seen.created_at),
            owner: owner.clone(),
            by_owner: false,
        })
    }

    /// What the cloud made for a thing that goes. It may not have been seen: its listing has failed, or shows less to this user.
    fn made_for(item: &PlanItem) -> impl Iterator<Item = Self> {
        item.makes.iter().map(|made| Self {
            thing: made.clone(),
            project: item.project.clone(),
            created_at: None,
            owner: item.thing.clone(),
            by_owner: true,
        })
    }

    /// Whether a thing that a listing shows is this one, as it was.
    pub fn is(&self, thing: &Thing) -> bool {
        thing.at == self.thing
            && thing.name.is_none()
            && thing.project == self.project
            && (self.created_at.is_none() || thing.created_at == self.created_at)
    }
}

impl Plan {
    /// What goes with an owner and has no name of its own, blocked or not.
    pub fn remnants(&self) -> Vec<Remnant> {
        let remnants = |item| Remnant::of(item).into_iter().chain(Remnant::made_for(item));
        self.items.iter().flat_map(remnants).collect()
    }
}
