//! Ties: what hangs together with a thing, and what its deletion does beside what its request names.

use crate::object::Place;
use crate::{Object, Owner, Step};

/// As [`Place`], with a member that stands beside the id: only where it is true, the place counts.
pub type PlaceIf = (&'static str, &'static str, &'static str);

/// What a row says of it. The row's methods set it, and say what each member means.
#[derive(Clone, Copy)]
pub(crate) struct Ties {
    pub(crate) owners: &'static [Place],
    pub(crate) owners_by: Option<fn(&Object) -> Vec<Owner>>,
    pub(crate) parts_of: &'static [Place],
    pub(crate) part_of_parent: bool,
    pub(crate) goes_with_parent: bool,
    pub(crate) before: &'static [Place],
    pub(crate) after: &'static [Place],
    pub(crate) last_of: &'static [&'static str],
    pub(crate) order_by: Option<fn(&Object) -> Vec<Step>>,
    pub(crate) stays_listed: bool,
    pub(crate) takes: &'static [Place],
    pub(crate) makes: &'static [Place],
    pub(crate) takes_where: &'static [PlaceIf],
    pub(crate) taken_by: &'static [&'static str],
    pub(crate) made_for: &'static [&'static str],
    pub(crate) holds: &'static [&'static str],
    pub(crate) shared_if: &'static [(&'static str, &'static str)],
    pub(crate) refused_if: &'static [(&'static str, &'static str, &'static str)],
    pub(crate) hidden_states: &'static [&'static str],
    pub(crate) nameless_stays: bool,
    pub(crate) gives_its_name: bool,
    pub(crate) is_witness: bool,
    pub(crate) is_container: bool,
    pub(crate) beside: &'static str,
}

impl Ties {
    pub(crate) const NONE: Self = Self {
        owners: &[],
        owners_by: None,
        parts_of: &[],
        part_of_parent: false,
        goes_with_parent: false,
        before: &[],
        after: &[],
        last_of: &[],
        order_by: None,
        stays_listed: false,
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
        gives_its_name: false,
        is_witness: false,
        is_container: false,
        beside: "",
    };
}
