//! What a deletion does beside what its request names: the properties of a kind that the runner plans by.
//!
//! A row points, the runner reads. Everything here is declarative and goes over in `kind.extra`. What a row says twice does not
//! compile: the second would silently take the first one's place.

use std::collections::BTreeSet;

use crate::model::Property;
use crate::object::Place;
use crate::row::Row;
use crate::ties::PlaceIf;

impl Row {
    /// Its deletion makes the cloud delete the things whose ids stand here.
    pub const fn takes(mut self, takes: &'static [Place]) -> Self {
        assert!(self.ties.takes.is_empty(), "said twice");
        self.ties.takes = takes;
        self
    }

    /// As `takes`, and the cloud made those for this thing alone: unseen they hold nothing.
    pub const fn makes(mut self, makes: &'static [Place]) -> Self {
        assert!(self.ties.makes.is_empty(), "said twice");
        self.ties.makes = makes;
        self
    }

    /// As `takes`, but only those elements of an array in which a member beside the id is true:
    /// `("block_storage.volume", "/volumes_attached/*/id", "delete_on_termination")`.
    pub const fn takes_where(mut self, takes_where: &'static [PlaceIf]) -> Self {
        assert!(self.ties.takes_where.is_empty(), "said twice");
        self.ties.takes_where = takes_where;
        self
    }

    /// The cloud deletes it with an owner of one of these kinds. Needless where it is part of that and goes after it.
    pub const fn taken_by(mut self, taken_by: &'static [&'static str]) -> Self {
        assert!(self.ties.taken_by.is_empty(), "said twice");
        self.ties.taken_by = taken_by;
        self
    }

    /// As `taken_by`, and where it has no name, the cloud itself made it for that owner.
    pub const fn made_for(mut self, made_for: &'static [&'static str]) -> Self {
        assert!(self.ties.made_for.is_empty(), "said twice");
        self.ties.made_for = made_for;
        self
    }

    /// May stand in the way of things of these kinds, or go with them, where `order_by` or `owners_by` says so: what pointers say
    /// is known already. While it cannot be listed, those do not go.
    pub const fn holds(mut self, holds: &'static [&'static str]) -> Self {
        assert!(self.ties.holds.is_empty(), "said twice");
        self.ties.holds = holds;
        self
    }

    /// Others use it beyond its project, if what stands at the pointer has this value: `("/shared", "true")`.
    pub const fn shared_if(mut self, shared_if: &'static [(&'static str, &'static str)]) -> Self {
        assert!(self.ties.shared_if.is_empty(), "said twice");
        self.ties.shared_if = shared_if;
        self
    }

    /// The service is known to refuse its deletion, if what stands at the pointer has this value, and for this reason:
    /// `("/protected", "true", "protected")`.
    pub const fn refused_if(
        mut self,
        refused_if: &'static [(&'static str, &'static str, &'static str)],
    ) -> Self {
        assert!(self.ties.refused_if.is_empty(), "said twice");
        self.ties.refused_if = refused_if;
        self
    }

    /// In these values of `/status`, or of what `lingers_unless` reads, it is hidden, and not gone. What forces it ends it.
    pub const fn hidden_states(mut self, hidden_states: &'static [&'static str]) -> Self {
        assert!(self.ties.hidden_states.is_empty(), "said twice");
        self.ties.hidden_states = hidden_states;
        self
    }

    /// Without a name it goes only with somebody who is known to have it: an owner, or what takes it along.
    pub const fn nameless_stays(mut self) -> Self {
        self.ties.nameless_stays = true;
        self
    }

    /// What the service makes for it is called after it, with a random end of twelve letters or digits. That is no name of its own:
    /// it goes along, and holds nothing.
    pub const fn gives_its_name(mut self) -> Self {
        self.ties.gives_its_name = true;
        self
    }

    /// No request deletes it: it says what hangs together, as a role's assignment does.
    pub const fn witness(mut self) -> Self {
        self.ties.is_witness = true;
        self
    }

    /// The service deletes it over what is in it.
    pub const fn container(mut self) -> Self {
        self.ties.is_container = true;
        self
    }

    /// What its deletion takes along, detaches or invalidates that no listing shows, in words.
    pub const fn beside(mut self, beside: &'static str) -> Self {
        assert!(self.ties.beside.is_empty(), "said twice");
        self.ties.beside = beside;
        self
    }

    /// All of it, as the contract has it.
    pub(crate) fn properties(&self) -> Vec<Property> {
        let ties = &self.ties;
        let takes = ties.takes.iter().map(|(kind, at)| format!("{kind} {at}"));
        let makes = ties.makes.iter();
        let makes = makes.map(|(kind, at)| format!("{kind} {at}"));
        let takes_where = ties.takes_where.iter();
        let takes_where =
            takes_where.map(|(kind, at, member)| format!("{kind} {at} where {member}"));
        let shared = ties
            .shared_if
            .iter()
            .map(|(at, value)| format!("{at} {value}"));
        let refused = ties.refused_if.iter();
        let refused = refused.map(|(at, value, why)| format!("{at} {value} {why}"));
        let said = |is_so: bool| is_so.then(|| "true".to_owned());
        let mut properties = Vec::new();
        let mut add = |name: &str, values: Vec<String>| {
            properties.extend(values.into_iter().map(|value| Property {
                name: name.to_owned(),
                value,
            }));
        };
        add("forced-request", self.requests.only_forced());
        add("reads", self.further_paths());
        add("sees", self.seen_members());
        add("takes", takes.chain(takes_where).collect());
        add("makes", makes.collect());
        add("taken-by", texts(self.takers().iter()));
        add("made-for", texts(ties.made_for.iter()));
        add("holds", texts(self.held_kinds().iter()));
        add("shared-if", shared.collect());
        add("refused-if", refused.collect());
        add("hidden-state", texts(ties.hidden_states.iter()));
        add(
            "nameless-stays",
            said(ties.nameless_stays).into_iter().collect(),
        );
        add(
            "gives-its-name",
            said(ties.gives_its_name).into_iter().collect(),
        );
        add("witness", said(ties.is_witness).into_iter().collect());
        add("container", said(ties.is_container).into_iter().collect());
        add(
            "beside",
            texts([ties.beside].iter().filter(|it| !it.is_empty())),
        );
        properties
    }

    /// The kinds that take it along: those that the row names, and what it is part of and vanishes with.
    fn takers(&self) -> BTreeSet<&'static str> {
        let mut takers: BTreeSet<&str> = self.ties.taken_by.iter().copied().collect();
        let parts = self.ties.parts_of.iter().map(|(whole, _)| *whole);
        takers
            .extend(parts.filter(|whole| self.ties.after.iter().any(|(first, _)| first == whole)));
        takers.extend(self.whole_by_place().filter(|_| self.ties.goes_with_parent));
        takers
    }

    /// The kinds whose things cannot safely go while this kind is not known: what it must go before, what it goes with, and what
    /// it says itself. What goes of its own accord when a whole goes holds nothing but its place in the order, where it is a mere
    /// witness.
    fn held_kinds(&self) -> BTreeSet<&'static str> {
        let ties = &self.ties;
        let kinds_at = |places: &'static [Place]| places.iter().map(|(kind, _)| *kind);
        let mut held: BTreeSet<&str> = kinds_at(self.ties.before)
            .chain(ties.holds.iter().copied())
            .collect();
        if ties.is_witness {
            return held;
        }
        let after: BTreeSet<&str> = kinds_at(self.ties.after).collect();
        held.extend(kinds_at(self.ties.owners).filter(|owner| after.contains(owner)));
        held.extend(kinds_at(self.ties.parts_of));
        held.extend(ties.taken_by.iter().chain(ties.made_for));
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

    const ROW: Row = Row::rest("a.thing", "/things");

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
            .gives_its_name()
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
                "gives-its-name: true",
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
