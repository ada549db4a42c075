//! The owners that a rule gives a thing, against what its object carries.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{Flaw, Kind};
use crate::resource::object::values_at;
use crate::resource::{Owner, Thing, ThingRef};

/// Longest value in which an owner's id is looked for: that of a URL.
const REFERENCE_BYTES_MAX: usize = 4_096;

impl Kind {
    /// Checks the owners that a rule gives a thing, against the owner fields of its object. An id may stand there behind a prefix
    /// (`lb-<id>`) or as the end of a URL. The object is looked through once, however many owners there are, and only for what was
    /// said.
    ///
    /// # Errors
    /// `Owner` for the first that the object does not carry.
    pub fn check_owners(
        &self,
        thing: &Thing,
        object: &Value,
        owners: &[Owner],
    ) -> Result<(), Flaw> {
        let said = owners.iter().map(|owner| &owner.owner);
        let said = said.filter(|owner| thing.parent.as_ref() != Some(*owner));
        let mut wanted: HashMap<&str, Wanted<'_>> = HashMap::new();
        for owner in said.clone() {
            wanted.entry(&owner.kind).or_default().add(&owner.id);
        }
        for field in &self.owners {
            if let Some(wanted) = wanted.get_mut(&*field.kind) {
                let values = values_at(object, &field.at).filter_map(Value::as_str);
                values.for_each(|value| wanted.look_in(value));
            }
        }
        let is_forged = |owner: &&ThingRef| {
            let wanted = wanted.get(&*owner.kind);
            wanted.is_some_and(|wanted| wanted.ids.contains(&*owner.id))
        };
        let mut said = said;
        match said.find(is_forged) {
            None => Ok(()),
            Some(owner) => Err(Flaw::Owner {
                thing: thing.at.clone(),
                owner: owner.clone(),
            }),
        }
    }

    /// Whether an object says by an owner field that this is its owner.
    pub(super) fn says_owner(&self, object: &Value, owner: &ThingRef) -> bool {
        let mut wanted = Wanted::default();
        wanted.add(&owner.id);
        let fields = self.owners.iter().filter(|it| it.kind == owner.kind);
        let values = fields.flat_map(|field| values_at(object, &field.at));
        values
            .filter_map(Value::as_str)
            .for_each(|value| wanted.look_in(value));
        wanted.ids.is_empty()
    }
}

/// Ids that are looked for, and not yet found.
#[derive(Default)]
struct Wanted<'a> {
    ids: HashSet<&'a str>,
    lengths: HashSet<usize>,
}

impl<'a> Wanted<'a> {
    fn add(&mut self, id: &'a str) {
        self.ids.insert(id);
        self.lengths.insert(id.len());
    }

    /// Strikes out what a value stands for: itself, and whatever stands behind a `-`, `/` or `:` in it. What is longer than any
    /// reference is none, and what has the length of nothing that is wanted is not compared.
    fn look_in(&mut self, value: &str) {
        // As a URL is read, for what is written there may be a tenant's: it must not make an honest rule a liar.
        let value = match value.contains("://") {
            true => value.trim_end_matches('/'),
            false => value,
        };
        if value.len() > REFERENCE_BYTES_MAX {
            return;
        }
        let behind = value.match_indices(['-', '/', ':']).map(|(at, _)| at + 1);
        let from = std::iter::once(0).chain(behind);
        for from in from.filter(|from| *from < value.len()) {
            if self.lengths.contains(&(value.len() - from))
                && let Some(id) = value.get(from..)
            {
                self.ids.remove(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::id_at;
    use super::*;

    fn is_carried(value: &str, id: &str) -> bool {
        let mut wanted = Wanted::default();
        wanted.add(id);
        wanted.look_in(value);
        wanted.ids.is_empty()
    }

    /// A tenant may write any URL where a service takes free text; rules read its last segment, and so does the runner.
    #[test]
    fn the_end_of_whatever_url_is_carried() {
        for url in [
            "http://a/b",
            "http://a/b/",
            "http://a/b//",
            "http://",
            "://",
            "http:///",
            "x://y?z=/",
        ] {
            let read = id_at("/port_ref", &json!(url)).unwrap();
            let is_carried = read.is_empty() || is_carried(url, &read);
            assert!(is_carried, "{url} ends in {read}");
        }
        assert!(!is_carried("a/b/", "b"), "this is no URL");
        assert!(is_carried("lb-4f-a", "4f-a") && !is_carried("lb-4f-a", "f-a"));
        let long = "-".repeat(REFERENCE_BYTES_MAX + 1);
        assert!(!is_carried(&long, "-"));
    }
}
