//! A saved plan laid over a fresh look: at most what it names goes, and only as it was then.
//!
//! The invariant: a thing goes only if the fresh plan and the saved one agree on it. What has changed since stays, and so does
//! what has come since; both are looked at again, so that what stays is said.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::{Fate, Left};
use crate::plan::{Keep, Kept, Plan, PlanItem, Reason};
use crate::resource::{Thing, ThingRef};

/// Why a thing of the fresh plan stays that the saved one does not name.
const UNNAMED: &str =
    "the saved plan does not name it: it has come since, or was taken out of the plan";

/// A thing, its project, and what it was listed under: ids alone are not always unique.
type Exactly = (ThingRef, Option<Arc<str>>, Option<ThingRef>);

/// What a saved plan does not let go.
#[derive(Debug)]
pub struct Spared {
    /// Of what would be deleted now, what the saved plan names, with what has changed about it since, if anything has.
    named: BTreeMap<Exactly, Option<String>>,
    /// What the saved plan names and is kept now.
    kept: Vec<Left>,
}

impl Spared {
    /// Of what was found and would go or be kept without a saved plan.
    pub fn of(fresh: &Plan, kept: &[Kept], saved: &Plan) -> Self {
        let mut named = named(fresh, saved);
        for (taker, why) in changed_along(&named, kept, saved, fresh) {
            let takers = named.iter_mut().filter(|((thing, ..), _)| *thing == taker);
            for (_, change) in takers {
                change.get_or_insert_with(|| why.clone());
            }
        }
        Self {
            named,
            kept: kept_now(kept, saved, fresh),
        }
    }

    /// Why a thing is spared, if it is.
    pub fn keep(&self, thing: &Thing) -> Option<Keep> {
        let Thing {
            at,
            project,
            parent,
            ..
        } = thing;
        let how = self.why(&(at.clone(), project.clone(), parent.clone()))?;
        Some(Keep::NotAsPlanned { how })
    }

    fn why(&self, thing: &Exactly) -> Option<String> {
        match self.named.get(thing) {
            Some(change) => change.clone(),
            None => Some(UNNAMED.to_owned()),
        }
    }

    /// The plan that it was taken from, which is looked at as a whole in the end.
    pub(super) fn over(self, plan: Plan) -> Whole {
        Whole { plan, spared: self }
    }
}

/// The fresh plan that a saved one was laid over.
#[derive(Debug)]
pub(super) struct Whole {
    /// The fresh plan.
    pub(super) plan: Plan,
    spared: Spared,
}

impl Whole {
    /// Adds what the saved plan names and is kept now to what is left.
    pub(super) fn add_kept(self, left: &mut Vec<Left>) {
        for kept in self.spared.kept {
            if !left.iter().any(|known| known.thing == kept.thing) {
                left.push(kept);
            }
        }
        left.sort_by(|a, b| a.thing.cmp(&b.thing));
    }

    /// How each thing of the fresh plan ended, by how those of the reduced one did.
    pub(super) fn fates(&self, reduced: &Plan, fates: &[Fate]) -> Vec<Fate> {
        let ended = reduced.items.iter().map(exactly).zip(fates);
        let ended: BTreeMap<Exactly, &Fate> = ended.collect();
        let all = self.plan.items.iter().map(|item| {
            let item = exactly(item);
            match ended.get(&item) {
                Some(fate) => (*fate).clone(),
                None => Fate::Blocked(self.spared.why(&item).unwrap_or_default()),
            }
        });
        all.collect()
    }

    /// Where the reduced plan has the things of the fresh one that it has.
    pub(super) fn positions_in(&self, reduced: &Plan) -> BTreeMap<usize, usize> {
        let places = reduced.items.iter().map(exactly).zip(0..);
        let places: BTreeMap<Exactly, usize> = places.collect();
        let items = self.plan.items.iter().map(exactly).enumerate();
        let known = items.filter_map(|(position, item)| Some((position, *places.get(&item)?)));
        known.collect()
    }
}

fn exactly(item: &PlanItem) -> Exactly {
    let PlanItem {
        thing,
        project,
        parent,
        ..
    } = item;
    (thing.clone(), project.clone(), parent.clone())
}

/// Things that both plans name, with what is not what it was. Of several of one id that were listed under the same thing each is
/// compared with all: it is enough that it is as one of them was.
fn named(fresh: &Plan, saved: &Plan) -> BTreeMap<Exactly, Option<String>> {
    let mut before: BTreeMap<_, Vec<&PlanItem>> = BTreeMap::new();
    for item in &saved.items {
        let known = before.entry((&item.thing, &item.parent)).or_default();
        known.push(item);
    }
    let named = fresh.items.iter().filter_map(|now| {
        let then = before.get(&(&now.thing, &now.parent))?;
        let differences = then.iter().map(|then| difference(then, now));
        let differences: Option<Vec<String>> = differences.collect();
        let change = differences.and_then(|them| them.into_iter().next());
        Some((exactly(now), change))
    });
    named.collect()
}

/// What is not as it was, if anything.
fn difference(then: &PlanItem, now: &PlanItem) -> Option<String> {
    let name = |item: &PlanItem| item.name.clone().unwrap_or_else(|| "nothing".to_owned());
    let project = |item: &PlanItem| item.project.as_deref().unwrap_or("none").to_owned();
    let made = |item: &PlanItem| {
        item.created_at
            .map_or_else(String::new, |it| it.to_string())
    };
    let features = [
        ("it was called", name(then), name(now)),
        ("its project was", project(then), project(now)),
        ("it was made", made(then), made(now)),
    ];
    let differing = features.into_iter().find(|(_, then, now)| then != now);
    let reasons = || {
        let (then, now) = (&then.reason, &now.reason);
        let differ = !now.follows_from(then);
        differ.then(|| ("it was to go by", then.to_string(), now.to_string()))
    };
    differing.or_else(reasons).map(|(what, then, now)| {
        format!("it has changed since the plan was made: {what} {then}, and now {now}")
    })
}

/// What was to be taken along and is not what it was: by what, and why that stays.
fn changed_along(
    named: &BTreeMap<Exactly, Option<String>>,
    kept: &[Kept],
    saved: &Plan,
    fresh: &Plan,
) -> Vec<(ThingRef, String)> {
    let changed = named.iter().filter(|(_, change)| change.is_some());
    let changed: BTreeSet<&ThingRef> = changed.map(|((thing, ..), _)| thing).collect();
    let going: BTreeSet<Exactly> = fresh.items.iter().map(exactly).collect();
    let kept: BTreeSet<&ThingRef> = kept.iter().map(|kept| &kept.thing).collect();
    let has_changed = |item: &PlanItem| {
        let is_kept = kept.contains(&item.thing) && !going.contains(&exactly(item));
        is_kept || changed.contains(&item.thing)
    };
    let along = saved.items.iter().filter_map(|item| match &item.reason {
        Reason::Along { chain } if has_changed(item) => Some((chain, &item.thing)),
        _ => None,
    });
    let takers = along.flat_map(|(chain, thing)| {
        let why =
            format!("{thing}, which was to go along with it, has changed since the plan was made");
        chain.iter().map(move |taker| (taker.clone(), why.clone()))
    });
    takers.collect()
}

/// What a saved plan names and would be kept now. What is to go as it was cannot be what is kept: that is another one of its id.
fn kept_now(kept: &[Kept], saved: &Plan, fresh: &Plan) -> Vec<Left> {
    let going: BTreeSet<Exactly> = fresh.items.iter().map(exactly).collect();
    let missing = saved
        .items
        .iter()
        .filter(|item| !going.contains(&exactly(item)));
    let missing: BTreeSet<&ThingRef> = missing.map(|item| &item.thing).collect();
    let kept = kept.iter().filter(|kept| missing.contains(&kept.thing));
    let left = kept.map(|kept| Left {
        thing: kept.thing.clone(),
        name: kept.name.clone(),
        why: format!(
            "it has changed since the plan was made: now it is {}",
            kept.reason
        ),
    });
    left.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::{NameMatcher, OriginFilter, TaskId, built_in};
    use crate::plan::{Coverage, Inventory, Sieve, SweepScope};
    use crate::resource::{Foreseen, Seen};

    const TASK: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

    /// A key pair of the task's, of a user.
    fn pair(user: &str, made: &str) -> Seen {
        let thing = Thing {
            at: ThingRef::new("a.pair", "s_rally_0a1b2c3d_AbCdEf12"),
            name: Some("s_rally_0a1b2c3d_AbCdEf12".to_owned()),
            is_cloud_named: false,
            project: None,
            parent: Some(ThingRef::new("identity.user", user)),
            created_at: made.parse().ok(),
            status: None,
            tags: Some(Vec::new()),
            object: "{}".to_owned(),
        };
        Seen {
            thing,
            owners: Vec::new(),
            steps: Vec::new(),
            foreseen: Foreseen::default(),
        }
    }

    fn plan_of(pairs: &[Seen]) -> Plan {
        let scope = SweepScope {
            projectless: true,
            ..SweepScope::default()
        };
        let tasks = [TaskId::parse(TASK).unwrap()];
        let names = NameMatcher::new(built_in(), &tasks, OriginFilter::All);
        let sieve = Sieve::new(scope.clone(), names);
        let mut inventory = Inventory::new(&scope, Coverage::default());
        for pair in pairs {
            inventory.add(pair.clone(), sieve.standing(&pair.thing));
        }
        Plan::new(inventory, scope, BTreeMap::new()).0
    }

    /// Whoever it is under, and when it was made, is part of what was planned.
    #[test]
    fn what_has_the_id_of_something_planned_is_not_planned_for_that() {
        let then = "2026-01-01T00:00:00Z";
        let saved = plan_of(&[pair("alice", then)]);
        let fresh = [pair("alice", then), pair("bob", then)];
        let spared = Spared::of(&plan_of(&fresh), &[], &saved);
        let is_kept = fresh.map(|seen| spared.keep(&seen.thing).is_some());
        assert_eq!(is_kept, [false, true]);
        let again = pair("alice", "2026-01-02T00:00:00Z");
        let spared = Spared::of(&plan_of(std::slice::from_ref(&again)), &[], &saved);
        let keep = spared.keep(&again.thing).map(|it| it.to_string());
        assert!(keep.is_some_and(|it| it.contains("it was made 2026-01-01")));
    }

    /// A tenant's key pair of the same name has not changed because the task's is planned.
    #[test]
    fn another_thing_of_the_same_id_is_not_what_was_planned() {
        let then = "2026-01-01T00:00:00Z";
        let saved = plan_of(&[pair("alice", then)]);
        let kept = |name: &str| Kept {
            thing: ThingRef::new("a.pair", "s_rally_0a1b2c3d_AbCdEf12"),
            name: Some(name.to_owned()),
            project: None,
            reason: Keep::OtherName,
        };
        let there = plan_of(&[pair("alice", then)]);
        assert!(Spared::of(&there, &[kept("web")], &saved).kept.is_empty());
        let gone = plan_of(&[]);
        assert_eq!(Spared::of(&gone, &[kept("web")], &saved).kept.len(), 1);
    }
}
