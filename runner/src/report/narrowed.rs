//! What narrowed a sweep: ages, names, ids and tags, as the report says them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use crate::plan::{Choice, IdPattern, NamePattern, SweepScope, TagPattern};
use crate::run::Outcome;

/// Ids that are named one by one for people.
const IDS_SHOWN: usize = 5;

/// What narrowed a sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Narrowed {
    /// What was made before this was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_after: Option<Timestamp>,
    /// What was made at this time or later was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_before: Option<Timestamp>,
    /// Of each of these lists, one pattern fits the name of what went by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Vec<NamePattern>>,
    /// What was called so was kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_names: Vec<NamePattern>,
    /// Each of these lists has the id of what went by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<BTreeSet<IdPattern>>,
    /// What went by itself had all of these tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<TagPattern>,
    /// What was there at these times already was kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept_from: Vec<Timestamp>,
    /// The ids that nothing had of what was found. Empty where not everything was listed that could be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids_not_found: Vec<IdPattern>,
}

impl Narrowed {
    /// What narrows a scope, whatever is found in it.
    pub fn by(scope: &SweepScope) -> Self {
        let Choice {
            names,
            not_names,
            ids,
            tags,
            baselines,
        } = scope.choice.clone();
        Self {
            created_after: scope.created_from,
            created_before: scope.created_until,
            names,
            not_names,
            ids,
            tags,
            kept_from: baselines.iter().map(|it| it.made_at()).collect(),
            ids_not_found: Vec::new(),
        }
    }

    /// What narrowed a run; nothing if nothing did.
    pub(super) fn of(outcome: &Outcome) -> Option<Self> {
        let scope = &outcome.plan.scope;
        let items = outcome.plan.items.iter().map(|item| &item.thing);
        let kept = outcome.kept.iter().map(|kept| &kept.thing);
        let left = outcome.left.iter().map(|left| &left.thing);
        let ids_not_found = match outcome.is_surveyed {
            true => scope.choice.absent(items.chain(kept).chain(left)),
            false => Vec::new(),
        };
        let narrowed = Self {
            ids_not_found,
            ..Self::by(scope)
        };
        (narrowed != Self::default()).then_some(narrowed)
    }

    /// The same as a line for people, if there is anything to say.
    pub fn line(&self) -> Option<String> {
        let words = self.words();
        (!words.is_empty()).then(|| format!("only what is {}", words.join(", and ")))
    }

    /// The same in words, a condition each.
    fn words(&self) -> Vec<String> {
        let Self {
            names,
            not_names,
            ids,
            tags,
            kept_from,
            ..
        } = self;
        let after = self
            .created_after
            .map(|it| format!("made at {it} or later"));
        let before = self.created_before.map(|it| format!("made before {it}"));
        let names = names
            .iter()
            .map(|names| format!("called {}", either(names)));
        let not_names = not_names.iter().map(|name| format!("not called {name}"));
        let ids = ids.iter().map(|ids| {
            let ids: Vec<&IdPattern> = ids.iter().collect();
            match ids.len() {
                count if count > IDS_SHOWN => format!("of {count} ids"),
                _ => format!("of id {}", either(&ids)),
            }
        });
        let tags = tags.iter().map(|tag| format!("tagged {tag}"));
        let kept_from = kept_from.iter();
        let kept_from = kept_from.map(|at| format!("not in the baseline of {at:.0}"));
        let ages = after.into_iter().chain(before);
        ages.chain(names)
            .chain(not_names)
            .chain(ids)
            .chain(tags)
            .chain(kept_from)
            .collect()
    }

    /// What is to be said of ids that fit nothing.
    pub(crate) fn not_found(&self) -> Option<String> {
        let shown = self.ids_not_found.iter().take(IDS_SHOWN);
        let shown: Vec<String> = shown.map(ToString::to_string).collect();
        let more = self.ids_not_found.len().saturating_sub(IDS_SHOWN);
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!shown.is_empty()).then(|| {
            format!(
                "nothing that was found has the id {}{more}",
                shown.join(", ")
            )
        })
    }
}

fn either<T: ToString>(all: &[T]) -> String {
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    all.join(" or ")
}
