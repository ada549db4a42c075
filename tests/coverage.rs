//! What the rule pack covers, `docs/coverage.md`: written from the rules' own declarations, their recorded cases and what the tests on
//! the real OpenStack exercise.
//!
//! `UPDATE_COVERAGE=1 cargo test --test integration coverage` writes it anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use runner::case::{Case, FoundThing};
use runner::guest::{Component, Grants, Sandbox};
use runner::resource::Kind;
use serde::Deserialize;

use crate::support::guests::rule_pack;

const PAGE: &str = "docs/coverage.md";

const INTRODUCTION: &str = "\
# What is covered

<!-- Written by tests/coverage.rs from the rules, their cases and tests/openstack/verified.toml: change these. -->

Every kind of the rule pack. *Listed* says how much one listing shows, and its path; *named by* which fields may hold the
name that counts; *speaks for it* who else does (`part of`: it goes with that whatever it is called); *goes after* what
must be gone before, as far as the recorded cases show it; *takes along* what the service deletes, lets go or breaks beside
it: kinds that can be seen beforehand, by which the plan is made, and then, in words, what nothing shows; *deleted by*
every changing request.

*Verified*: **e2e** on the running service, from survey to verification, in `tests/openstack`; **recorded** on the running
service by hand, and held to its answers since; **source**: not on a running service, but on answers written after its source.

";

/// What the tests on the real OpenStack exercise.
#[derive(Deserialize)]
struct Verified {
    kinds: BTreeSet<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[tokio::test]
async fn the_page_says_what_the_rules_say() {
    let verified = std::fs::read_to_string(root().join("tests/openstack/verified.toml")).unwrap();
    let verified: Verified = toml::from_str(&verified).unwrap();
    let cases = cases();
    let mut page = INTRODUCTION.to_owned();
    let pack = pack().await;
    let kinds: Vec<&Kind> = pack
        .iter()
        .flat_map(|component| component.kinds().iter().map(|kind| &**kind))
        .collect();
    let mut total = 0;
    for component in &pack {
        let service = &component.kinds()[0].service;
        let _ = writeln!(page, "## {service}\n");
        page += "| kind | listed | named by | speaks for it | goes after | takes along | deleted by | verified |\n";
        page += "|---|---|---|---|---|---|---|---|\n";
        for kind in component.kinds() {
            let of_kind: Vec<&Case> = cases
                .iter()
                .filter(|case| case.kind == *kind.name)
                .collect();
            page += &row(kind, &of_kind, &cases, &kinds, &verified);
            total += 1;
        }
        page.push('\n');
    }
    let _ = writeln!(page, "{total} kinds.");
    let file = root().join(PAGE);
    if std::env::var_os("UPDATE_COVERAGE").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&file).unwrap_or_default(),
        page,
        "{PAGE} is not what the rules say: UPDATE_COVERAGE=1 cargo test --test integration coverage"
    );
}

/// A kind that nobody tried is a promise, not a rule: each has a case that lists it, and one in which it is deleted.
#[tokio::test]
async fn each_kind_is_listed_and_deleted_in_a_case() {
    let cases = cases();
    let mut missing = Vec::new();
    for component in pack().await {
        for kind in component.kinds() {
            let of_kind = cases.iter().filter(|case| case.kind == *kind.name);
            let mut things = of_kind.flat_map(|case| &case.things);
            let is_tried = |thing: &FoundThing| thing.delete.is_some() || kind.effects.is_witness;
            if !things.any(is_tried) {
                missing.push(kind.name.clone());
            }
        }
    }
    assert_eq!(
        missing,
        Vec::<Arc<str>>::new(),
        "without a case that deletes one"
    );
}

/// Nothing of a kind's things is shown to its rule but what the rule says that it needs.
#[tokio::test]
async fn each_kind_sees_no_more_than_it_declares() {
    let pack = pack().await;
    let kinds = pack.iter().flat_map(|component| component.kinds());
    let unlimited = kinds.filter(|kind| kind.seen_members().is_none());
    let unlimited: Vec<&str> = unlimited.map(|kind| &*kind.name).collect();
    assert_eq!(unlimited, Vec::<&str>::new(), "see everything but secrets");
}

/// The rules of the pack.
async fn pack() -> Vec<Component> {
    let sandbox = Sandbox::new(None).unwrap();
    let mut pack = Vec::new();
    for file in components() {
        let component = Component::load(&sandbox, &file, &Grants::default()).await;
        pack.push(component.unwrap());
    }
    pack
}

fn components() -> Vec<PathBuf> {
    let files = std::fs::read_dir(rule_pack()).unwrap();
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// The cases of the whole pack.
fn cases() -> Vec<Case> {
    let folders = std::fs::read_dir(root().join("guest-examples/openstack")).unwrap();
    let folders = folders.map(|folder| folder.unwrap().path().join("tests"));
    let files = folders
        .filter(|folder| folder.is_dir())
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> = files.collect();
    files.sort();
    let read = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    };
    files.iter().map(read).collect()
}

fn row(
    kind: &Kind,
    of_kind: &[&Case],
    cases: &[Case],
    kinds: &[&Kind],
    verified: &Verified,
) -> String {
    let code = |text: &str| format!("`{}`", text.replace('|', "\\|"));
    let listed = match listing(of_kind) {
        Some(path) => format!("{}: {}", kind.reach, code(&path)),
        None => kind.reach.to_string(),
    };
    let names: Vec<String> = kind.fields.names.iter().map(|name| code(name)).collect();
    let requests = kind
        .requests
        .iter()
        .map(|request| code(&request.to_string()));
    let requests = requests.collect::<Vec<_>>().join("<br>");
    format!(
        "| {} | {listed} | {} | {} | {} | {} | {} | {} |\n",
        code(&kind.name),
        dash_if_empty(names.join(", ")),
        dash_if_empty(speakers(kind, of_kind)),
        dash_if_empty(firsts(kind, cases)),
        dash_if_empty(taken_along(kind, kinds)),
        dash_if_empty(requests),
        verification(kind, of_kind, verified),
    )
}

fn dash_if_empty(text: String) -> String {
    if text.is_empty() {
        "–".to_owned()
    } else {
        text
    }
}

/// The path that a kind is listed by, without the query, ids left open.
fn listing(of_kind: &[&Case]) -> Option<String> {
    let case = of_kind.first()?;
    let first = case.exchanges.first()?;
    let path = first.request.split(' ').nth(1)?.split('?').next()?;
    Some(match &case.scope {
        runner::case::Scope::Under(parent) => path.replace(&*parent.id, "{parent}"),
        runner::case::Scope::All | runner::case::Scope::Project(_) => path.to_owned(),
    })
}

/// The kinds that speak for things of a kind, and how, as its cases show it; those that only its declaration has come last.
fn speakers(kind: &Kind, of_kind: &[&Case]) -> String {
    let mut shown: BTreeSet<String> = BTreeSet::new();
    for owner in of_kind
        .iter()
        .flat_map(|case| &case.things)
        .flat_map(|thing| &thing.owners)
    {
        let Some((relation, owner)) = owner.split_once(' ') else {
            continue;
        };
        let owner = owner.split('/').next().unwrap_or_default();
        let word = if relation == "part-of" {
            "part of "
        } else {
            ""
        };
        shown.insert(format!("{word}{owner}"));
    }
    let declared: BTreeSet<&str> = kind.owners.iter().map(|field| &*field.kind).collect();
    let unseen = declared
        .into_iter()
        .filter(|owner| !shown.iter().any(|it| it.ends_with(owner)))
        .map(str::to_owned);
    let all: Vec<String> = shown.iter().cloned().chain(unseen).collect();
    all.join(", ")
}

/// The kinds whose things must go before things of a kind, as all cases show it from both sides.
fn firsts(kind: &Kind, cases: &[Case]) -> String {
    let mut firsts: BTreeSet<String> = kind
        .after
        .iter()
        .map(|first| format!("all {first}"))
        .collect();
    for case in cases {
        for step in case.things.iter().flat_map(|thing| &thing.order) {
            let Some((side, other)) = step.split_once(' ') else {
                continue;
            };
            let other = other.split('/').next().unwrap_or_default();
            match side {
                "after" if case.kind == *kind.name => firsts.insert(other.to_owned()),
                "before" if other == &*kind.name => firsts.insert(case.kind.clone()),
                _ => false,
            };
        }
    }
    let firsts: Vec<String> = firsts.into_iter().collect();
    firsts.join(", ")
}

/// What goes along with things of a kind: the kinds that it takes by its own object, those that say so themselves, and what
/// nothing shows.
fn taken_along(kind: &Kind, kinds: &[&Kind]) -> String {
    let takes = kind
        .effects
        .takes
        .iter()
        .map(|taken| match &taken.only_where {
            Some(member) => format!("{} (where `{member}`)", taken.kind),
            None => taken.kind.to_string(),
        });
    let goes_with = |other: &&&Kind| {
        let takers = other.effects.taken_by.iter().chain(&other.effects.made_for);
        takers.into_iter().any(|taker| *taker == kind.name)
    };
    let others = kinds
        .iter()
        .filter(goes_with)
        .map(|other| other.name.to_string());
    let seen: BTreeSet<String> = takes.chain(others).collect();
    let seen: Vec<String> = seen.into_iter().collect();
    let words = kind.effects.beside.join("; ");
    match (seen.is_empty(), words.is_empty()) {
        (_, true) => seen.join(", "),
        (true, false) => words,
        (false, false) => format!("{}; {words}", seen.join(", ")),
    }
}

fn verification(kind: &Kind, of_kind: &[&Case], verified: &Verified) -> String {
    let sources: BTreeSet<&str> = of_kind
        .iter()
        .filter_map(|case| case.written_after.as_deref())
        .collect();
    let is_recorded = of_kind.iter().any(|case| case.written_after.is_none());
    if verified.kinds.contains(&*kind.name) {
        return "e2e".to_owned();
    }
    if is_recorded {
        return "recorded".to_owned();
    }
    let sources: Vec<&str> = sources.into_iter().collect();
    format!("source: {}", sources.join("; "))
}
