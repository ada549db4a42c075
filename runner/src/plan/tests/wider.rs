//! What widens, narrows or turns round a sweep: projects with all that is in them, kinds, the negative filter; and who may not speak
//! for a thing.

use super::*;
use crate::resource::KindPattern;

/// What a plan says of each of its things, in the order of kinds and ids.
fn words(scope: &SweepScope, things: Vec<Seen>) -> Vec<String> {
    let mut all: Vec<ThingRef> = things.iter().map(|seen| seen.thing.at.clone()).collect();
    all.sort();
    let (plan, kept) = plan_in(scope, things);
    let words = all
        .iter()
        .map(|it| format!("{it}: {}", word(&plan, &kept, it)));
    words.collect()
}

fn patterns(texts: &[&str]) -> Vec<KindPattern> {
    let patterns = texts.iter().map(|text| KindPattern::parse(text).unwrap());
    patterns.collect()
}

fn a_project_with_others_things() -> Vec<Seen> {
    vec![
        thing("identity.project/demo").named("c_rally_0a1b2c3d_AbCdEf12"),
        thing("a.x/1").named("web"),
        thing("a.x/2").named(OTHERS),
        thing("a.x/3"),
        thing("a.x/4").named_by("a.x/1"),
        thing("a.x/5").named("web").of_project("other"),
        thing("a.x/6").named("web").of_no_project(),
    ]
}

#[test]
fn a_project_keeps_what_is_not_the_tasks_and_stays() {
    let (plan, _) = plan_in(&everywhere(), a_project_with_others_things());
    assert_eq!(
        blocked(&plan),
        [
            "a.x/3 by a.x/3, it goes only if identity.project/demo goes, which stays",
            "identity.project/demo by a.x/1, kept: other name",
            "identity.project/demo by a.x/2, kept: other task",
            "identity.project/demo by a.x/4, kept: its owner a.x/1 is kept",
        ]
    );
}

#[test]
fn with_projects_all_that_is_in_one_goes_before_it() {
    let scope = SweepScope {
        with_projects: true,
        ..everywhere()
    };
    let with = "in identity.project/demo, which goes with all that is in it";
    assert_eq!(
        words(&scope, a_project_with_others_things()),
        [
            format!("a.x/1: {with}"),
            format!("a.x/2: {with}"),
            "a.x/3: nameless in identity.project/demo, which matches".to_owned(),
            format!("a.x/4: {with}"),
            "a.x/5: kept: other name".to_owned(),
            "a.x/6: kept: other name".to_owned(),
            "identity.project/demo: name matches c_rally_0a1b2c3d_… (32 bits of the task id)"
                .to_owned(),
        ]
    );
    let (plan, _) = plan_in(&scope, a_project_with_others_things());
    assert_eq!(blocked(&plan), Vec::<String>::new());
    assert_eq!(sequence(&plan).last().unwrap(), "identity.project/demo");
    assert!(plan.items.iter().all(|item| {
        item.seen
            .as_ref()
            .is_some_and(|seen| !seen.object.is_empty())
    }));
}

#[test]
fn what_is_protected_stays_in_a_project_that_would_go_with_all() {
    let scope = SweepScope {
        with_projects: true,
        protected_tags: BTreeSet::from(["keep".to_owned()]),
        ..everywhere()
    };
    let mut things = a_project_with_others_things();
    things.push(thing("a.x/7").named("web").tagged("keep"));
    let (plan, _) = plan_in(&scope, things);
    assert_eq!(
        blocked(&plan),
        [
            "a.x/1 by a.x/1, it goes only if identity.project/demo goes, which stays",
            "a.x/2 by a.x/2, it goes only if identity.project/demo goes, which stays",
            "a.x/3 by a.x/3, it goes only if identity.project/demo goes, which stays",
            "a.x/4 by a.x/4, it goes only if identity.project/demo goes, which stays",
            "identity.project/demo by a.x/7, kept: protected by tag keep",
        ]
    );
}

#[test]
fn kinds_that_are_left_out_stay_and_block_what_needs_them_gone() {
    let things = || {
        vec![
            thing("a.x/1").named(OURS),
            thing("b.y/1").named_by("a.x/1").before("c.z/1"),
            thing("c.z/1").named(OURS),
        ]
    };
    let only = SweepScope {
        only: patterns(&["b.*"]),
        ..everywhere()
    };
    assert_eq!(
        words(&only, things()),
        [
            "a.x/1: kept: kind left out",
            // What is left out stays, so it speaks for nobody.
            "b.y/1: kept: its owner a.x/1 is kept",
            "c.z/1: kept: kind left out",
        ]
    );
    let except = SweepScope {
        except: patterns(&["b.y"]),
        ..everywhere()
    };
    let (plan, _) = plan_in(&except, things());
    assert_eq!(sequence(&plan), ["a.x/1", "c.z/1"]);
    assert_eq!(blocked(&plan), ["c.z/1 by b.y/1, kept: kind left out"]);
}

#[test]
fn a_part_of_a_kind_that_is_left_out_is_not_taken_along() {
    let scope = SweepScope {
        except: patterns(&["a.part"]),
        ..everywhere()
    };
    let things = vec![
        thing("a.part/1").part_of("a.whole/1").after("a.whole/1"),
        thing("a.whole/1").named(OURS),
    ];
    let (plan, _) = plan_in(&scope, things);
    assert_eq!(
        blocked(&plan),
        ["a.whole/1 by a.part/1, it would be deleted along (kept: kind left out)"]
    );
}

#[test]
fn the_negative_filter_takes_what_bears_no_name_of_the_task() {
    let scope = SweepScope {
        unmatched: true,
        projects: Some(BTreeSet::from(["demo".into()])),
        ..SweepScope::default()
    };
    let things = vec![
        thing("a.x/1").named(OURS),
        thing("a.x/2").named(OTHERS),
        thing("a.x/3").named("web"),
        thing("a.x/4").named("web").of_project("other"),
        thing("a.x/5").named("web").of_no_project(),
        thing("b.y/1").named_by("a.x/1"),
        thing("b.y/2").named_by("a.x/3"),
        thing("b.y/3"),
        thing("b.y/4").named_by_the_cloud(),
        thing("c.z/1").named("www").part_of("a.x/1"),
        thing("c.z/2").named("www").part_of("a.x/3"),
        thing("c.z/3").part_of("a.x/3").of_no_project(),
        thing("c.z/4").named_by("c.z/5"),
        thing("c.z/5").named_by("c.z/4"),
        thing("identity.project/demo").named("web").part_of("a.x/3"),
    ];
    assert_eq!(
        words(&scope, things),
        [
            "a.x/1: kept: name matches",
            "a.x/2: no name of the task",
            "a.x/3: no name of the task",
            "a.x/4: kept: outside the project",
            "a.x/5: kept: other name",
            "b.y/1: kept: its owner a.x/1 is kept",
            "b.y/2: owner a.x/3",
            "b.y/3: no name of the task",
            "b.y/4: kept: named by the cloud",
            "c.z/1: kept: its owner a.x/1 is kept",
            "c.z/2: part of a.x/3",
            "c.z/3: part of a.x/3",
            "c.z/4: kept: its owner c.z/5 is kept",
            "c.z/5: kept: its owner c.z/4 is kept",
            "identity.project/demo: kept: other name",
        ]
    );
}

#[test]
fn what_would_take_a_spared_part_along_stays() {
    let scope = SweepScope {
        unmatched: true,
        projects: Some(BTreeSet::from(["demo".into()])),
        ..SweepScope::default()
    };
    let things = vec![
        thing("a.part/1").named(OURS).part_of("a.whole/1"),
        thing("a.whole/1").named("web"),
    ];
    let (plan, _) = plan_in(&scope, things);
    assert_eq!(
        blocked(&plan),
        ["a.whole/1 by a.part/1, it would be deleted along (kept: name matches)"]
    );
}

#[test]
fn nobody_of_another_project_speaks_for_a_thing() {
    let things = || {
        vec![
            thing("a.image/1").named(OURS),
            thing("b.server/1").named("web").part_of("a.image/1"),
            thing("b.server/2")
                .named_by("a.image/1")
                .of_project("other"),
            thing("b.server/3")
                .named("web")
                .part_of("a.image/1")
                .of_project("other"),
            thing("b.server/4").named_by("a.image/1").of_no_project(),
        ]
    };
    assert_eq!(
        words(&everywhere(), things()),
        [
            "a.image/1: name matches s_rally_0a1b2c3d_… (32 bits of the task id)".to_owned(),
            "b.server/1: part of a.image/1".to_owned(),
            "b.server/2: kept: no name and no owner".to_owned(),
            "b.server/3: kept: other name".to_owned(),
            "b.server/4: owner a.image/1".to_owned(),
        ]
    );
}
