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

/// What is written over the marker: a behavior, and ` as ` a kind where copies with several behaviors run together.
fn marker() -> (&'static str, Option<&'static str>) {
    let marker = std::hint::black_box(&MARKER);
    let text = std::str::from_utf8(&marker["behavior:".len()..]).unwrap_or_default();
    match text.trim().split_once(" as ") {
        Some((behavior, kind)) => (behavior, Some(kind)),
        None => (text.trim(), None),
    }
}

/// What this copy is to do. Unknown behaviors are an error of the test, and end in a crash that names them.
fn behavior() -> &'static Behavior {
    let (name, _) = marker();
    match behavior::named(name) {
        Some(behavior) => behavior,
        None => panic!("there is no behavior {name:?}"),
    }
}

/// The kind that this copy passes off as its own.
fn kind() -> &'static str {
    let (_, kind) = marker();
    kind.unwrap_or("image.image")
}

/// A constructor, which runs while the component is instantiated.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_START: extern "C" fn() = at_start;

extern "C" fn at_start() {
    (behavior().at_start)();
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
