//! What a deletion does beside what its request names: the properties of a kind that the runner plans by.
//!
//! A row points, the runner reads. Everything here is declarative and goes over in `kind.extra`.

use std::collections::BTreeSet;

use crate::model::Property;
use crate::row::{Place, Row};

/// As [`Place`], with a member that stands beside the id: only where it is true, the place counts.
pub type PlaceIf = (&'static str, &'static str, &'static str);

/// What [`Row`] knows of this.
#[derive(Clone, Copy)]
pub(crate) struct Effects {
    takes: &'static [Place],
    makes: &'static [Place],
    takes_where: &'static [PlaceIf],
    taken_by: &'static [&'static str],
    made_for: &'static [&'static str],
    holds: &'static [&'static str],
    shared_if: &'static [(&'static str, &'static str)],
    refused_if: &'static [(&'static str, &'static str, &'static str)],
    hidden_states: &'static [&'static str],
    nameless_stays: bool,
    is_witness: bool,
    is_container: bool,
    beside: &'static str,
}

impl Effects {
    pub(crate) const NONE: Self = Self {
        takes: &[],
        makes: &[],
        takes_where: &[],
        taken_by: &[],
        made_for: &[],
        holds: &[],
        shared_if: &[],
        refused_if: &[],
        hidden_states: &[],
        nameless_stays: false,
        is_witness: false,
        is_container: false,
        beside: "",
    };
}

impl Row {
    /// Its deletion makes the cloud delete the things whose ids stand here.
    pub const fn takes(self, takes: &'static [Place]) -> Self {
        self.with(Effects {
            takes,
            ..self.effects
        })
    }

    /// As `takes`, and the cloud made those for this thing alone: unseen they hold nothing.
    pub const fn makes(self, makes: &'static [Place]) -> Self {
        self.with(Effects {
            makes,
            ..self.effects
        })
    }

    /// As `takes`, but only those elements of an array in which a member beside the id is true:
    /// `("block_storage.volume", "/volumes_attached/*/id", "delete_on_termination")`.
    pub const fn takes_where(self, takes_where: &'static [PlaceIf]) -> Self {
        self.with(Effects {
            takes_where,
            ..self.effects
        })
    }

    /// The cloud deletes it with an owner of one of these kinds. Needless where it is part of that and goes after it.
    pub const fn taken_by(self, taken_by: &'static [&'static str]) -> Self {
        self.with(Effects {
            taken_by,
            ..self.effects
        })
    }

    /// As `taken_by`, and where it has no name, the cloud itself made it for that owner.
    pub const fn made_for(self, made_for: &'static [&'static str]) -> Self {
        self.with(Effects {
            made_for,
            ..self.effects
        })
    }

    /// May stand in the way of things of these kinds, or go with them, where `order_by` or `owners_by` says so: what pointers say
    /// is known already. While it cannot be listed, those do not go.
    pub const fn holds(self, holds: &'static [&'static str]) -> Self {
        self.with(Effects {
            holds,
            ..self.effects
        })
    }

    /// Others use it beyond its project, if what stands at the pointer has this value: `("/shared", "true")`.
    pub const fn shared_if(self, shared_if: &'static [(&'static str, &'static str)]) -> Self {
        self.with(Effects {
            shared_if,
            ..self.effects
        })
    }

    /// The service is known to refuse its deletion, if what stands at the pointer has this value, and for this reason:
    /// `("/protected", "true", "protected")`.
    pub const fn refused_if(
        self,
        refused_if: &'static [(&'static str, &'static str, &'static str)],
    ) -> Self {
        self.with(Effects {
            refused_if,
            ..self.effects
        })
    }

    /// In these values of `/status`, or of what `lingers_unless` reads, it is hidden, and not gone. What forces it ends it.
    pub const fn hidden_states(self, hidden_states: &'static [&'static str]) -> Self {
        self.with(Effects {
            hidden_states,
            ..self.effects
        })
    }

    /// Without a name it goes only with somebody who is known to have it: an owner, or what takes it along.
    pub const fn nameless_stays(self) -> Self {
        self.with(Effects {
            nameless_stays: true,
            ..self.effects
        })
    }

    /// No request deletes it: it says what hangs together, as a role's assignment does.
    pub const fn witness(self) -> Self {
        self.with(Effects {
            is_witness: true,
            ..self.effects
        })
    }

    /// The service deletes it over what is in it.
    pub const fn container(self) -> Self {
        self.with(Effects {
            is_container: true,
            ..self.effects
        })
    }

    /// What its deletion takes along, detaches or invalidates that no listing shows, in words.
    pub const fn beside(self, beside: &'static str) -> Self {
        self.with(Effects {
            beside,
            ..self.effects
        })
    }

    const fn with(self, effects: Effects) -> Self {
        Self { effects, ..self }
    }

    /// All of it, as the contract has it.
    pub(crate) fn properties(&self) -> Vec<Property> {
        let effects = &self.effects;
        let is_own = |template: &&&str| !self.requests.contains(*template);
        let mut forced = texts(self.forced_requests.iter().filter(is_own));
        if forced.is_empty() {
            // What the operator has to insist on may be the ordinary request itself.
            forced = texts(self.forced_requests.last().into_iter());
        }
        let takes = effects
            .takes
            .iter()
            .map(|(kind, at)| format!("{kind} {at}"));
        let makes = effects.makes.iter();
        let makes = makes.map(|(kind, at)| format!("{kind} {at}"));
        let takes_where = effects.takes_where.iter();
        let takes_where =
            takes_where.map(|(kind, at, member)| format!("{kind} {at} where {member}"));
        let shared = effects
            .shared_if
            .iter()
            .map(|(at, value)| format!("{at} {value}"));
        let refused = effects.refused_if.iter();
        let refused = refused.map(|(at, value, why)| format!("{at} {value} {why}"));
        let said = |is_so: bool| is_so.then(|| "true".to_owned());
        let mut properties = Vec::new();
        let mut add = |name: &str, values: Vec<String>| {
            properties.extend(values.into_iter().map(|value| Property {
                name: name.to_owned(),
                value,
            }));
        };
        add("forced-request", forced);
        add("reads", self.further_paths());
        add("sees", self.seen_members());
        add("takes", takes.chain(takes_where).collect());
        add("makes", makes.collect());
        add("taken-by", texts(self.takers().iter()));
        add("made-for", texts(effects.made_for.iter()));
        add("holds", texts(self.held_kinds().iter()));
        add("shared-if", shared.collect());
        add("refused-if", refused.collect());
        add("hidden-state", texts(effects.hidden_states.iter()));
        add(
            "nameless-stays",
            said(effects.nameless_stays).into_iter().collect(),
        );
        add("witness", said(effects.is_witness).into_iter().collect());
        add(
            "container",
            said(effects.is_container).into_iter().collect(),
        );
        add(
            "beside",
            texts([effects.beside].iter().filter(|it| !it.is_empty())),
        );
        properties
    }

    /// The kinds that take it along: those that the row names, and what it is part of and vanishes with.
    fn takers(&self) -> BTreeSet<&'static str> {
        let mut takers: BTreeSet<&str> = self.effects.taken_by.iter().copied().collect();
        let parts = self.parts_of.iter().map(|(whole, _)| *whole);
        takers.extend(parts.filter(|whole| self.after.iter().any(|(first, _)| first == whole)));
        takers.extend(self.whole_by_place().filter(|_| self.goes_with_parent));
        takers
    }

    /// The kinds whose things cannot safely go while this kind is not known: what it must go before, what it goes with, and what
    /// it says itself. What goes of its own accord when a whole goes holds nothing but its place in the order, where it is a mere
    /// witness.
    fn held_kinds(&self) -> BTreeSet<&'static str> {
        let effects = &self.effects;
        let kinds_at = |places: &'static [Place]| places.iter().map(|(kind, _)| *kind);
        let mut held: BTreeSet<&str> = kinds_at(self.before)
            .chain(effects.holds.iter().copied())
            .collect();
        if effects.is_witness {
            return held;
        }
        let after: BTreeSet<&str> = kinds_at(self.after).collect();
        held.extend(kinds_at(self.owners).filter(|owner| after.contains(owner)));
        held.extend(kinds_at(self.parts_of));
        held.extend(effects.taken_by.iter().chain(effects.made_for));
        held.extend(self.whole_by_place());
        held
    }
}

fn texts<'a>(texts: impl Iterator<Item = &'a &'a str>) -> Vec<String> {
    texts.map(|text| (*text).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: Row = Row::new("a.thing", "/things", "/things", &["DELETE /things/{id}"]);

    fn said(row: &Row) -> Vec<String> {
        let properties = row.properties().into_iter();
        properties
            .map(|property| format!("{}: {}", property.name, property.value))
            .collect()
    }

    #[test]
    fn a_row_that_says_nothing_has_no_properties_but_that_it_sees_no_more() {
        assert_eq!(said(&ROW), ["sees: /id"]);
    }

    #[test]
    fn each_method_becomes_the_property_of_the_contract() {
        let row = ROW
            .takes(&[("b.key", "/key_id")])
            .takes_where(&[("b.volume", "/volumes/*/id", "goes_along")])
            .makes(&[("b.key", "/own_key_id")])
            .taken_by(&["b.server"])
            .made_for(&["b.balancer"])
            .holds(&["b.net"])
            .shared_if(&[("/shared", "true")])
            .refused_if(&[("/protected", "true", "it is protected")])
            .hidden_states(&["SOFT_DELETED"])
            .nameless_stays()
            .witness()
            .container()
            .beside("its history")
            .forced_by(&[
                "POST /things/{id}/action {\"force\":null}",
                "DELETE /things/{id}",
            ]);
        assert_eq!(
            said(&row),
            [
                "forced-request: POST /things/{id}/action {\"force\":null}",
                "sees: /id",
                "takes: b.key /key_id",
                "takes: b.volume /volumes/*/id where goes_along",
                "makes: b.key /own_key_id",
                "taken-by: b.server",
                "made-for: b.balancer",
                "holds: b.net",
                "shared-if: /shared true",
                "refused-if: /protected true it is protected",
                "hidden-state: SOFT_DELETED",
                "nameless-stays: true",
                "witness: true",
                "container: true",
                "beside: its history",
            ]
        );
    }

    #[test]
    fn what_a_thing_is_part_of_and_vanishes_with_takes_it_along() {
        const WHOLE: &[Place] = &[("b.whole", "/whole_id")];
        for (row, takers) in [
            (ROW.part_of(WHOLE), vec![]),
            (ROW.owners(WHOLE).after(WHOLE), vec![]),
            (ROW.part_of(WHOLE).after(WHOLE), vec!["b.whole"]),
            (ROW.under_each("b.parent").part_of_parent(), vec![]),
            (
                ROW.under_each("b.parent").goes_with_parent(),
                vec!["b.parent"],
            ),
            (ROW.part_of(WHOLE).taken_by(&["b.whole"]), vec!["b.whole"]),
        ] {
            assert_eq!(row.takers().into_iter().collect::<Vec<_>>(), takers);
        }
    }

    #[test]
    fn a_kind_holds_what_it_goes_before_and_what_it_goes_with() {
        const WHOLE: &[Place] = &[("b.whole", "/whole_id")];
        const OWNER: &[Place] = &[("b.owner", "/owner_id")];
        for (row, held) in [
            (ROW.before(OWNER), vec!["b.owner"]),
            (ROW.owners(OWNER), vec![]),
            (ROW.after(OWNER), vec![]),
            (ROW.owners(OWNER).after(OWNER), vec!["b.owner"]),
            (ROW.part_of(WHOLE), vec!["b.whole"]),
            (ROW.under_each("b.parent"), vec![]),
            (
                ROW.under_each("b.parent").goes_with_parent(),
                vec!["b.parent"],
            ),
            (ROW.under_deleted("b.parent"), vec!["b.parent"]),
            (
                ROW.taken_by(&["b.owner"]).made_for(&["b.whole"]),
                vec!["b.owner", "b.whole"],
            ),
            (
                ROW.under_deleted("b.parent")
                    .part_of(WHOLE)
                    .before(OWNER)
                    .witness(),
                vec!["b.owner"],
            ),
        ] {
            assert_eq!(row.held_kinds().into_iter().collect::<Vec<_>>(), held);
        }
    }
}
