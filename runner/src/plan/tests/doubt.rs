//! The law of doubt, case by case: what goes only because something else goes, what nobody saw, and what would be taken along.

use super::*;
use crate::resource::{Kind, KindPattern, ListScope, Parent, Reach};

pub(super) const PROJECT: &str = "identity.project/demo";
pub(super) const OUR_PROJECT: &str = "c_rally_0a1b2c3d_AbCdEf12";

/// A kind with these properties.
pub(super) fn kind(name: &str, properties: &[(&str, &str)]) -> Arc<Kind> {
    let mut effects = crate::resource::Effects::default();
    for (property, value) in properties {
        assert!(effects.declare(property, value).unwrap());
    }
    Arc::new(Kind {
        name: name.into(),
        service: "scripted".to_owned(),
        reach: Reach::Projects,
        fields: crate::resource::Fields::default(),
        owners: Vec::new(),
        after: Vec::new(),
        requests: Vec::new(),
        reads: Vec::new(),
        sees: Vec::new(),
        failed_states: Vec::new(),
        effects,
    })
}

/// What was looked at: these kinds are known, and all but those with a gap were listed whole.
pub(super) fn seen_but(
    kinds: &[Arc<Kind>],
    things: &[Seen],
    gaps: &[(&str, ListScope)],
) -> Coverage {
    let mut coverage = Coverage::of(kinds.iter().cloned());
    let kinds = kinds.iter().map(|kind| kind.name.clone());
    let listed = things.iter().map(|seen| seen.thing.at.kind.clone());
    for kind in kinds.chain(listed) {
        if gaps.iter().all(|(gap, _)| **gap != *kind) {
            coverage.note_whole(kind);
        }
    }
    for (gap, scope) in gaps {
        coverage.note_gap((*gap).into(), scope.clone());
    }
    coverage
}

pub(super) fn planned(
    scope: &SweepScope,
    things: Vec<Seen>,
    coverage: Coverage,
) -> (Plan, Vec<Kept>) {
    Plan::new(
        inventory_of(things, scope, coverage),
        scope.clone(),
        BTreeMap::new(),
    )
}

/// What would be tried: all that is doomed and not blocked.
pub(super) fn open(plan: &Plan) -> Vec<String> {
    let mut open: Vec<String> = plan
        .open()
        .map(|(_, item)| item.thing.to_string())
        .collect();
    open.sort();
    open
}

#[test]
fn what_goes_only_because_something_goes_stays_with_it() {
    let tenant = || thing("a.server/1").named("web");
    let project = || thing(PROJECT).named(OUR_PROJECT);
    for (case, things) in [
        (
            "a part of the project",
            vec![thing("a.credential/1").named("ci").part_of(PROJECT)],
        ),
        ("nameless in the project", vec![thing("a.volume/1")]),
        (
            "nameless of a nameless in the project",
            vec![
                thing("a.volume/1"),
                thing("a.backup/1").named_by("a.volume/1"),
            ],
        ),
    ] {
        let things = || [things.clone(), vec![project()]].concat();
        assert_eq!(plan(things()).blocked().count(), 0, "{case}");
        let held = plan([things(), vec![tenant()]].concat());
        assert_eq!(open(&held), Vec::<String>::new(), "{case}");
    }
}

#[test]
fn what_goes_with_any_of_two_goes_with_the_one_that_goes() {
    let things = vec![
        thing("a.user/1").named(OURS),
        thing("a.user/2").named(OURS),
        thing("a.trust/1").part_of("a.user/1").part_of("a.user/2"),
        thing("b.x/1").named("web").before("a.user/1"),
    ];
    let plan = plan(things);
    assert_eq!(open(&plan), ["a.trust/1", "a.user/2"]);
    assert_eq!(
        item(&plan, "a.trust/1").reason.to_string(),
        "part of a.user/2"
    );
}

#[test]
fn two_things_do_not_hold_each_other_up() {
    let things = vec![
        thing("a.x/1").named_by("b.y/1").part_of(PROJECT),
        thing("b.y/1").named_by("a.x/1"),
        thing(PROJECT).named(OUR_PROJECT),
        thing("c.z/1").named("web"),
    ];
    assert_eq!(open(&plan(things)), Vec::<String>::new());
}

#[test]
fn an_owner_that_nobody_could_look_up_is_unknown() {
    let things = || {
        vec![
            thing("a.port/1").named_by("b.server/1"),
            thing(PROJECT).named(OUR_PROJECT),
        ]
    };
    let unknown =
        "kept: it names b.server/1, which no listing showed, and b.server was not listed whole";
    let narrowed = Coverage::of(Vec::new());
    let all = seen_but(&[kind("b.server", &[])], &things(), &[]);
    let failed = seen_but(
        &[kind("b.server", &[])],
        &things(),
        &[("b.server", ListScope::All)],
    );
    for (case, coverage, expected) in [
        (
            "listed whole",
            all,
            "nameless in identity.project/demo, which matches",
        ),
        ("failed", failed, unknown),
        ("no rule, or not listed everywhere", narrowed, unknown),
    ] {
        for with_projects in [false, true] {
            let scope = SweepScope {
                with_projects,
                ..everywhere()
            };
            let (plan, kept) = planned(&scope, things(), coverage.clone());
            assert_eq!(word(&plan, &kept, &at("a.port/1")), expected, "{case}");
        }
    }
}

#[test]
fn the_negative_filter_keeps_what_an_unknown_owner_may_speak_for() {
    let scope = SweepScope {
        unmatched: true,
        projects: Some(BTreeSet::from(["demo".into()])),
        ..everywhere()
    };
    let things = || {
        vec![
            thing("a.port/1").named_by("b.server/1"),
            thing("a.disk/1").part_of("b.server/1"),
        ]
    };
    let failed = seen_but(
        &[kind("b.server", &[])],
        &things(),
        &[("b.server", ListScope::All)],
    );
    assert_eq!(
        open(&planned(&scope, things(), failed).0),
        Vec::<String>::new()
    );
}

#[test]
fn a_gap_holds_what_its_things_may_hold_and_only_near_it() {
    let kinds = [
        kind("a.port", &[("holds", "b.network")]),
        kind("b.network", &[]),
        kind("c.x", &[]),
    ];
    let things = || {
        vec![
            thing("b.network/1").named(OURS),
            thing("b.network/2").named(OURS).of_project("other"),
            thing("c.x/1").named(OURS),
            thing(PROJECT).named(OUR_PROJECT),
            thing("identity.project/other").named(OUR_PROJECT),
        ]
    };
    let in_demo = ListScope::Project("demo".into());
    for (case, scope, expected) in [
        ("everywhere", ListScope::All, &["c.x/1"][..]),
        (
            "in one project",
            in_demo,
            &["b.network/2", "c.x/1", "identity.project/other"],
        ),
    ] {
        let coverage = seen_but(&kinds, &things(), &[("a.port", scope)]);
        assert_eq!(
            open(&planned(&everywhere(), things(), coverage).0),
            expected,
            "{case}"
        );
    }
}

#[test]
fn a_gap_under_a_thing_holds_that_thing() {
    let kinds = [
        kind("a.record", &[("holds", "b.zone")]),
        kind("b.zone", &[]),
    ];
    let things = || {
        vec![
            thing("b.zone/1").named(OURS),
            thing("b.zone/2").named(OURS).of_project("other"),
        ]
    };
    let parent = Parent {
        at: at("b.zone/1"),
        project: Some("demo".into()),
    };
    let coverage = seen_but(&kinds, &things(), &[("a.record", ListScope::Under(parent))]);
    assert_eq!(
        open(&planned(&everywhere(), things(), coverage).0),
        ["b.zone/2"]
    );
}

#[test]
fn what_nobody_looked_into_holds_containers_alone() {
    let things = || {
        vec![
            thing("a.x/1").named(OURS),
            thing("identity.user/1").named(OURS),
            thing(PROJECT).named(OUR_PROJECT),
        ]
    };
    let mut coverage = whole(&things());
    coverage.note_unlooked("compute in RegionTwo was not looked at".to_owned());
    let (plan, _) = planned(&everywhere(), things(), coverage);
    assert_eq!(open(&plan), ["a.x/1"]);
    let why = "nobody can say whether it is empty: compute in RegionTwo was not looked at";
    assert_eq!(item(&plan, PROJECT).blocked_by[0].why, why);
}

#[test]
fn what_is_kept_and_would_be_taken_along_holds_what_takes_it() {
    let kinds = [
        kind("a.port", &[("made-for", "b.server")]),
        kind("b.server", &[]),
    ];
    let server = || thing("b.server/1").named(OURS).taking("c.volume/1");
    for (case, scope, other, expected) in [
        (
            "a tenant's volume",
            everywhere(),
            thing("c.volume/1").named("web"),
            &[][..],
        ),
        (
            "a nameless volume of nobody",
            everywhere(),
            thing("c.volume/1"),
            &[],
        ),
        (
            "a volume of the task",
            everywhere(),
            thing("c.volume/1").named(OURS),
            &["b.server/1", "c.volume/1"],
        ),
        (
            "a renamed port",
            everywhere(),
            thing("a.port/1").named("web").named_by("b.server/1"),
            &[],
        ),
        (
            "a nameless port",
            everywhere(),
            thing("a.port/1").named_by("b.server/1").after("b.server/1"),
            &["a.port/1", "b.server/1"],
        ),
    ] {
        let mut things = vec![server(), other];
        if case.ends_with("port") {
            things[0].foreseen.takes.clear();
        }
        let coverage = seen_but(&kinds, &things, &[]);
        assert_eq!(
            open(&planned(&scope, things, coverage).0),
            expected,
            "{case}"
        );
    }
}

#[test]
fn what_the_cloud_made_does_not_hold_its_owner_where_its_kind_is_left_out() {
    let kinds = [
        kind("a.port", &[("made-for", "b.server")]),
        kind("b.server", &[]),
    ];
    let scope = SweepScope {
        except: vec![KindPattern::parse("a.port").unwrap()],
        ..everywhere()
    };
    let port = || {
        thing("a.port/1")
            .named_by("b.server/1")
            .after("b.server/1")
            .before("c.network/1")
    };
    let things = |port: Seen| {
        vec![
            port,
            thing("b.server/1").named(OURS),
            thing("c.network/1").named(OURS),
        ]
    };
    for (case, port, expected) in [
        (
            "nameless",
            port(),
            &["a.port/1", "b.server/1", "c.network/1"][..],
        ),
        ("named", port().named("web"), &[]),
    ] {
        let things = things(port);
        let coverage = seen_but(&kinds, &things, &[]);
        let (plan, _) = planned(&scope, things, coverage);
        assert_eq!(open(&plan), expected, "{case}");
        if case == "nameless" {
            assert_eq!(
                item(&plan, "a.port/1").reason.to_string(),
                "taken along by b.server/1"
            );
        }
    }
}

#[test]
fn what_nobody_saw_and_would_be_taken_along_holds_too() {
    let things = || vec![thing("b.server/1").named(OURS).taking("c.volume/9")];
    let volumes = kind("c.volume", &[]);
    let all = seen_but(std::slice::from_ref(&volumes), &things(), &[]);
    assert_eq!(
        open(&planned(&everywhere(), things(), all).0),
        ["b.server/1"]
    );
    let failed = seen_but(&[volumes], &things(), &[("c.volume", ListScope::All)]);
    assert_eq!(
        open(&planned(&everywhere(), things(), failed).0),
        Vec::<String>::new()
    );
}

#[test]
fn a_nameless_key_goes_only_with_the_volume_that_takes_it() {
    let kinds = [
        kind(
            "k.secret",
            &[("nameless-stays", "true"), ("taken-by", "c.volume")],
        ),
        kind("c.volume", &[]),
    ];
    let project = || thing(PROJECT).named(OUR_PROJECT);
    let keyed = |volume: Seen| vec![thing("k.secret/1"), volume.taking("k.secret/1"), project()];
    for (case, things, expected) in [
        ("of nobody", vec![thing("k.secret/1"), project()], &[][..]),
        (
            "of a kept volume",
            keyed(thing("c.volume/1").named("web")),
            &[],
        ),
        (
            "of a volume that goes",
            keyed(thing("c.volume/1").named(OURS)),
            &["c.volume/1", PROJECT, "k.secret/1"],
        ),
    ] {
        let coverage = seen_but(&kinds, &things, &[]);
        assert_eq!(
            open(&planned(&everywhere(), things, coverage).0),
            expected,
            "{case}"
        );
    }
}

/// The key was made for this volume alone. Where nobody can list keys, encrypted volumes go all the same.
#[test]
fn an_unseen_key_does_not_hold_its_volume() {
    let kinds = [
        kind(
            "k.secret",
            &[("nameless-stays", "true"), ("taken-by", "c.volume")],
        ),
        kind("c.volume", &[("makes", "k.secret /key")]),
    ];
    let volume = || thing("c.volume/1").named(OURS);
    let failed = &[("k.secret", ListScope::All)][..];
    for (case, known, gaps, things, expected) in [
        (
            "no rule for keys",
            &kinds[1..],
            &[][..],
            vec![volume().making("k.secret/1")],
            &["c.volume/1"][..],
        ),
        (
            "keys not listed",
            &kinds[..],
            failed,
            vec![volume().making("k.secret/1")],
            &["c.volume/1"],
        ),
        (
            "keys not listed, and it has none",
            &kinds[..],
            failed,
            vec![volume()],
            &["c.volume/1"],
        ),
        (
            "a key that somebody named",
            &kinds[..],
            &[],
            vec![
                volume().making("k.secret/1"),
                thing("k.secret/1").named("web"),
            ],
            &[],
        ),
    ] {
        let coverage = seen_but(known, &things, gaps);
        let (plan, _) = planned(&everywhere(), things, coverage);
        assert_eq!(open(&plan), expected, "{case}");
    }
}

#[test]
fn what_others_use_stays_in_a_project_that_goes_with_all() {
    let shared = || {
        let mut seen = thing("a.image/1").named("golden");
        seen.foreseen.is_shared = true;
        seen
    };
    for (shared_too, expected) in [(false, &[][..]), (true, &["a.image/1", PROJECT])] {
        let scope = SweepScope {
            with_projects: true,
            shared: shared_too,
            ..everywhere()
        };
        let things = vec![shared(), thing(PROJECT).named(OUR_PROJECT)];
        let (plan, kept) = plan_in(&scope, things);
        assert_eq!(open(&plan), expected);
        if !shared_too {
            let why = "kept: others use it, beyond its project";
            assert_eq!(word(&plan, &kept, &at("a.image/1")), why);
        }
    }
}

#[test]
fn a_known_refusal_is_planned_as_one_unless_the_operator_insists() {
    let mut image = thing("a.image/1").named(OURS);
    image.foreseen.refused = Some("it is protected".to_owned());
    let (plan, _) = plan_in(&everywhere(), vec![image]);
    assert_eq!(
        item(&plan, "a.image/1").blocked_by[0].why,
        "the service refuses: it is protected"
    );
}

#[test]
fn a_witness_that_stays_holds_what_it_ties() {
    let kinds = [kind("i.assignment", &[("witness", "true")])];
    let role = || thing("i.role/1").named(OURS);
    let held_by = |user: &str| thing("i.assignment/1").part_of(user).before("i.role/1");
    for (case, user, expected) in [
        ("a tenant", thing("i.user/1").named("alice"), &[][..]),
        (
            "a user of the task",
            thing("i.user/1").named(OURS),
            &["i.role/1", "i.user/1"],
        ),
    ] {
        let things = vec![role(), held_by("i.user/1"), user];
        let coverage = seen_but(&kinds, &things, &[]);
        let (plan, kept) = planned(&everywhere(), things, coverage);
        assert_eq!(open(&plan), expected, "{case}");
        assert!(kept.iter().all(|kept| &*kept.thing.kind != "i.assignment"));
    }
}

/// A part that bears the task's name goes where its whole cannot.
#[test]
fn a_part_of_its_own_name_does_not_stay_with_its_whole() {
    let things = vec![
        thing("a.whole/1").named(OURS),
        thing("a.part/1")
            .named(OURS)
            .part_of("a.whole/1")
            .after("a.whole/1"),
        thing("b.x/1").named("web").before("a.whole/1"),
    ];
    let plan = plan(things);
    assert_eq!(open(&plan), ["a.part/1"]);
    assert_eq!(item(&plan, "a.part/1").waits_for, Vec::<usize>::new());
}

#[test]
fn of_two_sights_of_a_thing_the_last_counts_and_what_one_keeps_is_kept() {
    let twice = |first: Seen, second: Seen| plan_in(&everywhere(), vec![first, second]);
    for (from, to) in [(OURS, OTHERS), (OTHERS, OURS), (OURS, "web"), ("web", OURS)] {
        let (plan, kept) = twice(thing("a.x/1").named(from), thing("a.x/1").named(to));
        assert_eq!(sequence(&plan), Vec::<String>::new(), "{from}, then {to}");
        assert_eq!(kept.len(), 1, "{from}, then {to}");
    }
    let (plan, _) = plan_in(
        &everywhere(),
        vec![
            thing("a.x/1").named(OURS),
            thing("a.x/2").named(OTHERS),
            thing("b.y/1").named_by("a.x/1"),
            thing("b.y/1").named_by("a.x/2"),
        ],
    );
    assert_eq!(sequence(&plan), ["a.x/1"]);
}

/// Swift's containers are unique in their projects, Neutron's ports in the cloud.
#[test]
fn ids_are_unique_within_what_they_are_unique_within() {
    let mut boxes = Kind::clone(&kind("a.box", &[]));
    boxes.reach = Reach::EachProject;
    let mut objects = Kind::clone(&kind("a.object", &[]));
    objects.reach = Reach::UnderEach("a.box".into());
    let ports = kind("b.port", &[]);
    let all = SweepScope::default();
    let project = |seen: Seen, project: &str| seen.of_project(project);
    let object = || {
        thing("a.object/1")
            .under("a.box/logs")
            .part_of("a.box/logs")
    };
    let things = vec![
        project(thing("a.box/logs").named(OURS), "one"),
        project(thing("a.box/logs").named(OURS), "two"),
        project(object(), "one"),
        project(thing("b.port/1").named(OURS), "one"),
        // It has moved while the listing began again.
        project(thing("b.port/1").named("mine"), "two"),
    ];
    let coverage = Coverage::of([boxes.into(), objects.into(), ports]);
    let inventory = inventory_of(things, &all, coverage);
    assert_eq!(inventory.len(), 4);
    let (plan, _) = Plan::new(inventory, all, BTreeMap::new());
    assert_eq!(blocked(&plan), [""; 0]);
    let mut items: Vec<String> = sequence(&plan);
    items.sort();
    assert_eq!(items, ["a.box/logs", "a.box/logs", "a.object/1"]);
    assert!(
        item(&plan, "a.object/1")
            .reason
            .to_string()
            .contains("part of a.box/logs")
    );
}
