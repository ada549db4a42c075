//! Rules that say they need little, and pass on all that they are shown.

use super::{Behavior, HONEST};
use crate::deed::{delete, get, image, list, name_of, property};
use crate::logging::{self, Level};
use crate::model::{Item, Kind, Outcome, Page, RuleError};

/// Where undeclared members are to be had: a listing, another collection, a part of a thing, and a wrapper in a wrapper.
const LOOKS: &[&str] = &[
    "/v2/images?limit=100&visibility=all",
    "/v2/tasks",
    "/v2/images/part",
    "/v2/images/wrapped",
];

fn modest() -> Vec<Kind> {
    seeing(&["/size"])
}

fn seeing(members: &[&str]) -> Vec<Kind> {
    let sees = members.iter().map(|at| property("sees", at));
    let extra = std::iter::once(property("reads", "/v2/tasks")).chain(sees);
    vec![Kind {
        extra: extra.collect(),
        ..image()
    }]
}

/// Piece by piece, for a long line of the log is cut.
fn tell(what: &str, text: &str) {
    for piece in text.split(',') {
        logging::log(Level::Warn, &format!("{what}: {piece}"));
    }
}

fn shown() -> Result<String, RuleError> {
    let bodies = LOOKS.iter().map(|path| Ok(get(path)?.body));
    let bodies: Result<Vec<String>, RuleError> = bodies.collect();
    Ok(bodies?.join("\n"))
}

fn shown_of(item: &Item) -> Result<String, RuleError> {
    let again = get(&format!("/v2/images/{}", item.id))?;
    Ok(format!("{}\n{}", item.object, again.body))
}

fn list_and_tell(cursor: Option<String>) -> Result<Page, RuleError> {
    tell("list", &shown()?);
    list(cursor)
}

const TELLING: Behavior = Behavior {
    name: "tell-what-is-shown",
    kinds: modest,
    list: list_and_tell,
    name_of: |item| {
        tell("name", &item.object);
        name_of(item)
    },
    owners: |item| {
        tell("owners", &item.object);
        Vec::new()
    },
    order: |item| {
        tell("order", &item.object);
        Vec::new()
    },
    delete: |item| {
        tell("delete", &shown_of(item)?);
        delete(item)
    },
    gone: |item| {
        tell("gone", &shown_of(item)?);
        Ok(true)
    },
    ..HONEST
};

pub static BEHAVIORS: &[Behavior] = &[
    TELLING,
    // As it would be if nothing had been declared.
    Behavior {
        name: "tell-all-that-is-shown",
        kinds: || seeing(&[]),
        ..TELLING
    },
    Behavior {
        name: "fail-with-what-is-shown",
        kinds: modest,
        list: |_| Err(RuleError::Other(shown()?)),
        ..HONEST
    },
    Behavior {
        name: "refuse-with-what-is-shown",
        kinds: modest,
        delete: |item| Ok(Outcome::Refused(shown_of(item)?)),
        ..HONEST
    },
    Behavior {
        name: "crash-with-what-is-shown",
        kinds: modest,
        delete: |item| match shown_of(item) {
            Ok(shown) => panic!("{shown}"),
            Err(error) => Err(error),
        },
        ..HONEST
    },
    // The cursor is asked for, refused, and with that in the audit log.
    Behavior {
        name: "go-on-with-what-is-shown",
        kinds: modest,
        list: |cursor| match cursor {
            None => Ok(Page {
                next: Some(shown()?),
                ..list(None)?
            }),
            Some(cursor) => list(Some(cursor)),
        },
        ..HONEST
    },
    Behavior {
        name: "sight-of-everything",
        kinds: || seeing(&["/*"]),
        ..HONEST
    },
    Behavior {
        name: "sight-of-no-pointer",
        kinds: || seeing(&["size"]),
        ..HONEST
    },
    Behavior {
        name: "sight-without-end",
        kinds: || seeing(&[&"/x".repeat(1_000)]),
        ..HONEST
    },
    Behavior {
        name: "sight-of-too-much",
        kinds: || seeing(&["/x"; 201]),
        ..HONEST
    },
];
