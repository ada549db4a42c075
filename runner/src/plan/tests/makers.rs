//! What services call after the thing that they make it for.

use super::doubt::{OUR_PROJECT, PROJECT, kind, open, planned, seen_but};
use super::*;
use crate::resource::KindPattern;

const STACK: &str = "s-rally-0a1b2c3d-abcdef12-isfj3bm6pqf3";
const NETWORK: &str = "s-rally-0a1b2c3d-abcdef12-isfj3bm6pqf3-network-nesfqypzwzsh";

/// A cluster of the task's in its project, the stack that it stands on, and a network of that, by their names alone.
fn cluster_with(stack: Seen, network: Seen) -> Vec<Seen> {
    vec![
        thing("m.cluster/1").named(OURS),
        stack,
        network,
        thing(PROJECT).named(OUR_PROJECT),
    ]
}

fn stack() -> Seen {
    thing("h.stack/1").named(STACK)
}

fn network() -> Seen {
    thing("n.network/1").named(NETWORK)
}

fn plan_of(things: Vec<Seen>) -> (Plan, Vec<Kept>) {
    plan_within(&everywhere(), things)
}

fn plan_within(scope: &SweepScope, things: Vec<Seen>) -> (Plan, Vec<Kept>) {
    let gives = [("gives-its-name", "true")];
    let kinds = [kind("m.cluster", &gives), kind("h.stack", &gives)];
    let coverage = seen_but(&kinds, &things, &[]);
    planned(scope, things, coverage)
}

/// What somebody sees who is no administrator.
fn own_project() -> SweepScope {
    SweepScope {
        projects: Some(["demo".into()].into()),
        ..everywhere()
    }
}

#[test]
fn what_is_called_after_what_goes_is_taken_along_and_holds_nothing() {
    let (plan, _) = plan_of(cluster_with(stack(), network()));
    assert_eq!(blocked(&plan), Vec::<String>::new());
    let reason = |thing: &str| item(&plan, thing).reason.to_string();
    assert_eq!(reason("h.stack/1"), "taken along by m.cluster/1");
    let chain = "taken along by h.stack/1 → m.cluster/1";
    assert_eq!(reason("n.network/1"), chain);
    assert_eq!(waits_for(&plan, "n.network/1"), ["h.stack/1"]);
    assert!(waits_for(&plan, PROJECT).contains(&"n.network/1".to_owned()));
}

/// Heat does not show his own project to who is no administrator, who sees no other. To an administrator it may be any.
#[test]
fn what_shows_no_project_is_called_after_what_does_where_there_is_but_one() {
    let things = || cluster_with(stack().of_no_project(), network());
    let (plan, _) = plan_within(&own_project(), things());
    assert_eq!(open(&plan).len(), 4);
    let (plan, kept) = plan_of(things());
    assert_eq!(word(&plan, &kept, &at("h.stack/1")), "kept: other name");
}

/// Words of twelve letters are all over: `applications`, `certificates`.
#[test]
fn nothing_is_in_a_project_or_of_a_user_because_of_a_name() {
    for tenant in ["identity.project/tenant", "identity.user/tenant"] {
        let things = vec![
            thing("h.stack/1").named("web"),
            thing(PROJECT).named(OUR_PROJECT),
            thing(tenant).named("web-applications").of_no_project(),
            thing("a.server/1").named("db").of_project("tenant"),
        ];
        let scope = SweepScope {
            with_projects: true,
            ..everywhere()
        };
        let (plan, kept) = plan_within(&scope, things);
        let why = word(&plan, &kept, &at(tenant));
        assert_eq!(why, "kept: other name", "{tenant}");
        assert_eq!(word(&plan, &kept, &at("a.server/1")), "kept: other name");
    }
}

/// What only bears such a name is no ground to send requests for others.
#[test]
fn what_hangs_on_what_is_called_after_something_is_asked_for_by_nobody() {
    let server = thing("a.server/1").named("s-rally-0a1b2c3d-abcdef12-loadbalancer");
    let things = vec![
        thing("h.stack/1").named(OURS),
        server,
        thing("b.volume/1").named_by("a.server/1"),
        thing("b.part/1").part_of("a.server/1"),
    ];
    let (plan, _) = plan_of(things);
    for hanging in ["b.volume/1", "b.part/1"] {
        let why = item(&plan, hanging).reason.to_string();
        assert_eq!(why, "taken along by a.server/1 → h.stack/1");
    }
    assert_eq!(plan.remnants(), []);
}

/// Magnum's servers are counted after the stack of their cluster.
#[test]
fn what_was_made_gives_its_whole_name_on() {
    let mut things = cluster_with(stack(), network());
    things.push(thing("a.server/1").named(&format!("{STACK}-master-0")));
    let (plan, _) = plan_of(things);
    assert_eq!(open(&plan).len(), 5);
}

/// What the operator leaves out is taken along by its maker all the same, with what the cloud has made for it.
#[test]
fn what_is_left_out_goes_along_with_what_it_is_called_after() {
    let own = format!("{OURS}-server-nesfqypzwzsh");
    for name in [own.as_str(), NETWORK] {
        let things = vec![
            thing("h.stack/1").named(OURS),
            thing("a.server/1").named(name),
            thing("n.port/1").named_by("a.server/1"),
        ];
        let scope = SweepScope {
            except: vec![KindPattern::parse("a.server").unwrap()],
            ..everywhere()
        };
        let (plan, _) = plan_within(&scope, things);
        assert_eq!(open(&plan).len(), 3, "{name}");
    }
}

#[test]
fn only_the_whole_form_of_such_a_name_counts() {
    for name in [
        "s-rally-0a1b2c3d-abcdef12-network",
        "s-rally-0a1b2c3d-abcdef12-network-nesfqypzwzs",
        "s-rally-0a1b2c3d-abcdef12-network-nesfqypzwzs1",
        "s-rally-0a1b2c3d-abcdef1-network-nesfqypzwzsh",
        "s-rally-0a1b2c3d-abcdef12x-network-nesfqypzwzsh",
        "customer-data",
    ] {
        let (plan, kept) = plan_of(cluster_with(stack(), network().named(name)));
        assert_eq!(open(&plan), ["h.stack/1", "m.cluster/1"], "{name}");
        assert_eq!(word(&plan, &kept, &at("n.network/1")), "kept: other name");
    }
}

/// Whoever says that it must stay, or that another made it, is believed.
#[test]
fn what_is_kept_holds_what_it_is_called_after() {
    let (plan, _) = plan_of(cluster_with(stack(), network().tagged("keep")));
    assert_eq!(open(&plan).len(), 4, "no tag is protected here");
    let scope = SweepScope {
        protected_tags: ["keep".to_owned()].into(),
        ..everywhere()
    };
    let things = cluster_with(stack(), network().tagged("keep"));
    let gives = [("gives-its-name", "true")];
    let kinds = [kind("m.cluster", &gives), kind("h.stack", &gives)];
    let coverage = seen_but(&kinds, &things, &[]);
    let (plan, _) = planned(&scope, things, coverage);
    assert_eq!(open(&plan), Vec::<String>::new());
}

#[test]
fn nothing_is_called_after_a_thing_of_another_project_or_after_two() {
    for (case, others) in [
        ("another project", vec![]),
        ("two of one name", vec![thing("m.cluster/2").named(OURS)]),
    ] {
        let stack = match others.is_empty() {
            true => stack().of_project("others"),
            false => stack(),
        };
        let mut things = cluster_with(stack, network());
        things.extend(others);
        let (plan, kept) = plan_of(things);
        let why = word(&plan, &kept, &at("h.stack/1"));
        assert_eq!(why, "kept: other name", "{case}");
    }
}

#[test]
fn it_takes_the_word_of_the_makers_kind() {
    let things = cluster_with(stack(), network());
    let coverage = seen_but(&[], &things, &[]);
    let (plan, _) = planned(&everywhere(), things, coverage);
    assert_eq!(open(&plan), ["m.cluster/1"]);
}

/// The negative filter takes what bears no name of the task, and a service gives none to what it makes.
#[test]
fn what_was_made_for_something_that_is_kept_stays_with_it() {
    let things = || {
        vec![
            thing("m.cluster/1").named("web").tagged("keep"),
            thing("h.stack/1").named("web-isfj3bm6pqf3"),
            thing("n.network/1").named("web-isfj3bm6pqf3-network-nesfqypzwzsh"),
            thing("n.network/2").named("other"),
        ]
    };
    let scope = |protected_tags: BTreeSet<String>| SweepScope {
        unmatched: true,
        protected_tags,
        ..own_project()
    };
    let protecting = scope(["keep".to_owned()].into());
    let tagged = things().into_iter().map(|seen| match seen.thing.tags {
        Some(_) => seen,
        None => seen.tagged("none"),
    });
    let (plan, kept) = plan_within(&protecting, tagged.collect());
    assert_eq!(open(&plan), ["n.network/2"]);
    let why = |thing: &str| word(&plan, &kept, &at(thing));
    assert_eq!(why("h.stack/1"), "kept: its owner m.cluster/1 is kept");
    assert_eq!(why("n.network/1"), "kept: its owner h.stack/1 is kept");
    let (plan, _) = plan_within(&scope(BTreeSet::new()), things());
    assert_eq!(open(&plan).len(), 4, "what goes takes nothing back");
}
