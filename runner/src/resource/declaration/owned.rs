//! The owners that a rule gives a thing, against what its object carries.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{Flaw, Kind};
use crate::resource::object::values_at;
use crate::resource::{Owner, Thing, ThingRef};

/// So far back from its end an owner's id is looked for in a value: as far as a URL is long.
const REFERENCE_BYTES_MAX: usize = 4_096;

/// Characters of a value that are shown.
const SHOWN_CHARS: usize = 100;

impl Kind {
    /// Checks the owners that a rule gives a thing, against the owner fields of its object. An id may stand there behind a prefix
    /// (`lb-<id>`) or as the end of a URL. The object is looked through once, however many owners there are, and only for what was
    /// said.
    ///
    /// # Errors
    /// For the first that the object does not carry: `Odd` where what it carries may be read in more ways than one, else `Owner`.
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
        let Some(owner) = said.find(is_forged) else {
            return Ok(());
        };
        let fields = self.owners.iter().filter(|it| it.kind == owner.kind);
        let values = fields.flat_map(|field| values_at(object, &field.at));
        let mut odd = values.filter_map(Value::as_str).filter(|it| is_odd(it));
        Err(odd.next().map_or_else(
            || Flaw::Owner {
                thing: thing.at.clone(),
                owner: owner.clone(),
            },
            |value| Flaw::Odd {
                what: "the id of an owner",
                value: value.chars().take(SHOWN_CHARS).collect(),
            },
        ))
    }

    /// Checks the name that a rule gives a thing, against the name fields of its object.
    ///
    /// # Errors
    /// If the object does not carry it: `Odd` where what it carries may be read in more ways than one, else `Name`.
    pub fn check_name(&self, thing: &ThingRef, object: &Value, name: &str) -> Result<(), Flaw> {
        let carried: Vec<&str> = self.names_of(object).collect();
        if carried.contains(&name) {
            return Ok(());
        }
        let odd = carried.iter().find(|it| is_odd(it));
        Err(odd.map_or_else(
            || Flaw::Name {
                thing: thing.clone(),
                name: name.to_owned(),
            },
            |value| Flaw::Odd {
                what: "a name",
                value: value.chars().take(SHOWN_CHARS).collect(),
            },
        ))
    }

    /// What stands in an object's name fields, the preferred one first.
    pub fn names_of<'a>(&'a self, object: &'a Value) -> impl Iterator<Item = &'a str> {
        let names = self.fields.names.iter();
        let names = names.filter_map(|at| self.field(object, at)?.as_str());
        names.filter(|name| !name.is_empty())
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

    /// Strikes out what a value stands for: itself, its last segment as that of a URL, and whatever stands behind a `-`, `/` or `:`
    /// in it. What has the length of nothing that is wanted is not compared.
    fn look_in(&mut self, value: &str) {
        self.strike(value);
        // As a URL is read, for what is written there may be a tenant's: it must not make an honest rule a liar.
        let value = match value.contains("://") {
            true => value.trim_end_matches('/'),
            false => value,
        };
        self.strike(value);
        self.strike(value.rsplit('/').next().unwrap_or_default());
        let first = value.len().saturating_sub(REFERENCE_BYTES_MAX);
        let behind = value.match_indices(['-', '/', ':']).map(|(at, _)| at + 1);
        for from in behind.filter(|from| *from > first) {
            self.strike(value.get(from..).unwrap_or_default());
        }
    }

    fn strike(&mut self, id: &str) {
        if self.lengths.contains(&id.len()) {
            self.ids.remove(id);
        }
    }
}

/// Whether a text may be read in more ways than one: trimmed or not, as a URL or not, with escapes and without. Tenants write such
/// texts, and rules that read them otherwise than the runner does are no liars.
fn is_odd(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.~:/+@ ".contains(c);
    text.contains("://") || text.trim() != text || !text.chars().all(is_plain)
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
        for (whole, id) in [
            ("x://y/", "x://y/"),
            ("http://a/b//", "http://a/b//"),
            ("x://y/", "y"),
            ("a/b/", "a/b/"),
        ] {
            assert!(
                is_carried(whole, id),
                "{whole} is {id} to whoever takes ids as they are"
            );
        }
        assert!(!is_carried("a/b/", "b"), "this is no URL");
        assert!(is_carried("lb-4f-a", "4f-a") && !is_carried("lb-4f-a", "f-a"));
        let long = "x-".repeat(REFERENCE_BYTES_MAX);
        assert!(is_carried(&long, &long) && is_carried(&format!("{long}/b"), "b"));
        let end = "y".repeat(REFERENCE_BYTES_MAX + 1);
        assert!(is_carried(&format!("http://{long}/{end}/"), &end));
    }

    #[test]
    fn what_a_tenant_has_written_oddly_makes_no_liar() {
        let mut kind = super::super::tests::ports();
        kind.fields.names = vec!["/name".to_owned(), "/description".to_owned()];
        let at = ThingRef::new("network.port", "p");
        let thing = |object: &Value| {
            let read = kind.read(&object.to_string(), object, None, "/v2.0/ports");
            read.unwrap()
        };
        for (written, said, is_odd) in [
            ("r1", "r2", false),
            ("lb-r1", "r", false),
            (" r1", "r2", true),
            ("http://a/r1?x", "r1", true),
            ("r\"1", "r1", true),
            ("r\u{e9}1", "r1", true),
            ("r\n1", "r1", true),
        ] {
            let object = json!({"id": "p", "device_id": written, "name": written});
            let owner = Owner {
                relation: crate::resource::Relation::NamedBy,
                owner: ThingRef::new("network.router", said),
            };
            let owned = kind.check_owners(&thing(&object), &object, &[owner]);
            let named = kind.check_name(&at, &object, said);
            for flaw in [owned.unwrap_err(), named.unwrap_err()] {
                assert_eq!(
                    matches!(flaw, Flaw::Odd { .. }),
                    is_odd,
                    "{written}: {flaw}"
                );
            }
        }
    }
}
