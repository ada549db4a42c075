//! Two plans compared: what came, what went, and what goes for another reason.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::plan::{Plan, PlanItem};
use crate::resource::ThingRef;
use crate::text::Visible;

/// What has become of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PlanDifference {
    /// In what the places differ where the plans were made, if they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What only the later plan deletes.
    pub came: Vec<Planned>,
    /// What only the earlier plan deletes.
    pub went: Vec<Planned>,
    /// What both delete, and not in the same way.
    pub changed: Vec<Changed>,
}

/// A thing of one plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// What.
    pub thing: ThingRef,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Why it is to go, and what holds it, in words.
    pub why: String,
}

/// A thing of both plans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// What.
    pub thing: ThingRef,
    /// Its name in the later plan, if it has one.
    pub name: Option<String>,
    /// What the earlier plan said.
    pub was: String,
    /// What the later plan says.
    pub is: String,
}

impl PlanDifference {
    /// The columns of its rows.
    pub const HEADER: [&'static str; 6] = ["Change", "Kind", "ID", "Name", "Was", "Is"];

    /// Compares two plans, by the things' kinds and ids.
    pub fn between(old: &Plan, new: &Plan) -> Self {
        let by_thing = |plan: &Plan| -> BTreeMap<ThingRef, PlanItem> {
            let items = plan.items.iter();
            items
                .map(|item| (item.thing.clone(), item.clone()))
                .collect()
        };
        let (before, after) = (by_thing(old), by_thing(new));
        let all: BTreeSet<&ThingRef> = before.keys().chain(after.keys()).collect();
        let place = old.place.as_ref().zip(new.place.as_ref());
        let mut difference = Self {
            place: place.and_then(|(old, new)| old.difference(new)),
            ..Self::default()
        };
        for thing in all {
            match (before.get(thing), after.get(thing)) {
                (None, Some(new)) => difference.came.push(Planned::of(new)),
                (Some(old), None) => difference.went.push(Planned::of(old)),
                (Some(old), Some(new)) => difference.changed.extend(Changed::between(old, new)),
                (None, None) => {}
            }
        }
        difference
    }

    /// Whether both plans delete the same, in the same way.
    pub fn is_empty(&self) -> bool {
        self.came.is_empty() && self.went.is_empty() && self.changed.is_empty()
    }

    /// What people have to know before they read it.
    pub fn introduction(&self) -> String {
        self.place.as_ref().map_or_else(String::new, |place| {
            format!(
                "the plans were made in different places: {}\n\n",
                Visible(place)
            )
        })
    }

    /// A row for each difference.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let row = |change: &str, thing: &ThingRef, name: &Option<String>, was: &str, is: &str| {
            let name = name.as_deref().unwrap_or_default();
            let cells = [change, &thing.kind, &thing.id, name, was, is];
            cells.map(|cell| Visible(cell).to_string()).to_vec()
        };
        let came = self.came.iter();
        let came = came.map(|it| row("came", &it.thing, &it.name, "", &it.why));
        let went = self.went.iter();
        let went = went.map(|it| row("went", &it.thing, &it.name, &it.why, ""));
        let changed = self.changed.iter();
        let changed = changed.map(|it| row("changed", &it.thing, &it.name, &it.was, &it.is));
        came.chain(went).chain(changed).collect()
    }
}

impl Planned {
    fn of(item: &PlanItem) -> Self {
        Self {
            thing: item.thing.clone(),
            name: item.name.clone(),
            why: why(item),
        }
    }
}

impl Changed {
    /// What is said of a thing in one plan and not in the other; nothing if both say the same.
    fn between(old: &PlanItem, new: &PlanItem) -> Option<Self> {
        let (mut was, mut is) = (Vec::new(), Vec::new());
        let mut compare = |then: String, now: String| {
            if then != now {
                was.push(then);
                is.push(now);
            }
        };
        let name = |item: &PlanItem| match &item.name {
            Some(name) => format!("called {name}"),
            None => "nameless".to_owned(),
        };
        let project = |item: &PlanItem| match &item.project {
            Some(project) => format!("in project {project}"),
            None => "in no project".to_owned(),
        };
        let made = |item: &PlanItem| match item.created_at {
            Some(at) => format!("made at {at}"),
            None => "made nobody knows when".to_owned(),
        };
        compare(name(old), name(new));
        compare(project(old), project(new));
        compare(made(old), made(new));
        compare(why(old), why(new));
        (was != is).then(|| Self {
            thing: new.thing.clone(),
            name: new.name.clone(),
            was: was.join(", "),
            is: is.join(", "),
        })
    }
}

/// Why a thing is to go, and what holds it.
fn why(item: &PlanItem) -> String {
    match item.why_blocked() {
        None => item.reason.to_string(),
        Some(held) => format!("{}; held: {held}", item.reason),
    }
}
