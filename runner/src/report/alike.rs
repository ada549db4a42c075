//! Listings that failed alike: one administrator's missing role makes hundreds of them, and a person wants to read it once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use crate::engine::ListingFailure;

/// Kinds and scopes that a line names.
const NAMED_MAX: usize = 6;

/// What makes two answers differ that say the same: ids of requests, of things and of projects.
static IDS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\breq-[0-9a-f-]{36}\b|\b[0-9a-f]{32}\b|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
    )
    .ok()
});

/// The cause of a failed listing, without what differs from one listing to the next: who asked, for what, and where.
pub(super) fn cause(scope: &str, why: &str) -> String {
    let said = why.strip_prefix("rule ").and_then(|rest| {
        let (about, cause) = rest.split_once(": ")?;
        about.contains(", list of ").then_some(cause)
    });
    let cause = said.unwrap_or(why);
    let place = scope.rsplit(' ').next().unwrap_or_default();
    let cause = match place {
        "" | "everywhere" | "again" => cause.to_owned(),
        place => cause
            .replace(&format!("`{place}`"), "…")
            .replace(place, "…"),
    };
    match &*IDS {
        Some(ids) => ids.replace_all(&cause, "…").into_owned(),
        None => cause,
    }
}

/// The listings that failed, one line for each cause: which kinds, where, and why.
pub(super) fn lines(failures: &[ListingFailure]) -> Vec<String> {
    let mut alike: BTreeMap<String, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for ListingFailure { kind, scope, why } in failures {
        let (kinds, scopes) = alike.entry(cause(scope, why)).or_default();
        kinds.insert(&**kind);
        scopes.insert(&**scope);
    }
    let lines = alike.into_iter().map(|(cause, (kinds, scopes))| {
        format!("{} {}: {cause}", some_of(&kinds), some_of(&scopes))
    });
    lines.collect()
}

/// The first of many, and how many more there are.
fn some_of(names: &BTreeSet<&str>) -> String {
    let named: Vec<&str> = names.iter().copied().take(NAMED_MAX).collect();
    let more = names.len() - named.len();
    match more {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: &str, scope: &str, why: &str) -> ListingFailure {
        ListingFailure {
            kind: kind.into(),
            scope: scope.to_owned(),
            why: why.to_owned(),
        }
    }

    #[test]
    fn what_failed_alike_is_said_once() {
        let denied = |kind: &str, project: &str| {
            let why = format!(
                "rule openstack_x, list of {kind}: denied: no token for project `{project}`"
            );
            failure(kind, &format!("in project {project}"), &why)
        };
        let failures = [denied("a.y", "1"), denied("a.x", "2"), denied("a.x", "1")];
        assert_eq!(
            lines(&failures),
            ["a.x, a.y in project 1, in project 2: denied: no token for project …"]
        );
    }

    #[test]
    fn what_failed_otherwise_has_its_own_line() {
        let failures = [
            failure(
                "a.x",
                "everywhere",
                "unavailable: 503 (req-0a1b2c3d-1111-4222-8333-444455556666)",
            ),
            failure(
                "a.y",
                "everywhere",
                "unavailable: 503 (req-0a1b2c3d-1111-4222-8333-444455557777)",
            ),
            failure("a.z", "everywhere", "interrupted"),
        ];
        assert_eq!(
            lines(&failures),
            [
                "a.z everywhere: interrupted",
                "a.x, a.y everywhere: unavailable: 503 (…)"
            ]
        );
    }

    #[test]
    fn a_line_names_a_few_of_many() {
        let failures: Vec<_> = (0..64)
            .map(|n| failure("a.x", &format!("in project p{n:02}"), "403"))
            .collect();
        let expected = "a.x in project p00, in project p01, in project p02, in project p03, in project p04, \
            in project p05 and 58 more: 403";
        assert_eq!(lines(&failures), [expected]);
    }
}
