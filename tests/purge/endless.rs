//! What is to be looked at again is looked at once, and not until the deadline.

use super::grounds::{meanwhile, slow};
use super::*;

/// A trust takes along the trusts that were made of it, so its kind is looked at for itself.
#[tokio::test(start_paused = true)]
async fn a_kind_whose_things_go_along_with_one_another_is_looked_at_once() {
    let mut trusts = kind("a.trust");
    trusts.effects.taken_by.push("a.trust".into());
    let cloud = ScriptedCloud::with([slow(), ours("a.trust/1").after("d.slow/1")]);
    let stage = script([cloud.rule("scripted", [trusts, kind("d.slow")])]).on(&cloud);
    let purged = stage.purge().await;
    purged.expect_gone(&["a.trust/1"]);
    let listed = cloud.listed("a.trust").len();
    assert!(listed <= 2, "{listed} listings");
}

/// What goes with any of several is not held up by the one that is left.
#[tokio::test(start_paused = true)]
async fn an_owner_that_is_left_is_no_longer_looked_at_for_what_goes_with_another() {
    let stuck = Ok(Outcome::Refused("it is locked".to_owned()));
    let credential = thing("b.credential/1").of_project(None);
    let credential = credential.owned(Relation::PartOf, "a.owner/1");
    let credential = credential.owned(Relation::PartOf, "a.owner/2");
    let cloud = ScriptedCloud::with([
        slow(),
        ours("a.owner/1").answers(stuck, 1),
        ours("a.owner/2").after("d.slow/1"),
        credential.after("d.slow/1").after("a.owner/1"),
    ]);
    let stage = stage(&cloud, &["a.owner", "b.credential", "d.slow"]);
    let purged = stage.purge().await;
    let looks = ["a.owner", "b.credential"].map(|kind| cloud.listed(kind).len());
    assert!(looks.iter().all(|looks| *looks <= 3), "{looks:?} listings");
    assert!(purged.why("a.owner/1").contains("it is locked"));
    assert!(
        purged.took < Duration::from_secs(1_000),
        "{:?}",
        purged.took
    );
}

/// Heat deletes a stack by a trust, so the trust of a user who stays for his stack stays as well.
#[tokio::test(start_paused = true)]
async fn what_goes_because_of_a_container_stays_where_that_will() {
    let refused = Ok(Outcome::Refused("it is stuck".to_owned()));
    let mut users = kind("identity.user");
    users.after.push("a.stack".into());
    let mut trusts = kind("b.trust");
    trusts.after.push("a.stack".into());
    trusts.effects.taken_by.push("identity.user".into());
    let user = thing("identity.user/1").of_project(None);
    let trust = thing("b.trust/1").of_project(None);
    for answers in [0, 1] {
        let cloud = ScriptedCloud::with([
            ours("a.stack/1").answers(refused.clone(), answers),
            user.clone().named("c_rally_0a1b2c3d_AbCdEf12"),
            trust.clone().owned(Relation::PartOf, "identity.user/1"),
        ]);
        let kinds = [kind("a.stack"), users.clone(), trusts.clone()];
        let stage = script([cloud.rule("scripted", kinds)]).on(&cloud);
        let purged = stage.purge().await;
        if answers == 0 {
            purged.expect_gone(&["a.stack/1", "b.trust/1", "identity.user/1"]);
        } else {
            let why = purged.why("b.trust/1");
            assert!(why.contains("a.stack/1 must go before it"), "{why}");
            assert_eq!(cloud.deleted(), ["a.stack/1"]);
        }
    }
}

/// Against a standstill the order of kinds is let go, but not that of what a stack may need for its deletion.
#[tokio::test(start_paused = true)]
async fn a_standstill_lets_no_trust_go_before_the_stacks() {
    let busy = Err(Cause::Conflict("an action is under way".to_owned()));
    let mut users = kind("identity.user");
    users.after.push("a.stack".into());
    let mut trusts = kind("b.trust");
    trusts.after.push("a.stack".into());
    trusts.effects.taken_by.push("identity.user".into());
    let trust = thing("b.trust/1").of_project(None);
    let user = thing("identity.user/1").of_project(None);
    let cloud = ScriptedCloud::with([
        ours("a.stack/1").answers(busy, 4),
        user.named("c_rally_0a1b2c3d_AbCdEf12"),
        trust.owned(Relation::PartOf, "identity.user/1"),
    ]);
    let kinds = [kind("a.stack"), users, trusts];
    let stage = script([cloud.rule("scripted", kinds)]).on(&cloud);
    stage.purge().await.expect_gone(&["a.stack/1", "b.trust/1"]);
    let deleted = cloud.deleted();
    let first = |thing: &str| deleted.iter().position(|it| it == thing);
    let last_stack = deleted.iter().rposition(|it| it == "a.stack/1");
    assert!(last_stack < first("b.trust/1"), "{deleted:?}");
}

/// Whatever was moved into a project, or is there again, is in it as a stranger is.
#[tokio::test(start_paused = true)]
async fn what_comes_into_a_project_from_elsewhere_or_is_there_again_holds_it() {
    const PROJECT: &str = "identity.project/p";
    let project = || {
        thing(PROJECT)
            .named("c_rally_0a1b2c3d_AbCdEf12")
            .of_project(None)
    };
    let elsewhere = || ours("a.volume/1").of_project(Some("q"));
    let here = || ours("a.volume/1").of_project(Some("p"));
    // One that waits for something slow itself, and one that has gone long before.
    for (before, after) in [(elsewhere().after("d.slow/1"), here()), (here(), here())] {
        let cloud = ScriptedCloud::with([project(), before, slow().of_project(Some("p"))]);
        let stage = stage(&cloud, &["identity.project", "a.volume", "d.slow"]);
        let come = |cloud: &ScriptedCloud| cloud.add(after);
        let purged = meanwhile(&cloud, 200, come, stage.purge()).await;
        let why = purged.why(PROJECT);
        assert!(why.contains("a.volume/1 has come into it"), "{why}");
    }
}
