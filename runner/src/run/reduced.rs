//! A saved plan laid over a fresh look: at most what it names goes, and only as it was then.
//!
//! The invariant: a thing goes only if the fresh plan and the saved one agree on it. What has changed since stays, and so does
//! what has come since; both are looked at again, so that what stays is said.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::{Fate, Left};
use crate::plan::{Kept, Plan, PlanItem};
use crate::resource::ThingRef;

use super::Look;
use super::guard::Refusal;

/// Why a thing of the fresh plan stays that the saved one does not name.
const UNNAMED: &str =
    "the saved plan does not name it: it has come since, or was taken out of the plan";

/// The fresh plan that a saved one was laid over, with what stays of both.
#[derive(Debug)]
pub(super) struct Whole {
    /// The fresh plan.
    pub(super) plan: Plan,
    /// What the saved plan names and is kept now.
    kept: Vec<Left>,
    /// What the saved plan names and has changed since, with the change.
    changed: BTreeMap<ThingRef, String>,
}

impl Look {
    /// Reduces what would be done to what a saved plan names and has not changed since.
    #[must_use]
    pub fn reduced_to(self, saved: &Plan) -> Self {
        if !self.is_whole {
            return self;
        }
        let changed = changed(&self.plan, saved);
        let steady = |item: &&PlanItem| !changed.contains_key(&item.thing);
        let steady = Plan {
            items: saved.items.iter().filter(steady).cloned().collect(),
            ..saved.clone()
        };
        let (plan, refusal) = match self.plan.clone().only(&steady) {
            Ok(plan) => (plan, None),
            Err(why) => (self.plan.clone(), Some(Refusal::Unfit(why))),
        };
        let whole = Whole {
            kept: kept_now(&self.kept, saved),
            plan: self.plan,
            changed,
        };
        Self {
            plan,
            whole: Some(whole),
            broad: None,
            refusal,
            ..self
        }
    }
}

impl Whole {
    /// Adds what the saved plan names and is kept now to what is left.
    pub(super) fn add_kept(self, left: &mut Vec<Left>) {
        for kept in self.kept {
            if !left.iter().any(|known| known.thing == kept.thing) {
                left.push(kept);
            }
        }
        left.sort_by(|a, b| a.thing.cmp(&b.thing));
    }

    /// How each thing of the fresh plan ended, by how those of the reduced one did, which are some of them in the same order.
    pub(super) fn fates(&self, reduced: &Plan, fates: &[Fate]) -> Vec<Fate> {
        let mut ended = reduced.items.iter().zip(fates).peekable();
        let all = self.plan.items.iter().map(|item| {
            match ended.next_if(|(reduced, _)| reduced.thing == item.thing) {
                Some((_, fate)) => fate.clone(),
                None => {
                    let changed = self.changed.get(&item.thing).map(String::as_str);
                    Fate::Blocked(changed.unwrap_or(UNNAMED).to_owned())
                }
            }
        });
        all.collect()
    }
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
