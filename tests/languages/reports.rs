//! The same cloud: the same plan, the same deletions and, byte for byte, the same words in all languages.
//!
//! Clouds that start from the same seed have the same ids. Taken out of what a run says is only its own id and how long it took,
//! and of one that deletes, how many requests: how often it looks whether something has gone is a matter of time.

use libtest_mimic::Trial;
use regex::Regex;

use crate::conformance::{Scene, refusal};
use crate::example::{EXAMPLES, Example};

const SEED: u64 = 7;

/// All languages that are there, each compared with Rust.
pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let [rust, others @ ..] = &EXAMPLES;
    let trial = rust.toolkit.trial("reports::are_the_same".to_owned(), || {
        let expected = said(rust);
        for example in others.iter().filter(|it| it.toolkit.is_there()) {
            for ((what, expected), (_, said)) in expected.iter().zip(said(example)) {
                let mut lines = expected.lines().zip(said.lines());
                let first = lines.find(|(expected, said)| expected != said);
                let language = example.name();
                assert!(
                    *expected == said,
                    "{what} of {language} differs: {first:#?}\n{said}"
                );
            }
        }
    });
    std::iter::once(trial)
}

/// What was planned, said and done with a rule: one port goes never, one is refused, all else goes.
fn said(example: &Example) -> Vec<(&'static str, String)> {
    let scene = |further: &[&str], code: i32| {
        let scene = Scene::with(example.rules(), Some(SEED));
        let [busy, denied, ..] = &*scene.ports.named else {
            panic!("two ports");
        };
        scene.refuse_deletion(busy, refusal(409, "It is in use, for \"ever\"."));
        scene.refuse_deletion(denied, refusal(403, "Größer als du darfst."));
        let run = scene.sweep(further);
        run.expect_code(code);
        (scene, run.stdout)
    };
    let (rehearsed, plan) = scene(&["--dry-run", "--show-kept", "-f", "json"], 0);
    assert!(rehearsed.cloud.mutations().is_empty());
    let (done, report) = scene(&["--show-kept", "-f", "json"], 3);
    let (_, for_people) = scene(&["--show-kept"], 3);
    let changes = done.cloud.mutations().into_iter();
    let mut changes: Vec<String> = changes
        .map(|it| format!("{} {} {}\n", it.method, it.path, it.body))
        .collect();
    // What may go side by side goes in any order, and what is refused is tried again.
    changes.sort();
    changes.dedup();
    let without = |pattern: &str, text: &str| {
        let pattern = Regex::new(pattern).expect("a pattern");
        assert!(pattern.is_match(text), "{text}");
        pattern.replace_all(text, "$1 …").into_owned()
    };
    let whose = |report: &str| without(r#"("run":) "[^"]+""#, report);
    let count = r#"("requests.*?":|"seconds":) [0-9.]+"#;
    vec![
        (
            "the plan",
            without(r#"("seconds":) [0-9.]+"#, &whose(&plan)),
        ),
        ("the report", without(count, &whose(&report))),
        (
            "the report for people",
            without(r"(\n)[0-9]+ requests.* s\n", &for_people),
        ),
        ("what was changed", changes.concat()),
    ]
}
