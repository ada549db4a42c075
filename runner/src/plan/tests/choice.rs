//! What an operator chooses: it goes, with what hangs on it, and everything else stays and holds.

use super::*;

fn choosing(choice: Choice) -> SweepScope {
    SweepScope {
        choice,
        ..everywhere()
    }
}

fn names(text: &str) -> Choice {
    Choice {
        names: vec![vec![NamePattern::parse(text).unwrap()]],
        ..Choice::default()
    }
}

fn ids(all: &[&str]) -> Choice {
    let ids = all.iter().map(|text| IdPattern::parse(text).unwrap());
    Choice {
        ids: vec![ids.collect()],
        ..Choice::default()
    }
}

/// Two of the task's things with what hangs on them, and a tenant's thing.
fn two() -> Vec<Seen> {
    vec![
        thing("a.x/1").named(OURS),
        thing("a.x/2").named("s_rally_0a1b2c3d_QqQqQqQq"),
        thing("b.y/1").named_by("a.x/1"),
        thing("b.y/2").named_by("a.x/2"),
        thing("c.z/1").named("web").part_of("a.x/1"),
        thing("c.z/2").named("web"),
    ]
}

#[test]
fn what_is_chosen_goes_with_what_hangs_on_it() {
    for choice in [names("*AbCdEf12"), ids(&["a.x/1"])] {
        let (plan, kept) = plan_in(&choosing(choice), two());
        let mut going = sequence(&plan);
        going.sort();
        assert_eq!(going, ["a.x/1", "b.y/1", "c.z/1"]);
        assert_eq!(plan.kept["not selected"], 1);
        assert_eq!(
            word(&plan, &kept, &at("b.y/2")),
            "kept: its owner a.x/2 is kept"
        );
        assert_eq!(word(&plan, &kept, &at("c.z/2")), "kept: other name");
    }
    let (plan, kept) = plan_in(&choosing(names("*AbCdEf12")), two());
    assert_eq!(
        word(&plan, &kept, &at("a.x/2")),
        "kept: not selected: its name does not fit --name *AbCdEf12"
    );
    let (plan, kept) = plan_in(&choosing(ids(&["1"])), two());
    assert_eq!(
        word(&plan, &kept, &at("a.x/2")),
        "kept: not selected: its id is none of those given by --id"
    );
}

#[test]
fn an_id_gives_nobodys_thing_away() {
    let (plan, kept) = plan_in(&choosing(ids(&["c.z/2"])), two());
    assert_eq!(sequence(&plan), [""; 0]);
    assert_eq!(word(&plan, &kept, &at("c.z/2")), "kept: other name");
}

#[test]
fn what_is_not_chosen_holds_what_would_destroy_it() {
    let things = || {
        vec![
            thing("a.x/1").named(OURS).taking("b.y/1").after("b.y/2"),
            thing("b.y/1").named("s_rally_0a1b2c3d_QqQqQqQq"),
            thing("b.y/2").named("s_rally_0a1b2c3d_QqQqQqQq"),
        ]
    };
    assert_eq!(plan(things()).open().count(), 3);
    let (narrowed, _) = plan_in(&choosing(ids(&["a.x/1", "b.y/2"])), things());
    assert_eq!(
        blocked(&narrowed),
        [
            "a.x/1 by b.y/1, it would be deleted along (kept: not selected: its id is none of those given by --id)"
        ]
    );
    let (narrowed, _) = plan_in(&choosing(ids(&["a.x/1", "b.y/1"])), things());
    assert_eq!(
        blocked(&narrowed),
        ["a.x/1 by b.y/2, kept: not selected: its id is none of those given by --id"]
    );
}

#[test]
fn a_part_is_kept_by_its_name_and_holds_its_whole() {
    let choice = Choice {
        not_names: vec![NamePattern::parse("we?").unwrap()],
        ..Choice::default()
    };
    let (plan, kept) = plan_in(&choosing(choice), two());
    assert_eq!(
        word(&plan, &kept, &at("c.z/1")),
        "kept: protected by its name, which fits --not-name we?"
    );
    assert!(!item(&plan, "a.x/1").blocked_by.is_empty());
    assert!(item(&plan, "a.x/2").blocked_by.is_empty());
}

#[test]
fn tags_choose_among_what_shows_them() {
    let tags = |all: &[&str]| Choice {
        tags: all
            .iter()
            .map(|tag| TagPattern::parse(tag).unwrap())
            .collect(),
        ..Choice::default()
    };
    let things = || {
        vec![
            thing("a.x/1").named(OURS).tagged("owner=ci").tagged("old"),
            thing("a.x/2").named(OURS).tagged("owner=me"),
            thing("a.x/3").named(OURS),
            thing("a.x/4").named(OURS).without_tags(),
        ]
    };
    for (choice, expected) in [
        (tags(&["owner"]), &["a.x/1", "a.x/2"][..]),
        (tags(&["owner=ci"]), &["a.x/1"]),
        (tags(&["owner", "old"]), &["a.x/1"]),
        (tags(&["new"]), &[]),
    ] {
        assert_eq!(sequence(&plan_in(&choosing(choice), things()).0), expected);
    }
}

#[test]
fn with_the_negative_filter_what_has_no_name_goes_only_if_it_is_chosen() {
    let things = || {
        vec![
            thing("a.x/1").named("tmp-1"),
            thing("a.x/2").named("web"),
            thing("a.x/3"),
            thing("b.y/1").named_by("a.x/1"),
        ]
    };
    let unmatched = |choice| SweepScope {
        unmatched: true,
        projects: Some(BTreeSet::from(["demo".into()])),
        ..choosing(choice)
    };
    assert_eq!(
        plan_in(&unmatched(Choice::default()), things())
            .0
            .items
            .len(),
        4
    );
    let (plan, kept) = plan_in(&unmatched(names("tmp-*")), things());
    let mut going = sequence(&plan);
    going.sort();
    assert_eq!(going, ["a.x/1", "b.y/1"]);
    assert_eq!(
        word(&plan, &kept, &at("a.x/3")),
        "kept: not selected: it has no name that could fit --name tmp-*"
    );
    let (plan, _) = plan_in(&unmatched(ids(&["3"])), things());
    assert_eq!(sequence(&plan), ["a.x/3"]);
}

#[test]
fn ids_that_nothing_has_are_known() {
    let choice = ids(&["1", "a.x/2", "b.y/7", "c.z/2", "9"]);
    let things: Vec<ThingRef> = two().into_iter().map(|seen| seen.thing.at).collect();
    let absent: Vec<String> = choice
        .absent(&things)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(absent, ["9", "b.y/7"]);
    assert_eq!(Choice::default().absent(&things), []);
}

#[test]
fn what_was_there_stays_and_so_does_what_the_baseline_does_not_know() {
    let kinds: Vec<Arc<str>> = vec!["a.x".into(), "c.z".into()];
    let there = ["a.x/2", "c.z/2", "d.w/1"].map(at);
    let baseline = Baseline::of(crate::plan::baseline::tests::place(), &kinds, &there);
    assert_eq!(baseline.len(), 2);
    let choice = Choice {
        baselines: vec![Arc::new(baseline)],
        ..Choice::default()
    };
    let mut things = two();
    things.push(thing("d.w/1").named(OURS));
    let (plan, kept) = plan_in(&choosing(choice.clone()), things.clone());
    let mut going = sequence(&plan);
    going.sort();
    assert_eq!(going, ["a.x/1", "c.z/1"]);
    let said = |thing: &str| word(&plan, &kept, &at(thing));
    assert_eq!(
        said("a.x/2"),
        "kept: protected by the baseline of 2026-01-02T00:00:00Z"
    );
    let unknown = "kept: protected by the baseline of 2026-01-02T00:00:00Z, which does not say what there was of";
    assert_eq!(said("d.w/1"), format!("{unknown} d.w"));
    assert_eq!(said("b.y/1"), format!("{unknown} b.y"));
    // The negative filter takes what is new, too, and nothing else.
    let unmatched = SweepScope {
        unmatched: true,
        projects: Some(BTreeSet::from(["demo".into()])),
        ..choosing(choice)
    };
    things.push(thing("c.z/3").named("web"));
    let (plan, _) = plan_in(&unmatched, things);
    assert_eq!(sequence(&plan), ["c.z/3"]);
}

#[test]
fn two_conditions_are_both_meant() {
    let both = names("*AbCdEf12").and(ids(&["a.x/2"])).and(names("s_*"));
    assert_eq!(sequence(&plan_in(&choosing(both), two()).0), [""; 0]);
    let both = names("*AbCdEf12").and(ids(&["1"])).and(names("s_*"));
    assert!(sequence(&plan_in(&choosing(both), two()).0).contains(&"a.x/1".to_owned()));
}
