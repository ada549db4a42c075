//! Each verdict, by named cases.

use jiff::Timestamp;

use super::*;

/// What a case is called, what the plan says of its first thing, and its things.
type Case<'a> = (&'a str, &'a str, Vec<Seen>);

const MATCHED: &str = "name matches s_rally_0a1b2c3d_… (32 bits of the task id)";

fn expect_words<'a>(cases: impl IntoIterator<Item = Case<'a>>) {
    for (case, expected, things) in cases {
        let subject = things[0].thing.at.clone();
        let (plan, kept) = plan_in(&everywhere(), things);
        assert_eq!(word(&plan, &kept, &subject), expected, "{case}");
    }
}

/// A chain of nameless things, each named by the next, that ends in a thing of the task.
fn chain(links: usize, id: impl Fn(usize) -> String) -> Vec<Seen> {
    let links = (0..links).map(|n| thing(&id(n)).named_by(&id(n + 1)));
    let mut chain: Vec<Seen> = links.collect();
    chain.push(thing(&id(chain.len())).named(OURS));
    chain
}

#[test]
fn names_speak_for_themselves() {
    expect_words([
        ("own name", MATCHED, vec![thing("a.x/1").named(OURS)]),
        (
            "own name with a tail",
            MATCHED,
            vec![thing("a.x/1").named(&format!("{OURS}-suffix"))],
        ),
        (
            "other task",
            "kept: other task",
            vec![thing("a.x/1").named(OTHERS)],
        ),
        (
            "other name",
            "kept: other name",
            vec![thing("a.x/1").named("web")],
        ),
        (
            "nameless and alone",
            "kept: no name and no owner",
            vec![thing("a.x/1")],
        ),
    ]);
}

#[test]
fn owners_speak_for_the_nameless() {
    expect_words([
        (
            "unknown owner",
            "kept: no name and no owner",
            vec![thing("a.x/1").named_by("b.y/9")],
        ),
        (
            "owner",
            "owner b.y/1",
            vec![thing("a.x/1").named_by("b.y/1"), thing("b.y/1").named(OURS)],
        ),
        (
            "owner's owner, across kinds",
            "owner b.y/1 → c.z/1",
            vec![
                thing("a.x/1").named_by("b.y/1"),
                thing("b.y/1").named_by("c.z/1"),
                thing("c.z/1").named(OURS),
            ],
        ),
        (
            "first known owner counts",
            "kept: its owner b.y/1 is kept",
            vec![
                thing("a.x/1")
                    .named_by("b.y/0")
                    .named_by("b.y/1")
                    .named_by("b.y/2"),
                thing("b.y/1").named("web"),
                thing("b.y/2").named(OURS),
            ],
        ),
        (
            "an owner does not overrule a name",
            "kept: other name",
            vec![
                thing("a.x/1").named("web").named_by("b.y/1"),
                thing("b.y/1").named(OURS),
            ],
        ),
        (
            "an owner does not overrule another task",
            "kept: other task",
            vec![
                thing("a.x/1").named(OTHERS).named_by("b.y/1"),
                thing("b.y/1").named(OURS),
            ],
        ),
        (
            "an own name does not need its owner",
            MATCHED,
            vec![
                thing("a.x/1").named(OURS).named_by("b.y/1"),
                thing("b.y/1").named("web"),
            ],
        ),
    ]);
}

#[test]
fn parts_go_with_their_wholes() {
    expect_words([
        (
            "part",
            "part of b.y/1",
            vec![
                thing("a.x/1").named("web").part_of("b.y/1"),
                thing("b.y/1").named(OURS),
            ],
        ),
        (
            "part of a nameless whole",
            "part of b.y/1 → c.z/1",
            vec![
                thing("a.x/1").named(OTHERS).part_of("b.y/1"),
                thing("b.y/1").named_by("c.z/1"),
                thing("c.z/1").named(OURS),
            ],
        ),
        (
            "part of what is kept",
            "kept: other name",
            vec![
                thing("a.x/1").named("web").part_of("b.y/1"),
                thing("b.y/1").named("web"),
            ],
        ),
        (
            "own name in a stranger's whole",
            MATCHED,
            vec![
                thing("a.x/1").named(OURS).part_of("b.y/1"),
                thing("b.y/1").named("web"),
            ],
        ),
        (
            "several wholes, the second goes",
            "part of b.y/2",
            vec![
                thing("a.x/1").part_of("b.y/1").part_of("b.y/2"),
                thing("b.y/1").named("web"),
                thing("b.y/2").named(OURS),
            ],
        ),
        (
            "a whole counts more than an owner",
            "part of b.y/2",
            vec![
                thing("a.x/1").named_by("b.y/1").part_of("b.y/2"),
                thing("b.y/1").named(OURS),
                thing("b.y/2").named(OURS),
            ],
        ),
    ]);
}

#[test]
fn circles_of_owners_decide_nothing() {
    expect_words([
        (
            "circle of owners",
            "kept: its owner b.y/1 is kept",
            vec![
                thing("a.x/1").named_by("b.y/1"),
                thing("b.y/1").named_by("a.x/1"),
            ],
        ),
        (
            "its own owner",
            "kept: its owner a.x/1 is kept",
            vec![thing("a.x/1").named_by("a.x/1")],
        ),
        (
            "circle of parts, one of which has a way out",
            "part of b.y/1 → c.z/1",
            vec![
                thing("a.x/1").part_of("b.y/1"),
                thing("b.y/1").part_of("a.x/1").part_of("c.z/1"),
                thing("c.z/1").named(OURS),
            ],
        ),
    ]);
}

#[test]
fn a_project_speaks_for_the_nameless_in_it() {
    expect_words([
        (
            "project",
            "nameless in identity.project/demo, which matches",
            vec![thing("a.x/1"), thing("identity.project/demo").named(OURS)],
        ),
        (
            "a project takes no strangers",
            "kept: other name",
            vec![
                thing("a.x/1").named("web"),
                thing("identity.project/demo").named(OURS),
            ],
        ),
        (
            "an owner counts more than the project",
            "kept: its owner b.y/1 is kept",
            vec![
                thing("a.x/1").named_by("b.y/1"),
                thing("b.y/1").named("web"),
                thing("identity.project/demo").named(OURS),
            ],
        ),
        (
            "an owner that goes with its project",
            "owner b.y/1 → identity.project/demo",
            vec![
                thing("a.x/1").named_by("b.y/1"),
                thing("b.y/1"),
                thing("identity.project/demo").named(OURS),
            ],
        ),
        (
            "a stranger's project",
            "kept: no name and no owner",
            vec![thing("a.x/1"), thing("identity.project/demo").named("web")],
        ),
    ]);
}

/// What a case is called, its one thing, and what the plan says of it.
type OneThing<'a> = (&'a str, Seen, &'a str);

fn expect_words_in<'a>(scope: &SweepScope, cases: impl IntoIterator<Item = OneThing<'a>>) {
    for (case, seen, expected) in cases {
        let subject = seen.thing.at.clone();
        let (plan, kept) = plan_in(scope, vec![seen]);
        assert_eq!(word(&plan, &kept, &subject), expected, "{case}");
    }
}

fn ours() -> Seen {
    thing("a.x/1").named(OURS)
}

#[test]
fn nothing_goes_outside_the_projects() {
    let narrowed = SweepScope {
        projects: Some(BTreeSet::from(["demo".into()])),
        ..SweepScope::default()
    };
    expect_words_in(
        &narrowed,
        [
            ("inside", ours(), MATCHED),
            (
                "outside",
                ours().of_project("other"),
                "kept: outside the project",
            ),
            (
                "without a project",
                ours().of_no_project(),
                "kept: outside the project",
            ),
        ],
    );
    let with_projectless = SweepScope {
        projectless: true,
        ..narrowed
    };
    let project = thing("identity.project/other").named(OURS);
    expect_words_in(
        &with_projectless,
        [
            ("without a project", ours().of_no_project(), MATCHED),
            (
                "another project itself",
                project,
                "kept: outside the project",
            ),
        ],
    );
}

#[test]
fn nothing_goes_outside_the_age_bounds() {
    let aged = SweepScope {
        created_from: Some("2026-01-02T00:00:00Z".parse::<Timestamp>().unwrap()),
        created_until: Some("2026-01-03T00:00:00Z".parse::<Timestamp>().unwrap()),
        ..everywhere()
    };
    let outside = "kept: outside the age bounds";
    expect_words_in(
        &aged,
        [
            (
                "made at the start",
                ours().made("2026-01-02T00:00:00Z"),
                MATCHED,
            ),
            (
                "made before it",
                ours().made("2026-01-01T23:59:59Z"),
                outside,
            ),
            (
                "made at the end",
                ours().made("2026-01-03T00:00:00Z"),
                outside,
            ),
            ("made nobody knows when", ours(), outside),
        ],
    );
}

#[test]
fn nothing_goes_that_is_protected() {
    let guarded = SweepScope {
        protected_projects: BTreeSet::from(["gold".into()]),
        protected_tags: BTreeSet::from(["keep".to_owned(), "env=prod".to_owned()]),
        ..everywhere()
    };
    let gold = "kept: protected by project gold";
    expect_words_in(
        &guarded,
        [
            (
                "tag",
                ours().tagged("x").tagged("keep"),
                "kept: protected by tag keep",
            ),
            (
                "key and value",
                ours().tagged("env=prod"),
                "kept: protected by tag env=prod",
            ),
            ("another value", ours().tagged("env=test"), MATCHED),
            (
                "tags that nobody sees",
                ours().without_tags(),
                "kept: protected by tags that it does not show",
            ),
            ("in a protected project", ours().of_project("gold"), gold),
            (
                "a protected project itself",
                thing("identity.project/gold").named(OURS),
                gold,
            ),
        ],
    );
}

#[test]
fn scope_bounds_what_owners_take_along() {
    let scope = SweepScope {
        projects: Some(BTreeSet::from(["demo".into()])),
        protected_tags: BTreeSet::from(["keep".to_owned()]),
        ..SweepScope::default()
    };
    let cases = [
        (
            "outside",
            thing("a.x/1").of_project("other").part_of("b.y/1"),
            "kept: outside the project",
        ),
        (
            "protected",
            thing("a.x/1").tagged("keep").named_by("b.y/1"),
            "kept: protected by tag keep",
        ),
        ("inside", thing("a.x/1").named_by("b.y/1"), "owner b.y/1"),
        (
            "says no project",
            thing("a.x/1").of_no_project().part_of("b.y/1"),
            "part of b.y/1",
        ),
    ];
    for (case, seen, expected) in cases {
        let (plan, kept) = plan_in(&scope, vec![seen, thing("b.y/1").named(OURS)]);
        assert_eq!(word(&plan, &kept, &at("a.x/1")), expected, "{case}");
    }
}

/// Sixteen owners are followed, and a chain counts the same whichever of its things comes first in the alphabet.
#[test]
fn chains_are_followed_so_far_and_no_farther() {
    type Naming = fn(usize) -> String;
    let namings: [Naming; 2] = [|n| format!("a.x/{n:02}"), |n| format!("a.x/{:02}", 50 - n)];
    for id in namings {
        let (plan, kept) = plan_in(&everywhere(), chain(18, id));
        let gone: Vec<bool> = (0..=18)
            .map(|n| plan.items.iter().any(|item| item.thing == at(&id(n))))
            .collect();
        let expected: Vec<bool> = (0..=18).map(|n| 18 - n <= 16).collect();
        assert_eq!(gone, expected, "{}", id(0));
        let owner = at(&id(2));
        assert_eq!(
            word(&plan, &kept, &at(&id(1))),
            format!("kept: its owner {owner} is kept")
        );
    }
}

#[test]
fn a_thing_listed_twice_counts_once() {
    let things = vec![thing("a.x/1").named(OURS), thing("a.x/1").named(OURS)];
    let (plan, kept) = plan_in(&everywhere(), things);
    assert_eq!((plan.found, plan.items.len(), kept.len()), (1, 1, 0));
}

#[test]
fn kept_things_are_counted_by_reason() {
    let things = vec![
        thing("a.x/1").named("web"),
        thing("a.x/2").named("db"),
        thing("a.x/3").named(OTHERS),
        thing("a.x/4").named_by("a.x/1"),
        thing("a.x/5").named(OURS),
    ];
    let (plan, _) = plan_in(&everywhere(), things);
    let counts = [("other name", 2), ("other task", 1), ("owner is kept", 1)];
    let counts = counts.map(|(reason, count)| (reason.to_owned(), count));
    assert_eq!(plan.kept, BTreeMap::from(counts));
    assert_eq!(plan.found, 5);
}

/// Volumes do not show their project to whoever sees only one.
#[test]
fn what_does_not_say_its_project_is_in_the_only_one_that_is_seen() {
    let scope = |projects: &[&str]| SweepScope {
        projects: Some(projects.iter().map(|it| Arc::from(*it)).collect()),
        projectless: true,
        protected_projects: BTreeSet::from(["demo".into()]),
        ..SweepScope::default()
    };
    let volume = || vec![thing("a.x/1").named(OURS).of_no_project()];
    let (plan, kept) = plan_in(&scope(&["demo"]), volume());
    assert_eq!(
        word(&plan, &kept, &at("a.x/1")),
        "kept: protected by project demo"
    );
    for others in [&["other"][..], &["demo", "other"]] {
        assert_eq!(sequence(&plan_in(&scope(others), volume()).0), ["a.x/1"]);
    }
}
