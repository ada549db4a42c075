//! What a decision rests on is carried into the purge: what is seen on the way to be otherwise stays, with all that rests on it.

use super::*;

/// Changes the cloud after so long, while the purge is under way.
pub(super) async fn meanwhile<T>(
    cloud: &ScriptedCloud,
    s: u64,
    change: impl FnOnce(&ScriptedCloud),
    work: impl Future<Output = T>,
) -> T {
    let change = async {
        tokio::time::sleep(Duration::from_secs(s)).await;
        change(cloud);
    };
    tokio::join!(work, change).0
}

/// A nameless address that goes because something else does, and before it.
fn address_of(server: &str) -> Scripted {
    thing("b.address/1").owned(Relation::NamedBy, server)
}

fn refused() -> Result<Outcome, Cause> {
    Ok(Outcome::Refused("it is locked".to_owned()))
}

#[tokio::test(start_paused = true)]
async fn what_was_to_go_because_of_something_that_stays_is_given_up() {
    let busy = Err(Cause::Conflict("busy".to_owned()));
    let cloud = ScriptedCloud::with([
        ours("a.server/1").latency_ms(100).answers(refused(), 1),
        thing("c.port/1")
            .owned(Relation::NamedBy, "a.server/1")
            .after("a.server/1"),
        address_of("c.port/1").answers(busy, 1),
    ]);
    let kinds = ["a.server", "b.address", "c.port"];
    let purged = stage(&cloud, &kinds).purge().await;
    let why = purged.why("b.address/1");
    let words = "abandoned: it was to go because a.server/1 goes, which is left: refused";
    assert!(why.starts_with(words), "{why}");
    assert!(cloud.exists("b.address/1"));
    assert_eq!(cloud.deleted().len(), 2, "it is not tried again");
}

/// What had to go before nobody can bring back, but it is said.
#[tokio::test(start_paused = true)]
async fn what_went_before_an_owner_that_is_left_is_told() {
    let cloud = ScriptedCloud::with([
        ours("a.server/1").answers(refused(), 1),
        thing("b.port/1").owned(Relation::NamedBy, "a.server/1"),
        thing("c.address/1").owned(Relation::NamedBy, "b.port/1"),
        ours("c.address/2"),
    ]);
    let stage = stage(&cloud, &["a.server", "b.port", "c.address"]);
    let (plan, _) = stage.plan().await;
    let (purged, fates) = stage.purge_plan(&plan).await;
    purged.expect_gone(&["b.port/1", "c.address/1", "c.address/2"]);
    assert!(purged.why("a.server/1").contains("it is locked"));
    for row in runner::report::rows(&plan, Some(&fates)) {
        let expected = match row.thing.to_string().as_str() {
            "b.port/1" | "c.address/1" => "it had to go before a.server/1",
            "c.address/2" => "",
            _ => "refused",
        };
        let detail = row.detail.unwrap_or_default();
        assert!(detail.starts_with(expected), "{}: {detail}", row.thing);
        assert_eq!(detail.is_empty(), expected.is_empty(), "{}", row.thing);
    }
}

/// Five minutes of waiting for something slow: by then everything else was seen long ago.
pub(super) fn slow() -> Scripted {
    ours("d.slow/1").lingers_ms(300_000)
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_has_changed_is_seen_before_what_goes_because_of_it() {
    let cloud = ScriptedCloud::with([
        slow(),
        ours("a.server/1").after("d.slow/1"),
        address_of("a.server/1").after("d.slow/1"),
    ]);
    let stage = stage(&cloud, &["a.server", "b.address", "d.slow"]);
    let rename = |cloud: &ScriptedCloud| cloud.add(thing("a.server/1").named("prod-db"));
    let purged = meanwhile(&cloud, 200, rename, stage.purge()).await;
    assert!(
        purged
            .why("a.server/1")
            .contains("it is called prod-db now")
    );
    assert!(
        purged
            .why("b.address/1")
            .contains("because a.server/1 goes")
    );
    assert_eq!(cloud.deleted(), ["d.slow/1"]);
}

#[tokio::test(start_paused = true)]
async fn what_would_be_taken_along_since_the_plan_was_made_holds() {
    let cloud = ScriptedCloud::with([slow(), ours("a.server/1").after("d.slow/1")]);
    let stage = stage(&cloud, &["a.server", "b.volume", "d.slow"]);
    let attach = |cloud: &ScriptedCloud| {
        cloud.add(thing("b.volume/1").named("tenant-data"));
        cloud.add(ours("a.server/1").after("d.slow/1").taking("b.volume/1"));
    };
    let purged = meanwhile(&cloud, 200, attach, stage.purge()).await;
    let why = purged.why("a.server/1");
    assert!(why.contains("b.volume/1 would be deleted along"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn what_has_come_into_the_way_since_holds() {
    let cloud = ScriptedCloud::with([slow(), ours("a.group/1").after("d.slow/1")]);
    let stage = stage(&cloud, &["a.group", "d.slow"]);
    let name = |cloud: &ScriptedCloud| {
        cloud.add(thing("a.group/2").named("tenant's").before("a.group/1"));
    };
    let purged = meanwhile(&cloud, 200, name, stage.purge()).await;
    let why = purged.why("a.group/1");
    assert!(why.contains("a.group/2 is in the way"), "{why}");
}

/// A look for one thing of a kind shows the others as well.
#[tokio::test(start_paused = true)]
async fn whoever_looks_a_newer_sight_counts() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1").lingers_ms(30_000),
        ours("b.y/1").lingers_ms(60_000),
        ours("a.x/2").after("b.y/1"),
    ]);
    let stage = stage(&cloud, &["a.x", "b.y"]);
    let rename = |cloud: &ScriptedCloud| cloud.add(thing("a.x/2").named("mine now"));
    let purged = meanwhile(&cloud, 10, rename, stage.purge()).await;
    purged.expect_gone(&["a.x/1", "b.y/1"]);
    assert!(purged.why("a.x/2").contains("it is called mine now"));
    assert!(cloud.exists("a.x/2"));
}

const PROJECT: &str = "identity.project/p";
const OUR_PROJECT: &str = "c_rally_0a1b2c3d_AbCdEf12";

/// A project of the task's with something slow in it.
fn full_project() -> [Scripted; 2] {
    [
        thing(PROJECT).named(OUR_PROJECT).of_project(None),
        slow().of_project(Some("p")),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_project_is_looked_into_again_before_it_goes() {
    for (stranger, stays) in [
        (thing("a.server/1").named("web"), true),
        (ours("a.server/1"), true),
        (thing("a.server/1"), true),
        // What the cloud makes by itself: a default group.
        (thing("a.server/1").named_by_the_cloud(), false),
    ] {
        let cloud = ScriptedCloud::with(full_project());
        let stage = stage(&cloud, &["identity.project", "a.server", "d.slow"]);
        let came = stranger.of_project(Some("p"));
        let come = |cloud: &ScriptedCloud| cloud.add(came);
        let purged = meanwhile(&cloud, 200, come, stage.purge()).await;
        match stays {
            true => {
                let why = purged.why(PROJECT);
                assert!(why.contains("a.server/1 has come into it"), "{why}");
            }
            false => purged.expect_gone(&[PROJECT]),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_project_that_cannot_be_looked_into_again_stays() {
    let cloud = ScriptedCloud::with(full_project());
    let stage = stage(&cloud, &["identity.project", "a.server", "d.slow"]);
    let fail = |cloud: &ScriptedCloud| {
        cloud.fail_listings("a.server", Cause::Denied("no more".to_owned()), 9);
    };
    let purged = meanwhile(&cloud, 200, fail, stage.purge()).await;
    let why = purged.why(PROJECT);
    assert!(why.contains("could not be looked into again"), "{why}");
}

/// What is done soon after the survey costs no request more.
#[tokio::test(start_paused = true)]
async fn within_the_time_that_a_sight_holds_nothing_is_listed_again() {
    let cloud = ScriptedCloud::with([
        thing(PROJECT).named(OUR_PROJECT).of_project(None),
        ours("a.server/1").of_project(Some("p")),
        address_of("a.server/1").of_project(Some("p")),
    ]);
    let kinds = ["identity.project", "a.server", "b.address"];
    let stage = stage(&cloud, &kinds);
    stage.purge().await.expect_gone(&[PROJECT, "a.server/1"]);
    assert!(kinds.iter().all(|kind| cloud.listed(kind).is_empty()));
}

/// After a long run, a kind of which nothing was to go may have something of the task's all the same.
#[tokio::test(start_paused = true)]
async fn after_a_long_run_every_kind_is_looked_at() {
    for (s, expected) in [(300, true), (30, false)] {
        let slow = ours("d.slow/1").lingers_ms(s * 1_000);
        let cloud = ScriptedCloud::with([slow]);
        let stage = stage(&cloud, &["a.server", "d.slow"]);
        let come = |cloud: &ScriptedCloud| cloud.add(ours("a.server/1"));
        let (_, verification) = meanwhile(&cloud, 10, come, stage.sweep()).await;
        let found = left(&verification).iter().any(|(it, _)| it == "a.server/1");
        assert_eq!(found, expected, "{s} s");
    }
}
