//! The walls of the house, checked on the source text: which module may know which, and who may touch the outside.
//!
//! `runner/src/lib.rs` draws the floor plan. It is not for this file to forgive: an exception stands in a table, with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Modules, each with those it may use.
const FLOOR_PLAN: &[(&str, &[&str])] = &[
    // Ground: no I/O, no clock, no environment.
    ("name", &[]),
    ("text", &[]),
    ("resource", &["text"]),
    ("rule", &["resource"]),
    ("event", &["resource"]),
    ("plan", &["name", "resource"]),
    ("signature", &[]),
    ("unlooked", &[]),
    ("exit", &[]),
    // Floor 1
    ("audit", &[]),
    ("cloud", &["unlooked"]),
    ("registry", &["cloud"]),
    // Floor 2
    (
        "guest",
        &["audit", "cloud", "resource", "rule", "signature", "text"],
    ),
    // Floor 3
    ("engine", &["event", "plan", "resource", "rule"]),
    ("case", &["audit", "cloud", "guest", "resource", "rule"]),
    ("lock", &["guest", "resource", "signature"]),
    // Floor 4
    (
        "run",
        &[
            "audit", "engine", "event", "exit", "plan", "resource", "rule", "unlooked",
        ],
    ),
    (
        "report",
        &[
            "engine", "event", "plan", "resource", "run", "text", "unlooked",
        ],
    ),
    ("records", &["name", "plan", "resource", "run"]),
    // Floor 5
    (
        "config",
        &[
            "cloud",
            "engine",
            "guest",
            "name",
            "plan",
            "registry",
            "resource",
            "signature",
        ],
    ),
    (
        "cli",
        &[
            "audit",
            "case",
            "cloud",
            "config",
            "engine",
            "event",
            "exit",
            "guest",
            "lock",
            "name",
            "plan",
            "records",
            "registry",
            "report",
            "resource",
            "rule",
            "run",
            "signature",
            "text",
            "unlooked",
        ],
    ),
    ("lib", &[]),
    ("main", &[]),
];

/// What only some modules may say, and which these are.
const WALLS: &[(&str, &[&str])] = &[
    ("wasmtime", &["guest"]),
    ("reqwest", &["cloud"]),
    ("hyper::", &["cloud"]),
    ("hyper_util", &["cloud"]),
    ("oci_spec", &["registry"]),
    ("http_auth", &["registry"]),
    ("docker_credential", &["config"]),
    ("minisign", &["signature"]),
    ("std::env::var", &["cli", "config"]),
    ("std::env::vars", &["cli", "config"]),
    ("std::env::home_dir", &["config"]),
    ("std::env::current_dir", &["config"]),
    ("etcetera::", &["config"]),
    ("std::net", &["cloud"]),
    ("tokio::net", &["cloud"]),
    ("SystemTime", &["audit", "cli", "cloud"]),
    ("Timestamp::now", &["audit", "cli", "cloud"]),
    ("std::process::exit", &["cli"]),
    ("println!", &[]),
];

/// What the ground floor may not say: it does no I/O and knows no time but what it is given.
const NOT_ON_THE_GROUND: &[&str] = &[
    "std::fs",
    "std::io",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "std::time",
    "tokio",
    "tracing",
];

const GROUND: &[&str] = &[
    "name",
    "resource",
    "rule",
    "event",
    "plan",
    "signature",
    "unlooked",
    "exit",
    "text",
];

/// Files longer than [`LINES_MAX`], each with the reason.
const LONG_FILES: &[(&str, &str)] = &[(
    "cloud/wire_tests.rs",
    "tests of one server, which all its cases share",
)];

const LINES_MAX: usize = 600;

/// A file of the library.
struct Source {
    /// As `engine/purge.rs`.
    path: String,
    text: String,
}

impl Source {
    /// The module at the top: `engine`.
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.trim_end_matches(".rs")
    }

    fn is_test(&self) -> bool {
        let is_test = |part: &str| part.trim_end_matches(".rs").ends_with("tests");
        self.path.split('/').any(is_test)
    }

    /// The lines of the product: no comments, and nothing from the tests at the end of the file on.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines
            .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(number, line)| (number + 1, line))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("runner/src")
}

fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    let mut open = vec![root()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder is readable") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = std::fs::read_to_string(&path).expect("the file is readable");
                let path = path.strip_prefix(root()).expect("it is below the root");
                let path = path.to_string_lossy().replace('\\', "/");
                sources.push(Source { path, text });
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(
        sources.len() > 30,
        "the sources are not where this test looks"
    );
    sources
}

/// The modules that a line names by `crate::`, also those in braces: `use crate::{plan, rule::Rule};`.
fn named(line: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        let is_word = |it: &char| it.is_ascii_lowercase() || it.is_ascii_digit() || *it == '_';
        text.trim_start().chars().take_while(is_word).collect()
    };
    let mut named = Vec::new();
    for rest in line.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(list) => named.extend(list.split(',').map(word)),
            None => named.push(word(rest)),
        }
    }
    named.retain(|name| !name.is_empty());
    named
}

fn floor_plan() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let rows = FLOOR_PLAN.iter();
    rows.map(|(module, uses)| (*module, uses.iter().copied().collect()))
        .collect()
}

/// Says all that is wrong at once.
#[track_caller]
fn expect_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn modules_use_what_is_below_them() {
    let plan = floor_plan();
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        let Some(allowed) = plan.get(source.module()) else {
            wrong.push(format!(
                "{}: {} is not in the floor plan",
                source.path,
                source.module()
            ));
            continue;
        };
        for (number, line) in source.code() {
            for other in named(line) {
                if other != source.module() && !allowed.contains(other.as_str()) {
                    wrong.push(format!(
                        "{}:{number}: {} may not use {other}",
                        source.path,
                        source.module()
                    ));
                }
            }
        }
    }
    expect_none(&wrong);
}

/// The table itself allows no two modules to use each other, however indirectly.
#[test]
fn the_floor_plan_has_no_stairs_up_and_down() {
    let mut plan = floor_plan();
    while !plan.is_empty() {
        let ground: BTreeSet<&str> = plan
            .iter()
            .filter(|(_, uses)| uses.is_empty())
            .map(|(module, _)| *module)
            .collect();
        assert!(
            !ground.is_empty(),
            "these use each other: {:?}",
            plan.keys()
        );
        plan.retain(|module, _| !ground.contains(module));
        for uses in plan.values_mut() {
            uses.retain(|module| !ground.contains(module));
        }
    }
}

#[test]
fn walls_are_whole() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        for (number, line) in source.code() {
            for (word, rooms) in WALLS {
                if line.contains(word) && !rooms.contains(&source.module()) {
                    wrong.push(format!(
                        "{}:{number}: only {rooms:?} may say {word}: {line}",
                        source.path
                    ));
                }
            }
        }
    }
    expect_none(&wrong);
}

#[test]
fn the_ground_floor_does_nothing_but_think() {
    let mut wrong = Vec::new();
    let ground = |source: &&Source| GROUND.contains(&source.module()) && !source.is_test();
    for source in sources().iter().filter(ground) {
        for (number, line) in source.code() {
            let words = NOT_ON_THE_GROUND
                .iter()
                .filter(|word| line.contains(**word));
            wrong.extend(words.map(|word| format!("{}:{number}: says {word}", source.path)));
        }
    }
    expect_none(&wrong);
}

#[test]
fn files_are_short_or_have_a_reason() {
    let mut wrong = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        let reason = LONG_FILES.iter().find(|(path, _)| *path == source.path);
        match reason {
            None if lines > LINES_MAX => wrong.push(format!(
                "{} has {lines} lines: split it, or give a reason in LONG_FILES",
                source.path
            )),
            Some(_) if lines <= LINES_MAX => {
                wrong.push(format!(
                    "{} is short now: take it out of LONG_FILES",
                    source.path
                ));
            }
            _ => {}
        }
    }
    for (path, _) in LONG_FILES {
        if !root().join(path).exists() {
            wrong.push(format!("{path} is in LONG_FILES and does not exist"));
        }
    }
    expect_none(&wrong);
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent = sources().into_iter();
    let silent = silent.filter(|source| !source.text.starts_with("//! "));
    let silent: Vec<String> = silent.map(|source| source.path).collect();
    expect_none(&silent);
}

/// The reader of `use` lines, on what it has to understand.
#[test]
fn uses_are_read() {
    let cases: &[(&str, &[&str])] = &[
        ("use crate::plan::Plan;", &["plan"]),
        ("use crate::{plan, rule::Rule};", &["plan", "rule"]),
        (
            "    crate::cloud::Session::new(crate::audit::open())",
            &["cloud", "audit"],
        ),
        ("use crate::Thing;", &[]),
        ("use super::plan;", &[]),
    ];
    for (line, expected) in cases {
        assert_eq!(named(line), *expected, "{line}");
    }
}
