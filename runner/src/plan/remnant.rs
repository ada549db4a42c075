//! What a run that is cut short may leave without anybody to speak for it.
//!
//! A nameless thing goes because its owner does, and often only after it: a volume after the server that it is attached to. If a
//! run ends between the two, no listing says any more whose the thing was. So it is on record before anything is changed, with all
//! because of whom it was to go, and each of those is marked just before the cloud is asked to delete it. A later run takes it from
//! there only if that mark shows that the run, and nobody else, has had the owner deleted, and the thing is still what it was.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::resource::{Thing, ThingRef};

use super::{Plan, PlanItem, Reason};

/// A nameless thing that was to go after its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remnant {
    /// What.
    pub thing: ThingRef,
    /// The project that it was in, if it was in one.
    pub project: Option<Arc<str>>,
    /// When it was made, if a listing has shown it and the API says it.
    pub created_at: Option<Timestamp>,
    /// Because of whom it was to go: its owner, the owner's owner, and so on to the one that bears the task's name.
    pub owners: Vec<ThingRef>,
    /// Whether only the owner's object said so, not the thing's own: then its kind has to agree that such owners take it along.
    pub by_owner: bool,
    /// Which of the owners the cloud was asked to delete. A record says that apart.
    #[serde(skip)]
    pub asked: Arc<BTreeSet<ThingRef>>,
}

impl Remnant {
    /// A thing that may be there longer than somebody because of whom it goes. What goes before all of them can be found again by any
    /// run.
    fn of(position: usize, item: &PlanItem, speakers: &Speakers) -> Option<Self> {
        let chain = match &item.reason {
            Reason::Owner { chain } | Reason::Part { chain } => chain.clone(),
            // Without its owner it may not even go with its project: nobody's secret stays.
            Reason::Project { project } | Reason::WithProject { project } => {
                vec![speakers.owner(item)?.clone(), project.clone()]
            }
            _ => return None,
        };
        let outlives = !speakers.all_wait_for(position, item);
        (item.name.is_none() && outlives).then(|| Self {
            thing: item.thing.clone(),
            project: item.project.clone(),
            created_at: item.seen.as_ref().and_then(|seen| seen.created_at),
            owners: chain,
            by_owner: false,
            asked: Arc::default(),
        })
    }

    /// What the cloud made for a thing that goes. It may not have been seen: its listing has failed, or shows less to this user.
    fn made_for(item: &PlanItem) -> impl Iterator<Item = Self> {
        let owners = std::iter::once(&item.thing).chain(item.reason.chain());
        let owners: Vec<ThingRef> = owners.cloned().collect();
        item.foreseen.makes.iter().map(move |made| Self {
            thing: made.clone(),
            project: item.project.clone(),
            created_at: None,
            owners: owners.clone(),
            by_owner: true,
            asked: Arc::default(),
        })
    }

    /// The owner that it was to go with.
    pub fn owner(&self) -> Option<&ThingRef> {
        self.owners.first()
    }

    /// Whether a run has had that one deleted by whose name all this began. Then it was not somebody else who did.
    pub(super) fn is_ours(&self) -> bool {
        let root = self.owners.last();
        root.is_some_and(|root| self.asked.contains(root))
    }

    /// Whether the cloud was asked to delete one of those because of whom it was to go, and has not refused. Then what it says of
    /// them may be the deletion's own doing.
    pub fn is_under_way(&self) -> bool {
        self.owners.iter().any(|owner| self.asked.contains(owner))
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
    /// What is to go after an owner and has no name of its own. What is blocked is not about to go.
    pub fn remnants(&self) -> Vec<Remnant> {
        let open = || self.open().map(|(_, item)| item);
        let speakers = Speakers::of(self);
        let own = self.open();
        let own = own.filter_map(|(position, item)| Remnant::of(position, item, &speakers));
        let own: Vec<Remnant> = own.collect();
        let known: BTreeSet<ThingRef> = own.iter().map(|it| it.thing.clone()).collect();
        // What the thing's own object says counts more than what an owner's does.
        let made = open().flat_map(Remnant::made_for);
        let made = made.filter(|it| !known.contains(&it.thing));
        let made: Vec<Remnant> = made.collect();
        own.into_iter().chain(made).collect()
    }
}

/// Those because of whom the things of a plan go.
struct Speakers<'a> {
    plan: &'a Plan,
    positions: HashMap<&'a ThingRef, usize>,
}

impl<'a> Speakers<'a> {
    fn of(plan: &'a Plan) -> Self {
        let positions = plan.items.iter().map(|item| &item.thing).zip(0..);
        Self {
            plan,
            positions: positions.collect(),
        }
    }

    /// The nearest owner of a thing that is to go itself.
    fn owner<'b>(&self, item: &'b PlanItem) -> Option<&'b ThingRef> {
        let mut owners = item.owners.iter().map(|owner| &owner.owner);
        owners.find(|owner| self.positions.contains_key(owner))
    }

    /// Whether all that speak for a thing, and all that take one of them along, go only when it is gone. While they are there they
    /// go on speaking for it.
    fn all_wait_for(&self, position: usize, item: &PlanItem) -> bool {
        let owner = self.owner(item).and_then(|owner| self.positions.get(owner));
        let mut open: Vec<usize> = item.rests_on.positions().to_vec();
        open.extend(owner);
        let mut passed = BTreeSet::new();
        while let Some(next) = open.pop() {
            if !passed.insert(next) {
                continue;
            }
            let Some(speaker) = self.plan.items.get(next) else {
                return false;
            };
            if speaker.waits_for.binary_search(&position).is_err() {
                return false;
            }
            open.extend(speaker.rests_on.positions());
            open.extend(&speaker.takers);
        }
        !passed.is_empty()
    }
}
