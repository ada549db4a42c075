//! A plan that is saved and loaded is the same plan, and `apply` spares whatever the saved plan does not name, whatever became of it.

use arbitrary::{Arbitrary, Result, Unstructured};
use runner::plan::{Plan, PlanItem};
use runner::resource::Thing;
use runner::run::Spared;
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
    let spared = Spared::of(&now, &[], &saved);
    for item in &now.items {
        let is_approved = saved.items.iter().any(|it| {
            (&it.thing, &it.name, &it.project, &it.reason)
                == (&item.thing, &item.name, &item.project, &item.reason)
        });
        let is_spared = spared.keep(&listed(item)).is_some();
        assert_eq!(is_spared, !is_approved, "{}", item.thing);
    }
    let spared = Spared::of(&now, &[], &now);
    assert!(
        now.items
            .iter()
            .all(|it| spared.keep(&listed(it)).is_none())
    );
}

/// A thing as a listing shows it that a plan has.
fn listed(item: &PlanItem) -> Thing {
    Thing {
        at: item.thing.clone(),
        name: item.name.clone(),
        is_cloud_named: false,
        project: item.project.clone(),
        parent: item.parent.clone(),
        created_at: item.created_at,
        status: None,
        tags: None,
        object: String::new(),
    }
}
