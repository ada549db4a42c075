//! A plan that is saved and loaded is the same plan, and `apply` never does more than the saved plan says, whatever became of it.

use std::collections::BTreeSet;

use arbitrary::{Arbitrary, Result, Unstructured};
use runner::plan::Plan;
use serde_json::{Value, json};

use super::draw;

const THINGS: &[&str] = &[
    "a.x/1",
    "a.x/2",
    "b.y/1",
    "b.y/2/3",
    "identity.project/p",
    "a.x/é",
];
const WORDS: &[&str] = &[
    "1",
    "\"",
    "{",
    "}",
    ",",
    ":",
    "null",
    "\"waits_for\":[9],",
    "\"waits_for\":[-1],",
    "a.x/1",
    "/",
    "\"name\"",
    "[]",
    "\\u0061",
    "é",
];

/// A plan that was made now, and a file that says what may be done.
#[derive(Debug)]
pub struct Case {
    now: Value,
    saved: String,
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let now = plan(bytes)?;
        let saved = if bytes.arbitrary()? {
            plan(bytes)?
        } else {
            now.clone()
        };
        let mut saved = saved.to_string();
        for _ in 0..bytes.int_in_range(0..=2)? {
            draw::spoil(bytes, &mut saved, WORDS)?;
        }
        Ok(Self { now, saved })
    }
}

/// A plan as one is made: no thing twice, and each after all that it waits for.
fn plan(bytes: &mut Unstructured<'_>) -> Result<Value> {
    let mut items: Vec<Value> = Vec::new();
    for thing in THINGS {
        if bytes.arbitrary()? {
            let item = item(bytes, thing, items.len())?;
            items.push(item);
        }
    }
    Ok(json!({
        "version": 1,
        "scope": {
            "tasks": ["t"], "projects": null, "projectless": true, "created_from": null, "created_until": null,
            "protected_projects": [], "protected_tags": ["keep"],
        },
        "items": items,
        "found": items.len(),
        "kept": {"other name": 2},
        "kind_order": {"b.y": ["a.x"]},
    }))
}

fn item(bytes: &mut Unstructured<'_>, thing: &str, place: usize) -> Result<Value> {
    let mut earlier: Vec<usize> = Vec::new();
    for first in 0..place {
        if bytes.ratio(1u8, 3)? {
            earlier.push(first);
        }
    }
    let reasons = [
        json!({"because": "name", "pattern": "s_…", "sure_bits": 32}),
        json!({"because": "owner", "chain": ["a.x/1"]}),
        json!({"because": "part", "chain": ["b.y/1", "a.x/1"]}),
    ];
    let blockers = [
        json!([]),
        json!([]),
        json!([{"thing": "a.x/9", "name": null, "why": "kept"}]),
    ];
    Ok(json!({
        "thing": thing,
        "name": draw::perhaps(bytes, &["n", "m"])?,
        "project": draw::perhaps(bytes, &["p", "q"])?,
        "reason": bytes.choose(&reasons)?,
        "goes_with": earlier.last(),
        "waits_for": earlier,
        "blocked_by": bytes.choose(&blockers)?,
    }))
}

pub fn holds(case: Case) {
    let now: Plan = serde_json::from_value(case.now).expect("a plan");
    let Ok(saved) = serde_json::from_str::<Plan>(&case.saved) else {
        return;
    };
    let written = serde_json::to_string(&saved).expect("a plan can be written");
    assert_eq!(
        serde_json::from_str::<Plan>(&written).expect("and read"),
        saved
    );
    let Ok(plan) = now.clone().only(&saved) else {
        return;
    };
    assert_eq!(plan.scope, now.scope);
    let mut gone: BTreeSet<String> = BTreeSet::new();
    for (position, item) in plan.items.iter().enumerate() {
        let same = |it: &&runner::plan::PlanItem| {
            (&it.thing, &it.name, &it.project, &it.reason)
                == (&item.thing, &item.name, &item.project, &item.reason)
        };
        assert!(
            saved.items.iter().any(|it| same(&it)),
            "{} was never approved",
            item.thing
        );
        let fresh = now.items.iter().find(same).expect("a thing that is there");
        assert!(item.waits_for.iter().all(|first| *first < position));
        assert!(item.goes_with.is_none_or(|owner| owner < position));
        if item.blocked_by.is_empty() {
            assert!(fresh.blocked_by.is_empty(), "{} was blocked", item.thing);
            for first in &fresh.waits_for {
                let first = now.items[*first].thing.to_string();
                assert!(
                    gone.contains(&first),
                    "{} goes, and {first} before it does not",
                    item.thing
                );
            }
            assert!(
                gone.insert(item.thing.to_string()),
                "{} goes twice",
                item.thing
            );
        }
    }
    let whole = now.clone().only(&now).expect("a plan fits itself");
    let things =
        |plan: &Plan| -> Vec<String> { plan.items.iter().map(|it| it.thing.to_string()).collect() };
    assert_eq!(things(&whole), things(&now));
}
