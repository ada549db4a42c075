//! The survey: every kind where it can be, page by page; what a listing that fails means for the plan.

use std::collections::BTreeSet;

use super::*;

/// A kind of every reach.
fn kinds() -> Vec<Kind> {
    vec![
        with_reach("cloud.flavor", Reach::Cloud),
        with_reach("identity.project", Reach::Cloud),
        with_reach("identity.user", Reach::Cloud),
        kind("net.port"),
        with_reach("quota.set", Reach::EachProject),
        with_reach("user.key", Reach::UnderEach("identity.user".into())),
        with_reach("zone.record", Reach::UnderDeleted("zone.zone".into())),
        with_reach("record.note", Reach::UnderEach("zone.record".into())),
        kind("zone.zone"),
    ]
}

fn cloud() -> ScriptedCloud {
    let nowhere = |text: &str| thing(text).of_project(None);
    ScriptedCloud::with([
        nowhere("identity.project/demo"),
        nowhere("identity.project/other"),
        nowhere("identity.user/me"),
        nowhere("identity.user/you"),
        ours("zone.zone/1"),
        thing("zone.zone/2").named("web"),
        ours("zone.record/1").under("zone.zone/1"),
        thing("zone.record/2").under("zone.zone/2"),
        ours("record.note/1").under("zone.record/1"),
    ])
}

async fn listed(reachable: Reachable) -> (BTreeMap<String, Vec<String>>, Vec<(String, String)>) {
    let cloud = cloud();
    let script = Script {
        reachable,
        ..script([cloud.rule("scripted", kinds())])
    };
    let stage = script.on(&cloud);
    let survey = stage.engine.survey(&stage.sieve).await;
    assert_eq!(survey.failures, []);
    let listed = kinds().into_iter().map(|kind| {
        let mut scopes = cloud.listed(&kind.name);
        scopes.sort();
        (kind.name.to_string(), scopes)
    });
    let skipped = stage.events().into_iter().filter_map(|event| match event {
        Event::KindSkipped { kind, why } => Some((kind.to_string(), why)),
        _ => None,
    });
    (listed.collect(), skipped.collect())
}

fn expected(scopes: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let owned = |scopes: &[&str]| scopes.iter().map(|it| (*it).to_owned()).collect();
    let scopes = scopes.iter();
    scopes
        .map(|(kind, scopes)| ((*kind).to_owned(), owned(scopes)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_administrator_lists_everywhere() {
    let (listed, skipped) = listed(Reachable {
        is_admin: true,
        projects: None,
        user: Some("me".into()),
    })
    .await;
    assert_eq!(
        listed,
        expected(&[
            ("cloud.flavor", &["everywhere"]),
            ("identity.project", &["everywhere"]),
            ("identity.user", &["everywhere"]),
            ("net.port", &["everywhere"]),
            ("quota.set", &["in project demo", "in project other"]),
            (
                "user.key",
                &["under identity.user/me", "under identity.user/you"]
            ),
            ("zone.zone", &["everywhere"]),
            // Only what is to go is looked into.
            ("zone.record", &["under zone.zone/1"]),
            ("record.note", &["under zone.record/1"]),
        ])
    );
    assert_eq!(skipped, []);
}

#[tokio::test(start_paused = true)]
async fn a_narrowed_administrator_lists_everywhere_what_may_be_in_the_way() {
    let projects = BTreeSet::from(["demo".into(), "third".into()]);
    let (listed, skipped) = listed(Reachable {
        is_admin: true,
        projects: Some(projects),
        user: Some("me".into()),
    })
    .await;
    let both: &[&str] = &["in project demo", "in project third"];
    assert_eq!(
        listed,
        expected(&[
            ("cloud.flavor", &[]),
            ("identity.project", &[]),
            ("identity.user", &[]),
            ("net.port", &["everywhere"]),
            ("quota.set", both),
            ("user.key", &[]),
            ("zone.zone", &["everywhere"]),
            ("zone.record", &["under zone.zone/1"]),
            ("record.note", &["under zone.record/1"]),
        ])
    );
    let why = "it belongs to no project, and the sweep is narrowed to projects";
    let kinds = ["cloud.flavor", "identity.project", "identity.user"];
    assert_eq!(skipped, kinds.map(|kind| (kind.to_owned(), why.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_user_lists_what_is_the_users_own() {
    let (listed, skipped) = listed(Reachable {
        is_admin: false,
        projects: Some(BTreeSet::from(["demo".into()])),
        user: Some("me".into()),
    })
    .await;
    assert_eq!(listed["net.port"], ["in project demo"]);
    assert_eq!(listed["quota.set"], ["in project demo"]);
    assert_eq!(listed["user.key"], ["under identity.user/me"]);
    assert_eq!(listed["cloud.flavor"], Vec::<String>::new());
    let whys: BTreeSet<String> = skipped.into_iter().map(|(_, why)| why).collect();
    let why = "only an administrator can clean it".to_owned();
    assert_eq!(whys, BTreeSet::from([why]));
}

#[tokio::test(start_paused = true)]
async fn pages_are_followed_to_the_last() {
    let cloud = ScriptedCloud::with((0..25).map(|n| ours(&format!("a.x/{n:02}"))));
    cloud.page_by(10);
    let stage = stage(&cloud, &["a.x"]);
    let (plan, _) = stage.plan().await;
    assert_eq!(plan.items.len(), 25);
    assert_eq!(cloud.listed("a.x").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_does_not_end_is_a_failure() {
    let circle = ScriptedCloud::with([ours("a.x/1")]);
    circle.never_end("a.x");
    let long = ScriptedCloud::with((0..100).map(|n| ours(&format!("a.x/{n:02}"))));
    long.page_by(1);
    for (cloud, why) in [
        (circle, "that was not shown before"),
        (long, "pages_max = 50"),
    ] {
        let stage = stage(&cloud, &["a.x"]);
        let survey = stage.engine.survey(&stage.sieve).await;
        assert_eq!(survey.failures.len(), 1, "{why}");
        assert!(
            survey.failures[0].why.contains(why),
            "{}",
            survey.failures[0].why
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_fails_stops_no_other_and_holds_the_projects() {
    let cloud = ScriptedCloud::with([
        ours("identity.project/demo").of_project(None),
        ours("a.x/1"),
        ours("b.y/1"),
    ]);
    cloud.fail_listings("a.x", Cause::Unavailable("503".to_owned()), 1);
    let stage = stage(&cloud, &["a.x", "b.y", "identity.project"]);
    let survey = stage.engine.survey(&stage.sieve).await;
    assert_eq!(survey.failures.len(), 1);
    let (plan, _) = stage.engine.plan(survey, &stage.sieve);
    let things: Vec<String> = plan.items.iter().map(|it| it.thing.to_string()).collect();
    assert_eq!(things, ["b.y/1", "identity.project/demo"]);
    let (purged, _) = stage.purge_plan(&plan).await;
    purged.expect_gone(&["b.y/1"]);
    let why = purged.why("identity.project/demo");
    assert!(
        why.contains("nobody can say whether it is empty: a.x could not be listed"),
        "{why}"
    );
    assert!(cloud.exists("identity.project/demo"));
    let told = stage.events().into_iter().filter_map(|event| match event {
        Event::ListingFailed { kind, .. } => Some(kind.to_string()),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), ["a.x"]);
}

#[tokio::test(start_paused = true)]
async fn kinds_whose_parents_nobody_lists_are_failures() {
    let cloud = ScriptedCloud::with([
        ours("quota.set/1"),
        ours("user.key/1").under("identity.user/me"),
    ]);
    let kinds = [
        with_reach("quota.set", Reach::EachProject),
        with_reach("user.key", Reach::UnderEach("identity.user".into())),
    ];
    let stage = script([cloud.rule("scripted", kinds)]).on(&cloud);
    let survey = stage.engine.survey(&stage.sieve).await;
    let whys: Vec<&str> = survey.failures.iter().map(|it| it.why.as_str()).collect();
    assert_eq!(
        whys,
        [
            "no rule lists identity.project, so nobody knows where to look",
            "no rule lists identity.user, so nobody knows where to look",
        ]
    );
}

/// The listing of projects waits for that of groups, which are listed in each project.
#[tokio::test(start_paused = true)]
async fn listings_that_wait_for_each_other_are_failures() {
    let cloud = ScriptedCloud::with([ours("a.group/1"), ours("b.y/1")]);
    let kinds = [
        with_reach("a.group", Reach::EachProject),
        with_reach("identity.project", Reach::UnderEach("a.group".into())),
        kind("b.y"),
    ];
    let stage = script([cloud.rule("scripted", kinds)]).on(&cloud);
    let survey = stage.engine.survey(&stage.sieve).await;
    let kinds: Vec<&str> = survey.failures.iter().map(|it| &*it.kind).collect();
    assert_eq!(kinds, ["a.group", "identity.project"]);
    assert_eq!(survey.inventory.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_has_gone_with_its_parent_meanwhile_is_no_failure() {
    let cloud = ScriptedCloud::with([ours("zone.zone/1")]);
    cloud.fail_listings("zone.record", Cause::NotFound, 1);
    let kinds = [
        kind("zone.zone"),
        with_reach("zone.record", Reach::UnderEach("zone.zone".into())),
    ];
    let stage = script([cloud.rule("scripted", kinds)]).on(&cloud);
    let survey = stage.engine.survey(&stage.sieve).await;
    assert_eq!(survey.failures, []);
    assert_eq!(survey.inventory.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_survey_says_that_it_is_not_complete() {
    let cloud = ScriptedCloud::with([ours("a.x/1")]);
    let stage = stage(&cloud, &["a.x"]);
    stage.cancel.cancel();
    let survey = stage.engine.survey(&stage.sieve).await;
    assert_eq!(survey.failures.len(), 1);
    assert_eq!(survey.failures[0].why, "interrupted");
}
