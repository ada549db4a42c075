//! What was there at some time: a sweep that is told so keeps all of it.
//!
//! The invariant: what a baseline does not know it keeps. It knows the kinds that it lists, as far as the credentials reached with
//! which it was made, so it is good for these alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::resource::{Thing, ThingRef};

use super::place::Place;

/// Version of the file's form.
pub const BASELINE_VERSION: u32 = 1;

/// What was there at some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Version of this form.
    pub version: u32,
    /// Where it was made, and for where it is good.
    pub place: Place,
    /// The ids of all things, by their kinds. A kind of which there was none has none; one that is not here was not looked at.
    pub things: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
}

impl Baseline {
    /// The baseline of what was found, where these kinds were listed to their end.
    pub fn of<'a>(
        place: Place,
        kinds: impl IntoIterator<Item = &'a Arc<str>>,
        found: impl IntoIterator<Item = &'a ThingRef>,
    ) -> Self {
        let kinds = kinds
            .into_iter()
            .map(|kind| (kind.clone(), BTreeSet::new()));
        let mut things: BTreeMap<Arc<str>, BTreeSet<Arc<str>>> = kinds.collect();
        for thing in found {
            if let Some(ids) = things.get_mut(&thing.kind) {
                ids.insert(thing.id.clone());
            }
        }
        Self {
            version: BASELINE_VERSION,
            place,
            things,
        }
    }

    /// Why it keeps a thing, in words; nothing if the thing was not there.
    pub fn keeps(&self, thing: &Thing) -> Option<String> {
        let at = &thing.at;
        match self.things.get(&at.kind) {
            Some(ids) if ids.contains(&at.id) => {
                Some(format!("the baseline of {:.0}", self.made_at()))
            }
            Some(_) => None,
            None => Some(format!(
                "the baseline of {:.0}, which does not say what there was of {}",
                self.made_at(),
                at.kind
            )),
        }
    }

    /// When it was made.
    pub fn made_at(&self) -> Timestamp {
        self.place.made_at
    }

    /// How many things it keeps.
    pub fn len(&self) -> usize {
        self.things.values().map(BTreeSet::len).sum()
    }

    /// Whether there was nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// In what the place where it was made differs from this one, if it does. For which tasks does not count, nor does a rule or a
    /// service that only one of both knows: of what the baseline does not know it keeps everything.
    pub fn difference(&self, here: &Place) -> Option<String> {
        let shared = |place: &Place, other: &Place| Place {
            tasks: Vec::new(),
            rules: in_both(&place.rules, &other.rules),
            endpoints: in_both(&place.endpoints, &other.endpoints),
            ..place.clone()
        };
        shared(&self.place, here).difference(&shared(here, &self.place))
    }
}

/// What both have, as the first has it.
fn in_both(
    one: &BTreeMap<String, String>,
    other: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let known = one.iter().filter(|(name, _)| other.contains_key(*name));
    known.map(|(name, it)| (name.clone(), it.clone())).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::plan) fn place() -> Place {
        Place {
            cloud: "prod".to_owned(),
            auth_url: Some("https://keystone.example.org/v3".to_owned()),
            region: None,
            interfaces: Vec::new(),
            endpoints: [("compute".to_owned(), "https://nova.example.org/".to_owned())].into(),
            user: "admin (u1)".to_owned(),
            scope: "project admin".to_owned(),
            rules: [("network".to_owned(), "abc".to_owned())].into(),
            tasks: Vec::new(),
            made_at: "2026-01-02T00:00:00Z".parse().unwrap(),
            version: "runner 0.1.0".to_owned(),
        }
    }

    #[test]
    fn another_place_is_told_and_a_smaller_or_larger_one_is_none() {
        type Change = fn(&mut Place);
        let baseline = Baseline::of(place(), [], []);
        let same: &[Change] = &[
            |_| {},
            |it| it.tasks = vec!["t".to_owned()],
            |it| it.rules.clear(),
            |it| {
                it.rules.insert("image".to_owned(), "def".to_owned());
                it.endpoints
                    .insert("image".to_owned(), "https://glance.example.org/".to_owned());
            },
        ];
        let other: &[Change] = &[
            |it| it.auth_url = Some("https://other.example.org/v3".to_owned()),
            |it| it.region = Some("RegionTwo".to_owned()),
            |it| it.user = "admin (u2)".to_owned(),
            |it| it.scope = "project shop".to_owned(),
            |it| {
                it.rules.insert("network".to_owned(), "def".to_owned());
            },
            |it| {
                let url = "https://nova2.example.org/".to_owned();
                it.endpoints.insert("compute".to_owned(), url);
            },
        ];
        for (changes, is_same) in [(same, true), (other, false)] {
            for change in changes {
                let mut here = place();
                change(&mut here);
                assert_eq!(baseline.difference(&here).is_none(), is_same, "{here:?}");
            }
        }
    }
}
