//! What tests of the plan are written in: things in a few words, and what a plan says of them.

mod choice;
mod containers;
mod doubt;
mod laws;
mod makers;
mod order;
mod remnant;
mod scale;
mod verdicts;
mod wider;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::*;
use crate::name::{NameMatcher, OriginFilter, TaskId, built_in};
use crate::resource::{Foreseen, Owner, Relation, Seen, Step};

const TASK: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
const OURS: &str = "s_rally_0a1b2c3d_AbCdEf12";
const OTHERS: &str = "s_rally_ffffffff_AbCdEf12";

fn at(text: &str) -> ThingRef {
    ThingRef::parse(text).unwrap()
}

/// A listed thing of the project `demo`, without a name.
fn thing(text: &str) -> Seen {
    let at = at(text);
    let project = (&*at.kind != crate::resource::PROJECT_KIND).then(|| Arc::from("demo"));
    Seen {
        thing: Thing {
            at,
            name: None,
            is_cloud_named: false,
            project,
            parent: None,
            created_at: None,
            status: None,
            tags: Some(Vec::new()),
            object: "{}".to_owned(),
        },
        owners: Vec::new(),
        steps: Vec::new(),
        foreseen: Foreseen::default(),
    }
}

impl Seen {
    fn named(mut self, name: &str) -> Self {
        self.thing.name = Some(name.to_owned());
        self
    }

    fn named_by_the_cloud(mut self) -> Self {
        self.thing.is_cloud_named = true;
        self
    }

    fn of_project(mut self, project: &str) -> Self {
        self.thing.project = Some(Arc::from(project));
        self
    }

    fn of_no_project(mut self) -> Self {
        self.thing.project = None;
        self
    }

    fn under(mut self, parent: &str) -> Self {
        self.thing.parent = Some(at(parent));
        self
    }

    fn tagged(mut self, tag: &str) -> Self {
        let tags = self.thing.tags.get_or_insert_default();
        tags.push(tag.to_owned());
        self
    }

    fn without_tags(mut self) -> Self {
        self.thing.tags = None;
        self
    }

    fn made(mut self, time: &str) -> Self {
        self.thing.created_at = Some(time.parse().unwrap());
        self
    }

    fn named_by(mut self, owner: &str) -> Self {
        self.owners.push(Owner {
            relation: Relation::NamedBy,
            owner: at(owner),
        });
        self
    }

    fn part_of(mut self, owner: &str) -> Self {
        self.owners.push(Owner {
            relation: Relation::PartOf,
            owner: at(owner),
        });
        self
    }

    fn taking(mut self, other: &str) -> Self {
        self.foreseen.takes.push(at(other));
        self
    }

    fn making(mut self, other: &str) -> Self {
        self.foreseen.makes.push(at(other));
        self.taking(other)
    }

    fn before(mut self, other: &str) -> Self {
        self.steps.push(Step::Before(at(other)));
        self
    }

    fn after(mut self, other: &str) -> Self {
        self.steps.push(Step::After(at(other)));
        self
    }
}

fn sieve(scope: SweepScope) -> Sieve {
    let names = NameMatcher::new(
        built_in(),
        &[TaskId::parse(TASK).unwrap()],
        OriginFilter::All,
    );
    Sieve::new(scope, names)
}

/// Every kind that is spoken of was listed whole.
fn whole(things: &[Seen]) -> Coverage {
    let mut coverage = Coverage::of(Vec::new());
    for seen in things {
        let steps = seen.steps.iter().map(|step| match step {
            Step::Before(other) | Step::After(other) => other,
        });
        let owners = seen.owners.iter().map(|owner| &owner.owner);
        let others = steps.chain(owners).chain(&seen.foreseen.takes);
        for at in others.chain([&seen.thing.at]) {
            coverage.note_whole(at.kind.clone());
        }
    }
    coverage
}

fn inventory(things: Vec<Seen>, scope: &SweepScope) -> Inventory {
    let coverage = whole(&things);
    inventory_of(things, scope, coverage)
}

fn inventory_of(things: Vec<Seen>, scope: &SweepScope, coverage: Coverage) -> Inventory {
    let sieve = sieve(scope.clone());
    let mut inventory = Inventory::new(scope, coverage);
    for seen in things {
        let standing = sieve.standing(&seen.thing);
        inventory.add(seen, standing);
    }
    inventory
}

fn plan_in(scope: &SweepScope, things: Vec<Seen>) -> (Plan, Vec<Kept>) {
    Plan::new(inventory(things, scope), scope.clone(), BTreeMap::new())
}

fn everywhere() -> SweepScope {
    SweepScope {
        projectless: true,
        ..SweepScope::default()
    }
}

fn plan(things: Vec<Seen>) -> Plan {
    plan_in(&everywhere(), things).0
}

/// What the plan says of one thing, as people read it.
fn word(plan: &Plan, kept: &[Kept], thing: &ThingRef) -> String {
    let item = plan.items.iter().find(|item| item.thing == *thing);
    let kept = kept.iter().find(|kept| kept.thing == *thing);
    match (item, kept) {
        (Some(item), None) => item.reason.to_string(),
        (None, Some(kept)) => kept.reason.to_string(),
        (found, _) => panic!("{thing} is planned: {}, and kept too", found.is_some()),
    }
}

/// The plan's things in their order.
fn sequence(plan: &Plan) -> Vec<String> {
    let things = plan.items.iter().map(|item| item.thing.to_string());
    things.collect()
}

fn item<'a>(plan: &'a Plan, thing: &str) -> &'a PlanItem {
    let found = plan.items.iter().find(|item| item.thing == at(thing));
    found.unwrap_or_else(|| panic!("{thing} is not in the plan"))
}

/// What a thing of the plan waits for.
fn waits_for(plan: &Plan, thing: &str) -> Vec<String> {
    let firsts = &item(plan, thing).waits_for;
    firsts
        .iter()
        .map(|&first| plan.items[first].thing.to_string())
        .collect()
}

/// What is blocked, by what, and why.
fn blocked(plan: &Plan) -> Vec<String> {
    let blocked = plan.blocked().flat_map(|item| {
        let blockers = item.blocked_by.iter();
        blockers.map(|by| format!("{} by {}, {}", item.thing, by.thing, by.why))
    });
    blocked.collect()
}

/// Plans all but one thing, which is spared.
fn plan_but(things: Vec<Seen>, spared: &str) -> (Plan, Vec<Kept>) {
    let (scope, spared) = (everywhere(), at(spared));
    let keep = |thing: &Thing| {
        let how = "not planned".to_owned();
        (thing.at == spared).then_some(Keep::NotAsPlanned { how })
    };
    Plan::sparing(
        inventory(things, &scope),
        scope.clone(),
        BTreeMap::new(),
        &keep,
    )
}

#[test]
fn what_is_spared_is_kept_and_holds_others_as_whatever_is_kept() {
    let things = || {
        vec![
            thing("a.x/1").named(OURS).taking("b.y/1"),
            thing("a.x/2").named(OURS).after("a.x/1"),
            thing("a.x/3").named_by("a.x/2").after("a.x/2"),
            thing("a.x/4").named(OURS),
            thing("b.y/1").named(OURS),
        ]
    };
    let open = |plan: &Plan| -> Vec<String> {
        plan.open()
            .map(|(_, item)| item.thing.to_string())
            .collect()
    };
    let (all, _) = plan_but(things(), "a.x/9");
    assert_eq!(all, plan(things()));
    for (spared, expected) in [
        ("a.x/1", &["a.x/4", "b.y/1"][..]),
        ("a.x/2", &["a.x/1", "a.x/4", "b.y/1"]),
        ("a.x/4", &["a.x/1", "a.x/2", "a.x/3", "b.y/1"]),
        ("b.y/1", &["a.x/4"]),
    ] {
        let (plan, kept) = plan_but(things(), spared);
        let mut open = open(&plan);
        open.sort();
        assert_eq!(open, expected, "{spared}");
        assert_eq!(word(&plan, &kept, &at(spared)), "not planned");
    }
}
