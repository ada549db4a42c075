//! Deletions that take their time. What is on its way out is looked for by listing its kind, for all its things at once.

use super::*;

#[tokio::test(start_paused = true)]
async fn many_things_are_waited_for_by_a_few_listings() {
    let things = (0..500).map(|n| ours(&format!("a.x/{n}")).latency_ms(20).lingers_ms(5_000));
    let cloud = ScriptedCloud::with(things.chain([ours("b.y/1").after("a.x/0")]));
    let purged = stage(&cloud, &["a.x", "b.y"]).purge().await;
    assert!(purged.fates.values().all(|fate| *fate == Fate::Gone));
    assert!(!cloud.exists("a.x/499"));
    let listings = cloud.listed("a.x");
    assert!(
        listings.len() <= 8,
        "{} listings for 500 things",
        listings.len()
    );
    // All are in one project, so nothing else is listed.
    assert!(listings.iter().all(|scope| scope == "in project demo"));
    assert!(cloud.listed("b.y").is_empty());
    assert_eq!(cloud.deleted().len(), 501);
}

#[tokio::test(start_paused = true)]
async fn what_waits_goes_on_when_a_listing_shows_that_it_may() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1").lingers_ms(3_000),
        ours("b.y/1").after("a.x/1"),
    ]);
    let purged = stage(&cloud, &["a.x", "b.y"]).purge().await;
    purged.expect_gone(&["a.x/1", "b.y/1"]);
    // Looks at 0.5, 1 and 2 s see it, the one at 4 s does not.
    assert_eq!(asked_ms(&cloud, "b.y/1"), 4_000);
    // Then there is nothing to wait for any more.
    assert_eq!(purged.took, Duration::from_secs(4));
}

/// A listing that was asked for before a thing was to go, and of another project, does not say that it has gone.
#[tokio::test(start_paused = true)]
async fn a_listing_counts_for_what_it_was_asked_about() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1").lingers_ms(3_000),
        ours("a.x/2")
            .of_project(Some("other"))
            .latency_ms(700)
            .lingers_ms(5_000),
        ours("b.y/1").after("a.x/2"),
    ]);
    let stage = stage(&cloud, &["a.x", "b.y"]);
    let (plan, _) = stage.plan().await;
    // The look at 0.5 s is on its way until 0.9 s, and meanwhile, at 0.7 s, the second deletion is accepted.
    cloud.list_slowly(400);
    let (purged, _) = stage.purge_plan(&plan).await;
    purged.expect_gone(&["a.x/1", "a.x/2", "b.y/1"]);
    assert!(asked_ms(&cloud, "b.y/1") >= 5_700);
}

#[tokio::test(start_paused = true)]
async fn a_kind_under_others_is_looked_for_under_these_only() {
    let cloud = ScriptedCloud::with([
        ours("a.zone/1"),
        ours("a.zone/2"),
        thing("a.zone/3").named("web"),
        ours("b.record/1").under("a.zone/1").lingers_ms(100),
        ours("b.record/2").under("a.zone/2"),
    ]);
    let record = with_reach("b.record", Reach::UnderEach("a.zone".into()));
    let rule = cloud.rule("scripted", [kind("a.zone"), record]);
    let purged = script([rule]).on(&cloud).purge().await;
    purged.expect_gone(&["a.zone/1", "a.zone/2", "b.record/1", "b.record/2"]);
    assert_eq!(cloud.listed("b.record"), ["under a.zone/1"]);
}

#[tokio::test(start_paused = true)]
async fn what_goes_with_its_owner_is_not_asked_to_go() {
    let with_server = |id: &str| {
        thing(id)
            .owned(Relation::NamedBy, "a.server/1")
            .after("a.server/1")
    };
    let cloud = ScriptedCloud::with([
        ours("a.server/1"),
        with_server("b.port/1").vanishes_with("a.server/1", 0),
        with_server("b.port/2").vanishes_with("a.server/1", 600),
        ours("c.net/1").after("b.port/1").after("b.port/2"),
    ]);
    let stage = stage(&cloud, &["a.server", "b.port", "c.net"]);
    let purged = stage.purge().await;
    purged.expect_gone(&["a.server/1", "b.port/1", "b.port/2", "c.net/1"]);
    assert_eq!(cloud.deleted(), ["a.server/1", "c.net/1"]);
}

#[tokio::test(start_paused = true)]
async fn what_stays_behind_when_its_owner_goes_is_asked_to_go() {
    for status in ["ACTIVE", "ERROR"] {
        let port = thing("b.port/1")
            .owned(Relation::NamedBy, "a.server/1")
            .after("a.server/1")
            .in_state(status);
        let cloud = ScriptedCloud::with([ours("a.server/1"), port]);
        let purged = stage(&cloud, &["a.server", "b.port"]).purge().await;
        purged.expect_gone(&["a.server/1", "b.port/1"]);
        assert_eq!(cloud.deleted(), ["a.server/1", "b.port/1"], "{status}");
        assert!(!cloud.exists("b.port/1"), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_state_ends_the_wait() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1").stays_in("error"),
        ours("a.x/2").lingers_ms(2_000),
        ours("b.y/1").after("a.x/1"),
    ]);
    let purged = stage(&cloud, &["a.x", "b.y"]).purge().await;
    assert_eq!(
        purged.why("a.x/1"),
        "failed: the cloud could not delete it: its status is error"
    );
    assert!(purged.why("b.y/1").starts_with("abandoned: "));
    purged.expect_gone(&["a.x/2"]);
    assert!(purged.took < Duration::from_secs(10));
}

/// A broken server is shown as broken for a moment after its deletion was accepted.
#[tokio::test(start_paused = true)]
async fn an_error_state_from_before_is_borne_for_a_while() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1").in_state("ERROR").lingers_ms(700),
        ours("a.x/2").in_state("ERROR").stays_in("ERROR"),
    ]);
    let purged = stage(&cloud, &["a.x"]).purge().await;
    purged.expect_gone(&["a.x/1"]);
    assert_eq!(
        purged.why("a.x/2"),
        "failed: the cloud could not delete it: its status is ERROR"
    );
    assert!(purged.took < Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn patience_has_an_end() {
    let cloud = ScriptedCloud::with([ours("a.x/1").stays_in("DELETING")]);
    let purged = stage(&cloud, &["a.x"]).purge().await;
    assert_eq!(
        purged.why("a.x/1"),
        "failed: it is still there after disappear_s_max = 600 s"
    );
    assert!(purged.took >= Duration::from_secs(600));
    assert!(purged.took < Duration::from_secs(620));
    assert_eq!(cloud.deleted(), ["a.x/1"]);
}

#[tokio::test(start_paused = true)]
async fn a_rule_can_say_that_a_listed_thing_counts_as_gone() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1").stays_in("SOFT_DELETED").counts_as_gone(),
        ours("b.y/1").after("a.x/1"),
    ]);
    let (purged, verification) = stage(&cloud, &["a.x", "b.y"]).sweep().await;
    purged.expect_gone(&["a.x/1", "b.y/1"]);
    assert_eq!(left(&verification), []);
}

#[tokio::test(start_paused = true)]
async fn listings_that_fail_are_not_taken_for_empty_ones() {
    let cloud = ScriptedCloud::with([ours("a.x/1").lingers_ms(100), ours("b.y/1").after("a.x/1")]);
    let unavailable = Cause::Unavailable("502".to_owned());
    let stage = stage(&cloud, &["a.x", "b.y"]);
    let (plan, _) = stage.plan().await;

    cloud.fail_listings("a.x", unavailable.clone(), 4);
    let (purged, _) = stage.purge_plan(&plan).await;
    purged.expect_gone(&["a.x/1", "b.y/1"]);
    assert_eq!(cloud.listed("a.x").len(), 5);

    cloud.add(ours("a.x/1").lingers_ms(100));
    cloud.fail_listings("a.x", unavailable, 99);
    let (purged, _) = stage.purge_plan(&plan).await;
    let why = purged.why("a.x/1");
    assert!(
        why.starts_with("failed: nobody can say whether it has gone"),
        "{why}"
    );
    assert!(purged.why("b.y/1").starts_with("abandoned: "));
}

/// Where nobody knows in which project a thing is, no listing can show that it has gone.
#[tokio::test(start_paused = true)]
async fn not_knowing_where_to_look_is_no_proof() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1").lingers_ms(600_000),
        thing("identity.project/demo").of_project(None),
    ]);
    let each = with_reach("a.x", Reach::EachProject);
    let rule = cloud.rule("scripted", [each, kind("identity.project")]);
    let stage = script([rule]).on(&cloud);
    let (mut plan, _) = stage.plan().await;
    // As if the rule said less than it knows.
    plan.items[0].seen.as_mut().unwrap().project = None;
    let (purged, fates) = stage.purge_plan(&plan).await;
    assert!(purged.why("a.x/1").contains("nobody knows where to look"));
    let verification = stage.engine.verify(&plan, &fates, &stage.sieve).await;
    assert_eq!(verification.failures.len(), 1);
}

/// What is in the middle of a change of its own is asked again for as long as a deletion may take, and not as often as something in
/// its way would allow.
#[tokio::test(start_paused = true)]
async fn what_changes_by_itself_is_waited_for() {
    let pending = || Ok(Outcome::Blocked(vec![at("a.x/1")]));
    let cloud = ScriptedCloud::with([
        ours("a.x/1").answers(pending(), 40),
        ours("b.y/1").after("a.x/1"),
    ]);
    let purged = stage(&cloud, &["a.x", "b.y"]).purge().await;
    purged.expect_gone(&["a.x/1", "b.y/1"]);
    assert!(purged.took > Duration::from_secs(240), "{:?}", purged.took);

    let cloud = ScriptedCloud::with([ours("a.x/1").answers(pending(), 10_000)]);
    let purged = stage(&cloud, &["a.x"]).purge().await;
    let why = purged.why("a.x/1");
    assert_eq!(
        why,
        "failed: it is still in the middle of a change after disappear_s_max = 600 s"
    );
}

/// While its database comes or goes, Keystone says of rights that it cannot look up that there are none.
#[tokio::test(start_paused = true)]
async fn who_could_delete_one_of_a_kind_is_believed_to_be_allowed_another() {
    let denied = || Err(Cause::Denied("no role".to_owned()));
    let cloud = ScriptedCloud::with([
        ours("a.x/1"),
        ours("a.x/2").after("a.x/1").answers(denied(), 3),
        ours("a.x/3").after("a.x/1").answers(denied(), 99),
        ours("b.y/1").answers(denied(), 99),
    ]);
    let purged = stage(&cloud, &["a.x", "b.y"]).purge().await;
    purged.expect_gone(&["a.x/1", "a.x/2"]);
    assert!(purged.why("a.x/3").contains("no role"));
    assert!(purged.why("b.y/1").contains("no role"), "nobody could");
    let tried = |thing: &str| cloud.deleted().iter().filter(|it| *it == thing).count();
    assert_eq!((tried("a.x/3"), tried("b.y/1")), (5, 2));
}
