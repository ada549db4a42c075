//! Each edge of the order, and what is said of blocked things, by named cases.

use super::*;

fn ours(text: &str) -> Seen {
    thing(text).named(OURS)
}

/// What a case is called, its things, and what the plan makes of them.
type Case<'a> = (&'a str, Vec<Seen>, &'a [&'a str]);

fn expect_sequence<'a>(cases: impl IntoIterator<Item = Case<'a>>) {
    for (case, things, expected) in cases {
        assert_eq!(sequence(&plan(things)), expected, "{case}");
    }
}

#[test]
fn order_follows_what_things_say() {
    let (by_id, reversed): (&[&str], &[&str]) = (&["a.x/1", "b.y/1"], &["b.y/1", "a.x/1"]);
    expect_sequence([
        ("by kind and id", vec![ours("b.y/1"), ours("a.x/1")], by_id),
        (
            "before",
            vec![ours("a.x/1"), ours("b.y/1").before("a.x/1")],
            reversed,
        ),
        (
            "after",
            vec![ours("a.x/1").after("b.y/1"), ours("b.y/1")],
            reversed,
        ),
        (
            "through several",
            vec![
                ours("a.x/1").after("c.z/1"),
                ours("b.y/1"),
                ours("c.z/1").after("b.y/1"),
            ],
            &["b.y/1", "c.z/1", "a.x/1"],
        ),
    ]);
}

#[test]
fn order_follows_owners_parents_and_projects() {
    let reversed: &[&str] = &["b.y/1", "a.x/1"];
    let owned = || thing("b.y/1").named_by("a.x/1");
    let late = || thing("a.x/1").named_by("b.y/1");
    expect_sequence([
        (
            "the nameless before its owner",
            vec![ours("a.x/1"), owned()],
            reversed,
        ),
        (
            "a part before its whole",
            vec![ours("a.x/1"), thing("b.y/1").part_of("a.x/1")],
            reversed,
        ),
        (
            "the nameless that says that it goes after",
            vec![late().after("b.y/1"), ours("b.y/1")],
            reversed,
        ),
        (
            "an owner that says that it goes before",
            vec![late(), ours("b.y/1").before("a.x/1")],
            reversed,
        ),
        (
            "before its parent",
            vec![ours("a.x/1"), ours("b.y/1").under("a.x/1")],
            reversed,
        ),
        (
            "the project last",
            vec![ours("identity.project/demo"), ours("z.z/1"), ours("a.x/1")],
            &["a.x/1", "z.z/1", "identity.project/demo"],
        ),
    ]);
}

#[test]
fn what_goes_with_its_owner_says_so() {
    let plan = plan(vec![
        thing("a.x/1").named_by("b.y/1").after("b.y/1"),
        thing("a.x/2").named_by("b.y/1"),
        thing("a.x/3").named(OURS).named_by("b.y/1").after("b.y/1"),
        thing("a.x/4").part_of("b.y/1"),
        thing("a.x/5").named(OURS).part_of("b.y/1").after("b.y/1"),
        thing("a.x/6").named(OURS).part_of("b.y/2").after("b.y/2"),
        thing("b.y/1").named(OURS).before("a.x/4"),
        thing("b.y/2").named("web"),
    ]);
    let with: BTreeMap<String, String> = plan
        .items
        .iter()
        .filter_map(|item| Some((item.thing.to_string(), item.goes_with?)))
        .map(|(thing, owner)| (thing, plan.items[owner].thing.to_string()))
        .collect();
    // A thing with a name of its own is asked to go itself, for nobody knows whether it vanishes; a part does.
    let expected = ["a.x/1", "a.x/4", "a.x/5"].map(|thing| (thing.to_owned(), "b.y/1".to_owned()));
    assert_eq!(with, BTreeMap::from(expected));
    assert_eq!(waits_for(&plan, "b.y/1"), ["a.x/2"]);
}

/// Keypairs are called by their names, and two users may have one of the same.
#[test]
fn two_things_of_one_id_in_two_places_are_two() {
    let key = |user: &str| ours("compute.keypair/k").under(user);
    let (first, second) = (key("identity.user/1"), key("identity.user/2"));
    let plan = plan(vec![first.clone(), second, first]);
    assert_eq!(sequence(&plan), ["compute.keypair/k"; 2]);
    let users: Vec<_> = plan
        .items
        .iter()
        .map(|item| item.seen.clone().unwrap().parent)
        .collect();
    assert_ne!(users[0], users[1]);
}

/// A listener of the task's in a tenant's load balancer: it says that it goes with that, but can go without.
#[test]
fn a_kept_whole_does_not_hold_its_part() {
    let part = || ours("a.x/1").after("b.y/1");
    let whole = || thing("b.y/1").named("web");
    let (free, held): (&[&str], &[&str]) = (&[], &["a.x/1 by b.y/1, kept: other name"]);
    expect_blocked([
        ("a part", vec![part().part_of("b.y/1"), whole()], free),
        ("named by it", vec![part().named_by("b.y/1"), whole()], held),
    ]);
}

fn expect_blocked<'a>(cases: impl IntoIterator<Item = Case<'a>>) {
    for (case, things, expected) in cases {
        assert_eq!(blocked(&plan(things)), expected, "{case}");
    }
}

#[test]
fn what_is_kept_blocks_what_goes_after_it() {
    let network = || ours("network.network/n");
    let port = || thing("network.port/p").named("web");
    let by_port: &[&str] = &["network.network/n by network.port/p, kept: other name"];
    expect_blocked([
        (
            "said by the kept",
            vec![network(), port().before("network.network/n")],
            by_port,
        ),
        (
            "said by the doomed",
            vec![network().after("network.port/p"), port()],
            by_port,
        ),
        (
            "it spreads to what waits for the blocked",
            vec![
                ours("a.x/1").after("b.y/1"),
                ours("b.y/1").after("c.z/1"),
                thing("c.z/1").named("web"),
                ours("d.w/1"),
            ],
            &[
                "b.y/1 by c.z/1, kept: other name",
                "a.x/1 by b.y/1, it is blocked itself",
            ],
        ),
        (
            "a project that holds a stranger's thing",
            vec![ours("identity.project/demo"), thing("a.x/1").named("web")],
            &["identity.project/demo by a.x/1, kept: other name"],
        ),
    ]);
}

#[test]
fn what_is_kept_blocks_nothing_else() {
    let kept = || thing("b.y/1").named("web");
    let nothing: &[&str] = &[];
    expect_blocked([
        (
            "what it goes after",
            vec![ours("a.x/1"), kept().after("a.x/1")],
            nothing,
        ),
        (
            "what it is listed under",
            vec![ours("a.x/1"), kept().under("a.x/1")],
            nothing,
        ),
        (
            "what it is a part of",
            vec![ours("a.x/1"), kept().part_of("a.x/1")],
            nothing,
        ),
        (
            "what names an absent thing",
            vec![ours("a.x/1").after("b.y/9")],
            nothing,
        ),
    ]);
}

/// Deleting the whole would delete the part.
#[test]
fn a_protected_part_holds_its_whole() {
    let scope = SweepScope {
        protected_tags: BTreeSet::from(["keep".to_owned()]),
        ..everywhere()
    };
    let part = || thing("b.y/1").tagged("keep");
    let by_part: &[&str] =
        &["a.x/1 by b.y/1, it would be deleted along (kept: protected by tag keep)"];
    for (case, part, expected) in [
        ("before its whole", part().part_of("a.x/1"), by_part),
        (
            "with its whole",
            part().part_of("a.x/1").after("a.x/1"),
            by_part,
        ),
        ("only named by it", part().named_by("a.x/1"), &[]),
    ] {
        let (plan, _) = plan_in(&scope, vec![ours("a.x/1"), part]);
        assert_eq!(blocked(&plan), expected, "{case}");
    }
}

#[test]
fn only_some_of_many_blockers_are_named() {
    let ports = (0..100).map(|n| thing(&format!("b.y/{n:03}")).named("web").before("a.x/1"));
    let plan = plan(ports.chain([thing("a.x/1").named(OURS)]).collect());
    assert_eq!(item(&plan, "a.x/1").blocked_by.len(), 5);
}

#[test]
fn circles_are_broken_at_their_first_thing_and_nowhere_else() {
    let plan = plan(vec![
        // Waits for the circle and is not in it.
        ours("a.x/0").after("b.y/2"),
        ours("b.y/1").after("b.y/2").after("c.z/1"),
        ours("b.y/2").after("b.y/3"),
        ours("b.y/3").after("b.y/1"),
        // The circle waits for it.
        ours("c.z/1"),
    ]);
    assert_eq!(
        sequence(&plan),
        ["c.z/1", "b.y/1", "b.y/3", "b.y/2", "a.x/0"]
    );
    assert_eq!(waits_for(&plan, "b.y/1"), ["c.z/1"]);
    assert_eq!(waits_for(&plan, "b.y/3"), ["b.y/1"]);
    assert_eq!(waits_for(&plan, "b.y/2"), ["b.y/3"]);
    assert_eq!(waits_for(&plan, "a.x/0"), ["b.y/2"]);
}

#[test]
fn several_circles_are_all_broken() {
    let plan = plan(vec![
        ours("a.x/1").after("a.x/2"),
        ours("a.x/2").after("a.x/1"),
        ours("b.y/1").after("b.y/2").after("a.x/1"),
        ours("b.y/2").after("b.y/1"),
        ours("c.z/1").after("c.z/1"),
    ]);
    assert_eq!(
        sequence(&plan),
        ["c.z/1", "a.x/1", "a.x/2", "b.y/1", "b.y/2"]
    );
    assert_eq!(waits_for(&plan, "b.y/1"), ["a.x/1"]);
}
