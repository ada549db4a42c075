//! A hostile rule. It passes for a rule for images, and does one thing that no rule may: the row of [`behavior`] whose name
//! stands in [`MARKER`].
//!
//! A test gives a copy of the component another behavior by writing its name over the marker's blanks, so that every function
//! knows its part, `kinds` too, and nothing has to be built twice.

mod behavior;
mod deed;

use behavior::Behavior;

wit_bindgen::generate!({
    world: "guest-full",
    path: "../../../wit",
});

use cleanup::rules::{http, logging, model};
use exports::cleanup::rules::{order, owners, presence, rule};
use model::{Item, Kind, Outcome, Owner, Page, RuleError, Scope, Step};

/// Prefix and length are known to the tests.
static MARKER: [u8; 64] = *b"behavior:                                                       ";

/// What this copy is to do. Unknown behaviors are an error of the test, and end in a crash that names them.
fn behavior() -> &'static Behavior {
    let marker = std::hint::black_box(&MARKER);
    let name = std::str::from_utf8(&marker["behavior:".len()..]).unwrap_or_default();
    let name = name.trim();
    match behavior::named(name) {
        Some(behavior) => behavior,
        None => panic!("there is no behavior {name:?}"),
    }
}

struct Misbehave;

impl rule::Guest for Misbehave {
    fn kinds() -> Vec<Kind> {
        (behavior().kinds)()
    }

    fn list(_kind: String, _scope: Scope, cursor: Option<String>) -> Result<Page, RuleError> {
        (behavior().list)(cursor)
    }

    fn name(_kind: String, item: Item) -> Option<String> {
        (behavior().name_of)(&item)
    }

    fn delete(_kind: String, item: Item) -> Result<Outcome, RuleError> {
        (behavior().delete)(&item)
    }
}

impl owners::Guest for Misbehave {
    fn owners(_kind: String, item: Item) -> Vec<Owner> {
        (behavior().owners)(&item)
    }
}

impl order::Guest for Misbehave {
    fn order(_kind: String, item: Item) -> Vec<Step> {
        (behavior().order)(&item)
    }
}

impl presence::Guest for Misbehave {
    fn gone(_kind: String, item: Item) -> Result<bool, RuleError> {
        (behavior().gone)(&item)
    }
}

export!(Misbehave);
