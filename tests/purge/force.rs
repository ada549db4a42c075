//! Insisting: only where the operator does and the rule can, and only after an ordinary deletion has failed for good.

use super::*;

/// A kind that can be forced.
fn forceful(name: &str) -> Kind {
    let mut kind = kind(name);
    let reset = "POST /things/{id}/action {\"reset\":null}";
    kind.requests.push(Template::parse_forced(reset).unwrap());
    kind
}

async fn purge(cloud: &ScriptedCloud, insists: bool) -> Purged {
    let kinds = [forceful("a.x"), kind("b.y")];
    let mut stage = script([cloud.rule("scripted", kinds)]).on(cloud);
    stage.engine = stage.engine.insisting(insists);
    stage.purge().await
}

fn forced(cloud: &ScriptedCloud) -> Vec<String> {
    let calls = cloud.calls().into_iter();
    let forced = calls.filter_map(|(_, call)| match call {
        Call::Force(thing) => Some(thing),
        Call::List(..) | Call::Delete(_) | Call::IsGone(_) => None,
    });
    forced.collect()
}

#[tokio::test(start_paused = true)]
async fn what_resists_is_insisted_on_if_the_operator_does() {
    let things = || {
        [
            ours("a.x/refused").answers(Ok(Outcome::Refused("protected".to_owned())), 9),
            ours("a.x/denied").answers(Err(Cause::Denied("403".to_owned())), 9),
            ours("a.x/conflict").answers(Err(Cause::Conflict("400".to_owned())), 99),
            ours("a.x/stuck").stays_in("ERROR"),
            ours("a.x/plain"),
            ours("b.y/waits").after("a.x/refused"),
        ]
    };
    let names = ["a.x/refused", "a.x/denied", "a.x/conflict", "a.x/stuck"];

    let cloud = ScriptedCloud::with(things());
    let purged = purge(&cloud, true).await;
    purged.expect_gone(&names);
    purged.expect_gone(&["a.x/plain", "b.y/waits"]);
    let mut insisted = forced(&cloud);
    insisted.sort();
    let mut expected = names.map(str::to_owned);
    expected.sort();
    assert_eq!(insisted, expected);

    let cloud = ScriptedCloud::with(things());
    let purged = purge(&cloud, false).await;
    purged.expect_gone(&["a.x/plain"]);
    for name in names {
        assert!(purged.why(name).starts_with("failed: "), "{name}");
    }
    assert_eq!(forced(&cloud), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn where_a_rule_cannot_insist_and_after_a_misdeed_nobody_does() {
    let cloud = ScriptedCloud::with([
        ours("b.y/refused").answers(Ok(Outcome::Refused("protected".to_owned())), 9),
        ours("a.x/lied").answers(Err(Cause::Misbehaved("lied".to_owned())), 9),
    ]);
    let purged = purge(&cloud, true).await;
    assert!(purged.why("b.y/refused").contains("protected"));
    assert!(purged.why("a.x/lied").contains("lied"));
    assert_eq!(forced(&cloud), Vec::<String>::new());
}

/// Nova shows a server as soft-deleted until it has deleted it for good.
#[tokio::test(start_paused = true)]
async fn what_is_hidden_and_insisted_on_is_waited_for() {
    let mut hiding = forceful("a.x");
    hiding.effects.hidden_states = vec!["SOFT_DELETED".to_owned()];
    let hidden = ours("a.x/1").in_state("SOFT_DELETED").lingers_ms(4_000);
    let cloud = ScriptedCloud::with([hidden]);
    let mut stage = script([cloud.rule("scripted", [hiding])]).on(&cloud);
    stage.engine = stage.engine.insisting(true);
    stage.purge().await.expect_gone(&["a.x/1"]);
    assert_eq!(forced(&cloud), ["a.x/1"]);
}
