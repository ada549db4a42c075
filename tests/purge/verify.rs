//! The second look: what is left, what has appeared, what nobody can say.

use super::*;

#[tokio::test(start_paused = true)]
async fn nothing_is_left_after_a_good_purge() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1"),
        thing("a.x/2").named("web"),
        ours("b.y/1").lingers_ms(100),
    ]);
    let (_, verification) = stage(&cloud, &["a.x", "b.y", "c.z"]).sweep().await;
    assert!(verification.is_clean(), "{verification:?}");
    // Once each, and only kinds of the plan.
    assert_eq!(cloud.listed("a.x"), ["everywhere"]);
    assert_eq!(cloud.listed("b.y"), ["everywhere"]);
    assert_eq!(cloud.listed("c.z"), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_lagging_listing_is_looked_at_again() {
    let cloud = ScriptedCloud::with([ours("a.x/1").lags_ms(1_200), ours("b.y/1")]);
    let (purged, verification) = stage(&cloud, &["a.x", "b.y"]).sweep().await;
    purged.expect_gone(&["a.x/1"]);
    assert!(verification.is_clean(), "{verification:?}");
    assert_eq!(cloud.listed("a.x").len(), 3);
    assert_eq!(cloud.listed("b.y").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_never_leaves_the_listing_is_left() {
    let cloud = ScriptedCloud::with([ours("a.x/1").lags_ms(10_000_000)]);
    let (_, verification) = stage(&cloud, &["a.x"]).sweep().await;
    let expected = ("a.x/1".to_owned(), "it was deleted and is still listed");
    assert_eq!(left(&verification), [expected]);
    assert_eq!(verification.left[0].name.as_deref(), Some(OURS));
}

#[tokio::test(start_paused = true)]
async fn what_was_not_deleted_is_left_with_its_reason() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1").answers(Ok(Outcome::Refused("no".to_owned())), 1),
        ours("a.x/2").after("b.y/1"),
        thing("b.y/1").named("web"),
        ours("c.z/1").after("a.x/1"),
    ]);
    let (_, verification) = stage(&cloud, &["a.x", "b.y", "c.z"]).sweep().await;
    assert_eq!(
        left(&verification),
        [
            ("a.x/1".to_owned(), "refused: no"),
            ("a.x/2".to_owned(), "b.y/1 is in the way: kept: other name"),
            (
                "c.z/1".to_owned(),
                "a.x/1 must go before it and is left: refused: no"
            ),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_failed_and_is_gone_nevertheless_is_not_left() {
    let cloud =
        ScriptedCloud::with([ours("a.x/1").answers(Ok(Outcome::Refused("no".to_owned())), 1)]);
    let stage = stage(&cloud, &["a.x"]);
    let (plan, _) = stage.plan().await;
    let (_, fates) = stage.purge_plan(&plan).await;
    assert_eq!(fates, [Fate::Failed("refused: no".to_owned())]);
    let (_, again) = stage.purge_plan(&plan).await;
    assert_eq!(again, [Fate::Gone]);
    let verification = stage.engine.verify(&plan, &fates, &stage.sieve).await;
    assert!(verification.is_clean(), "{verification:?}");
}

/// Each project is asked with its own token, and one that has gone gives none any more.
#[tokio::test(start_paused = true)]
async fn a_project_that_has_gone_is_not_asked_again() {
    let cloud = ScriptedCloud::with([
        ours("identity.project/mine").of_project(None),
        thing("identity.project/demo").of_project(None),
        ours("a.secret/1").of_project(Some("mine")).lingers_ms(1000),
        ours("a.secret/2"),
    ]);
    let secrets = with_reach("a.secret", Reach::EachProject);
    let rule = cloud.rule("scripted", [secrets, kind("identity.project")]);
    let (purged, verification) = script([rule]).on(&cloud).sweep().await;
    purged.expect_gone(&["a.secret/1", "a.secret/2", "identity.project/mine"]);
    assert!(verification.is_clean(), "{verification:?}");
    assert_eq!(cloud.listed("a.secret"), ["in project demo"]);
}

#[tokio::test(start_paused = true)]
async fn what_has_appeared_since_is_left() {
    let cloud = ScriptedCloud::with([ours("a.x/1")]);
    let stage = stage(&cloud, &["a.x"]);
    let (plan, _) = stage.plan().await;
    let (_, fates) = stage.purge_plan(&plan).await;
    cloud.add(ours("a.x/2"));
    cloud.add(thing("a.x/3").named("web"));
    cloud.add(thing("a.x/4"));
    let verification = stage.engine.verify(&plan, &fates, &stage.sieve).await;
    let expected = (
        "a.x/2".to_owned(),
        "it is not in the plan: it has appeared since, or was left out of it",
    );
    assert_eq!(left(&verification), [expected]);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_fails_is_told_and_says_nothing_else() {
    let cloud = ScriptedCloud::with([ours("a.x/1"), ours("b.y/1").lags_ms(10_000_000)]);
    let stage = stage(&cloud, &["a.x", "b.y"]);
    let (plan, _) = stage.plan().await;
    let (_, fates) = stage.purge_plan(&plan).await;
    cloud.fail_listings("a.x", Cause::Denied("no role".to_owned()), 1);
    let verification = stage.engine.verify(&plan, &fates, &stage.sieve).await;
    assert_eq!(verification.failures.len(), 1);
    assert_eq!(&*verification.failures[0].kind, "a.x");
    assert!(verification.failures[0].why.ends_with("denied: no role"));
    assert_eq!(left(&verification).len(), 1, "the other kind was looked at");
}

/// One thing counts as gone at the first look, while another makes a second one necessary.
#[tokio::test(start_paused = true)]
async fn what_counts_as_gone_has_not_appeared_since() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1").lags_ms(10_000_000).counts_as_gone(),
        ours("a.x/2").lags_ms(600),
    ]);
    let (_, verification) = stage(&cloud, &["a.x"]).sweep().await;
    assert!(verification.is_clean(), "{verification:?}");
    assert_eq!(cloud.listed("a.x").len(), 3);
    let asked = cloud.calls().into_iter().map(|(_, call)| call);
    let asked = asked.filter(|call| *call == Call::IsGone("a.x/1".to_owned()));
    assert_eq!(asked.count(), 1);
}

/// For what is only called after something else no request is sent; where that does not take it along, it is left, and told.
#[tokio::test(start_paused = true)]
async fn what_was_to_be_taken_along_and_is_there_is_left() {
    let mut stack = kind("a.stack");
    stack.effects.gives_its_name = true;
    let network = format!("{OURS}-network-nesfqypzwzsh").to_lowercase();
    let network = network.replace('_', "-");
    let cloud = ScriptedCloud::with([ours("a.stack/1"), thing("b.network/1").named(&network)]);
    let stage = script([cloud.rule("scripted", [stack, kind("b.network")])]).on(&cloud);
    let (_, verification) = stage.sweep().await;
    let left = left(&verification);
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].1.contains("has not taken it along"), "{left:?}");
    assert!(cloud.exists("b.network/1"));
}
