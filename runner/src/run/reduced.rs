//! A saved plan laid over a fresh look: at most what it names goes, and only as it was then.
//!
//! The invariant: a thing goes only if the fresh plan and the saved one agree on it. What has changed since stays, and so does
//! what has come since; both are looked at again, so that what stays is said.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::{Fate, Left};
use crate::plan::{Keep, Kept, Plan, PlanItem};
use crate::resource::ThingRef;

/// Why a thing of the fresh plan stays that the saved one does not name.
const UNNAMED: &str =
    "the saved plan does not name it: it has come since, or was taken out of the plan";

/// What a saved plan does not let go.
#[derive(Debug)]
pub struct Spared {
    /// What the saved plan names and would be deleted now.
    named: BTreeSet<ThingRef>,
    /// What of that has changed since, with the change.
    changed: BTreeMap<ThingRef, String>,
    /// What the saved plan names and is kept now.
    kept: Vec<Left>,
}

impl Spared {
    /// Of what was found and would go or be kept without a saved plan.
    pub fn of(fresh: &Plan, kept: &[Kept], saved: &Plan) -> Self {
        let named = saved.items.iter().map(|item| item.thing.clone());
        Self {
            named: named.collect(),
            changed: changed(fresh, saved),
            kept: kept_now(kept, saved),
        }
    }

    /// Why a thing is spared, if it is.
    pub fn keep(&self, thing: &ThingRef) -> Option<Keep> {
        let how = match self.changed.get(thing) {
            Some(how) => how.clone(),
            None if self.named.contains(thing) => return None,
            None => UNNAMED.to_owned(),
        };
        Some(Keep::NotAsPlanned { how })
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
        let ended: BTreeMap<_, &Fate> = ended.collect();
        let all = self
            .plan
            .items
            .iter()
            .map(|item| match ended.get(&exactly(item)) {
                Some(fate) => (*fate).clone(),
                None => {
                    let changed = self.spared.changed.get(&item.thing);
                    Fate::Blocked(changed.map_or(UNNAMED, String::as_str).to_owned())
                }
            });
        all.collect()
    }
}

/// What tells a thing of a plan from all others: ids are not always unique.
fn exactly(item: &PlanItem) -> (&ThingRef, Option<&str>, Option<&ThingRef>) {
    let parent = item.seen.as_ref().and_then(|seen| seen.parent.as_ref());
    (&item.thing, item.project.as_deref(), parent)
}

/// Things that both plans name, and that are not what they were.
fn changed(fresh: &Plan, saved: &Plan) -> BTreeMap<ThingRef, String> {
    let mut before: BTreeMap<&ThingRef, Vec<&PlanItem>> = BTreeMap::new();
    for item in &saved.items {
        before.entry(&item.thing).or_default().push(item);
    }
    let changed = fresh.items.iter().filter_map(|now| {
        let then = before.get(&now.thing)?;
        let differences = then.iter().map(|then| difference(then, now));
        // Ids are not always unique: it is enough that one of them is as it was.
        let differences: Option<Vec<String>> = differences.collect();
        Some((now.thing.clone(), differences?.into_iter().next()?))
    });
    changed.collect()
}

/// What is not as it was, if anything.
fn difference(then: &PlanItem, now: &PlanItem) -> Option<String> {
    let name = |item: &PlanItem| item.name.clone().unwrap_or_else(|| "nothing".to_owned());
    let project = |item: &PlanItem| item.project.as_deref().unwrap_or("none").to_owned();
    let features = [
        ("it was called", name(then), name(now)),
        ("its project was", project(then), project(now)),
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

/// What a saved plan names and would be kept now.
fn kept_now(kept: &[Kept], saved: &Plan) -> Vec<Left> {
    let named: BTreeSet<&ThingRef> = saved.items.iter().map(|item| &item.thing).collect();
    let kept = kept.iter().filter(|kept| named.contains(&kept.thing));
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
