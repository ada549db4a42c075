//! What goes along with a thing is looked at as the thing is: what is seen to have to stay holds whatever would take it along.

use super::grounds::{meanwhile, slow};
use super::*;

/// Kinds of which volumes go along with servers that take them.
fn kinds() -> Vec<Kind> {
    let mut volume = kind("b.volume");
    volume.effects.taken_by.push("a.server".into());
    vec![kind("a.server"), volume, kind("c.other"), kind("d.slow")]
}

fn on_stage(cloud: &ScriptedCloud) -> Stage {
    script([cloud.rule("scripted", kinds())]).on(cloud)
}

/// A server of the task's that takes a nameless volume along.
fn server() -> Scripted {
    ours("a.server/1").after("d.slow/1").taking("b.volume/1")
}

#[tokio::test(start_paused = true)]
async fn a_thing_that_is_given_a_name_holds_what_would_take_it_along() {
    let cloud = ScriptedCloud::with([slow(), server(), thing("b.volume/1")]);
    let name = |cloud: &ScriptedCloud| cloud.add(thing("b.volume/1").named("customer-data"));
    let purged = meanwhile(&cloud, 200, name, on_stage(&cloud).purge()).await;
    let why = purged.why("a.server/1");
    let words = "b.volume/1 would be deleted along with it: it stays";
    assert!(why.contains(words), "{why}");
    assert_eq!(cloud.deleted(), ["d.slow/1"]);
}

#[tokio::test(start_paused = true)]
async fn what_has_come_since_holds_what_would_take_it_along() {
    for (name, stays) in [
        ("customer-data", true),
        ("s_rally_0a1b2c3d_AbCdEf12", false),
    ] {
        let cloud = ScriptedCloud::with([slow(), server(), thing("b.volume/1")]);
        let hang = |cloud: &ScriptedCloud| {
            let newcomer = thing("b.volume/2").named(name);
            cloud.add(newcomer.owned(Relation::NamedBy, "a.server/1"));
        };
        let purged = meanwhile(&cloud, 200, hang, on_stage(&cloud).purge()).await;
        match stays {
            true => {
                let why = purged.why("a.server/1");
                assert!(why.contains("b.volume/2 is in the way"), "{why}");
            }
            false => purged.expect_gone(&["a.server/1"]),
        }
    }
}

/// What a look shows while a request is under way counts when the answer is there.
#[tokio::test(start_paused = true)]
async fn what_has_changed_while_it_was_asked_for_is_not_asked_for_again() {
    let busy = Err(Cause::Conflict("busy".to_owned()));
    let cloud = ScriptedCloud::with([
        ours("c.other/1")
            .latency_ms(20_000)
            .answers(busy.clone(), 1),
        ours("c.other/2").lingers_ms(15_000),
    ]);
    let renamed = thing("c.other/1").named("mine now").answers(busy, 1);
    let rename = |cloud: &ScriptedCloud| cloud.add(renamed);
    let purged = meanwhile(&cloud, 2, rename, on_stage(&cloud).purge()).await;
    let why = purged.why("c.other/1");
    assert!(why.contains("it is called mine now"), "{why}");
    let asked = cloud.deleted().into_iter().filter(|it| it == "c.other/1");
    assert_eq!(asked.count(), 1);
}

/// That the server itself is as it was says nothing of what it would take along.
#[tokio::test(start_paused = true)]
async fn what_others_are_the_reason_for_is_not_taken_back_by_a_look_at_the_thing_itself() {
    let busy = || Err(Cause::Conflict("busy".to_owned()));
    let server = ours("a.server/1").taking("b.volume/1");
    let cloud = ScriptedCloud::with([
        server.latency_ms(20_000).answers(busy(), 1),
        thing("b.volume/1"),
        ours("b.volume/2").lingers_ms(8_000),
        ours("a.server/2").latency_ms(9_000).lingers_ms(8_000),
    ]);
    let name = |cloud: &ScriptedCloud| cloud.add(thing("b.volume/1").named("customer-data"));
    let purged = meanwhile(&cloud, 2, name, on_stage(&cloud).purge()).await;
    purged.expect_gone(&["a.server/2", "b.volume/2"]);
    let why = purged.why("a.server/1");
    let words = "b.volume/1 would be deleted along with it: it stays";
    assert!(why.contains(words), "{why}");
    let asked = cloud.deleted().into_iter().filter(|it| it == "a.server/1");
    assert_eq!(asked.count(), 1);
}

/// A later run goes by these marks: what one request has taken is not refused with another.
#[tokio::test(start_paused = true)]
async fn a_refusal_takes_back_no_mark_of_what_another_request_has_taken() {
    let refused = Ok(Outcome::Refused("it is locked".to_owned()));
    for (own_request, takes_back) in [(true, false), (false, true)] {
        let volume = match own_request {
            true => ours("b.volume/1").lingers_ms(10_000),
            false => thing("b.volume/1"),
        };
        let server = ours("a.server/1").taking("b.volume/1");
        let server = server.latency_ms(2_000).answers(refused.clone(), 1);
        let cloud = ScriptedCloud::with([server, volume]);
        let purged = on_stage(&cloud).purge().await;
        let told = |thing: &str, asking: Asking| {
            let expected = (thing.to_owned(), asking);
            purged.askings.contains(&expected)
        };
        assert!(told("b.volume/1", Asking::Begun) && told("a.server/1", Asking::Refused));
        assert_eq!(told("b.volume/1", Asking::Refused), takes_back);
    }
}

/// A later run must not take for asked what never was.
#[tokio::test(start_paused = true)]
async fn what_never_left_is_not_told_as_asked_for() {
    let unavailable = Err(Cause::Unavailable("no answer".to_owned()));
    let lost = ours("a.server/1").answers(unavailable.clone(), 100);
    let lost_once = ours("a.server/1").answers(unavailable, 1).without_token();
    let unsent = ours("a.server/1").without_token();
    let cases = [
        (lost, Asking::Failed),
        (lost_once, Asking::Failed),
        (unsent, Asking::Refused),
    ];
    for (server, asking) in cases {
        let cloud = ScriptedCloud::with([server]);
        let purged = on_stage(&cloud).purge().await;
        assert!(!purged.why("a.server/1").is_empty());
        let last = purged.askings.last().map(|(_, asking)| *asking);
        assert_eq!(last, Some(asking), "{:?}", purged.askings);
        let refused = purged.askings.iter().any(|(_, it)| *it == Asking::Refused);
        assert_eq!(refused, asking == Asking::Refused);
    }
}

/// Nobody has asked for the owner yet, so it was not the run that has parted the two.
#[tokio::test(start_paused = true)]
async fn what_an_owner_lets_go_before_it_is_asked_for_stays() {
    let address = || thing("c.other/1").after("d.slow/1");
    let cloud = ScriptedCloud::with([
        slow(),
        ours("a.server/1").after("d.slow/1"),
        address().owned(Relation::NamedBy, "a.server/1"),
    ]);
    let part = |cloud: &ScriptedCloud| cloud.add(address());
    let purged = meanwhile(&cloud, 200, part, on_stage(&cloud).purge()).await;
    let why = purged.why("c.other/1");
    assert!(why.contains("a.server/1 has let it go"), "{why}");
}

/// Heat deletes a stack by the authority of its user.
#[tokio::test(start_paused = true)]
async fn what_should_go_before_a_container_and_is_left_holds_it() {
    let refused = Ok(Outcome::Refused("it is stuck".to_owned()));
    for (answers, stays) in [(1, true), (0, false)] {
        let stack = ours("a.stack/1").answers(refused.clone(), answers);
        let user = thing("identity.user/1").of_project(None);
        let cloud = ScriptedCloud::with([stack, user.named("c_rally_0a1b2c3d_AbCdEf12")]);
        let mut users = kind("identity.user");
        users.after.push("a.stack".into());
        let stage = script([cloud.rule("scripted", [kind("a.stack"), users])]).on(&cloud);
        let purged = stage.purge().await;
        match stays {
            true => {
                let why = purged.why("identity.user/1");
                assert!(why.contains("a.stack/1 must go before it"), "{why}");
            }
            false => purged.expect_gone(&["identity.user/1"]),
        }
    }
}

/// A large cloud's listing may take longer than a sight holds.
#[tokio::test(start_paused = true)]
async fn a_listing_that_takes_longer_than_a_sight_holds_is_not_repeated_for_ever() {
    let cloud = ScriptedCloud::with([slow(), ours("a.server/1").after("d.slow/1")]);
    let stage = on_stage(&cloud);
    let slower = |cloud: &ScriptedCloud| cloud.list_slowly(150_000);
    let purged = meanwhile(&cloud, 10, slower, stage.purge()).await;
    purged.expect_gone(&["a.server/1"]);
    let listed = cloud.listed("a.server").len();
    assert!(listed <= 3, "{listed} listings");
}
