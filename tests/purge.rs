//! The engine against a scripted rule: what is deleted when, how long is waited, when it is given up.
//!
//! Time is tokio's and paused, so minutes of waiting take none, and a test can say exactly when something happens.

/// What goes along with something else.
mod companions;
/// Looks that would be made again and again.
mod endless;
/// Insisting on what an ordinary deletion does not move.
mod force;
/// What a decision rests on, and what is seen of that on the way.
mod grounds;
/// The survey: what is listed, in which scopes, and what a failing listing means.
mod survey;
/// The second look.
mod verify;
/// Deletions that take their time: waiting by listing.
mod waiting;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runner::engine::{Asking, Engine, EngineLimits, Fate, Reachable, RulesError, Verification};
use runner::event::{Event, Listener};
use runner::name::{NameMatcher, OriginFilter, TaskId, built_in};
use runner::plan::{Kept, Plan, Sieve, SweepScope};
use runner::resource::{Kind, Reach, Relation, Template, ThingRef};
use runner::rule::{Cause, Outcome};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::support::scripted_rule::{Call, Scripted, ScriptedCloud, ScriptedRule, at, kind, thing};

const TASK: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
const OURS: &str = "s_rally_0a1b2c3d_AbCdEf12";

/// A thing of the task.
fn ours(text: &str) -> Scripted {
    thing(text).named(OURS)
}

/// A kind that is listed otherwise than all at once.
fn with_reach(name: &str, reach: Reach) -> Kind {
    Kind {
        reach,
        ..kind(name)
    }
}

/// Keeps all events.
#[derive(Default)]
struct Recorder(Mutex<Vec<Event>>);

impl Listener for Recorder {
    fn notice(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// A cloud and an engine at work on it.
struct Stage {
    cloud: ScriptedCloud,
    engine: Engine<ScriptedRule>,
    sieve: Sieve,
    events: Arc<Recorder>,
    cancel: CancellationToken,
}

/// What stages differ in.
struct Script {
    rules: Vec<ScriptedRule>,
    limits: EngineLimits,
    reachable: Reachable,
}

/// An administrator's, over all projects, with the usual limits.
fn script(rules: impl IntoIterator<Item = ScriptedRule>) -> Script {
    Script {
        rules: rules.into_iter().collect(),
        limits: EngineLimits::default(),
        reachable: Reachable {
            is_admin: true,
            projects: None,
            user: Some("me".into()),
        },
    }
}

impl Script {
    fn try_on(self, cloud: &ScriptedCloud) -> Result<Stage, RulesError> {
        let scope = SweepScope {
            tasks: vec![TASK.to_owned()],
            projectless: self.reachable.projects.is_none(),
            projects: self.reachable.projects.clone(),
            ..SweepScope::default()
        };
        let tasks = [TaskId::parse(TASK).unwrap()];
        let names = NameMatcher::new(built_in(), &tasks, OriginFilter::All);
        let events = Arc::new(Recorder::default());
        let cancel = CancellationToken::new();
        Ok(Stage {
            cloud: cloud.clone(),
            engine: Engine::new(
                self.rules,
                self.reachable,
                self.limits,
                events.clone(),
                cancel.clone(),
            )?,
            sieve: Sieve::new(scope, names),
            events,
            cancel,
        })
    }

    fn on(self, cloud: &ScriptedCloud) -> Stage {
        self.try_on(cloud).unwrap()
    }
}

/// A stage whose one rule has these kinds.
fn stage(cloud: &ScriptedCloud, kinds: &[&str]) -> Stage {
    script([cloud.rule("scripted", kinds.iter().map(|name| kind(name)))]).on(cloud)
}

/// What a purge came to.
struct Purged {
    fates: BTreeMap<String, Fate>,
    /// What was told of things' deletions, in order.
    askings: Vec<(String, Asking)>,
    took: Duration,
}

impl Purged {
    fn fate(&self, thing: &str) -> &Fate {
        &self.fates[thing]
    }

    #[track_caller]
    fn expect_gone(&self, things: &[&str]) {
        for thing in things {
            assert_eq!(self.fates.get(*thing), Some(&Fate::Gone), "{thing}");
        }
    }

    /// The words of a thing that was not deleted.
    #[track_caller]
    fn why(&self, thing: &str) -> String {
        match self.fate(thing) {
            Fate::Failed(why) => format!("failed: {why}"),
            Fate::Abandoned(why) => format!("abandoned: {why}"),
            Fate::Blocked(why) => format!("blocked: {why}"),
            Fate::Asked(why) => format!("asked: {why}"),
            Fate::Gone => panic!("{thing} is gone"),
        }
    }
}

impl Stage {
    async fn plan(&self) -> (Plan, Vec<Kept>) {
        let survey = self.engine.survey(&self.sieve).await;
        assert_eq!(survey.failures, []);
        self.engine.plan(survey, &self.sieve)
    }

    async fn purge_plan(&self, plan: &Plan) -> (Purged, Vec<Fate>) {
        self.cloud.forget_calls();
        let start = Instant::now();
        let askings = Mutex::new(Vec::new());
        let note = |thing: &ThingRef, asking: Asking| {
            askings.lock().unwrap().push((thing.to_string(), asking));
        };
        let fates = self.engine.purge(plan, &self.sieve, &note).await;
        let things = plan.items.iter().map(|item| item.thing.to_string());
        let purged = Purged {
            fates: things.zip(fates.iter().cloned()).collect(),
            askings: askings.into_inner().unwrap(),
            took: start.elapsed(),
        };
        (purged, fates)
    }

    /// Surveys, plans and purges.
    async fn purge(&self) -> Purged {
        let (plan, _) = self.plan().await;
        self.purge_plan(&plan).await.0
    }

    /// Surveys, plans, purges and looks again.
    async fn sweep(&self) -> (Purged, Verification) {
        let (plan, _) = self.plan().await;
        let (purged, fates) = self.purge_plan(&plan).await;
        self.cloud.forget_calls();
        let verification = self.engine.verify(&plan, &fates, &self.sieve).await;
        (purged, verification)
    }

    fn events(&self) -> Vec<Event> {
        self.events.0.lock().unwrap().clone()
    }

    /// Cancels after so long. The purge is polled beside it.
    async fn cancelled_after<T>(&self, ms: u64, work: impl Future<Output = T>) -> T {
        let cancel = async {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            self.cancel.cancel();
        };
        tokio::join!(work, cancel).0
    }
}

fn left(verification: &Verification) -> Vec<(String, &str)> {
    let left = verification.left.iter();
    left.map(|left| (left.thing.to_string(), left.why.as_str()))
        .collect()
}

/// When the deletion of a thing was asked for first, in milliseconds after the first call.
fn asked_ms(cloud: &ScriptedCloud, thing: &str) -> u128 {
    let calls = cloud.calls();
    let first = calls.first().expect("a call").0;
    let asked = calls
        .iter()
        .find(|(_, call)| *call == Call::Delete(thing.to_owned()));
    asked
        .unwrap_or_else(|| panic!("{thing} was not asked for"))
        .0
        .duration_since(first)
        .as_millis()
}

#[tokio::test(start_paused = true)]
async fn a_thing_starts_as_soon_as_what_it_waits_for_is_gone() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1").latency_ms(1_000),
        ours("a.x/2").latency_ms(100),
        ours("b.y/1").after("a.x/1"),
        ours("b.y/2").after("a.x/2").latency_ms(50),
        ours("c.z/1").after("b.y/2").after("a.x/2"),
    ]);
    let purged = stage(&cloud, &["a.x", "b.y", "c.z"]).purge().await;
    purged.expect_gone(&["a.x/1", "a.x/2", "b.y/1", "b.y/2", "c.z/1"]);
    // The graph is one of things: what hangs on the quick one does not wait for the slow one of the same kind.
    assert_eq!(asked_ms(&cloud, "b.y/2"), 100);
    assert_eq!(asked_ms(&cloud, "c.z/1"), 150);
    assert_eq!(asked_ms(&cloud, "b.y/1"), 1_000);
    assert_eq!(purged.took, Duration::from_secs(1));
    assert_eq!(cloud.deleted().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn no_more_deletions_than_allowed_are_under_way() {
    let things = (0..100).map(|n| ours(&format!("a.x/{n}")).latency_ms(100));
    let cloud = ScriptedCloud::with(things);
    let limits = EngineLimits {
        deletions_max: 8,
        ..EngineLimits::default()
    };
    let rule = cloud.rule("scripted", [kind("a.x")]);
    let stage = Script {
        limits,
        ..script([rule])
    }
    .on(&cloud);
    let purged = stage.purge().await;
    assert!(purged.fates.values().all(|fate| *fate == Fate::Gone));
    assert_eq!(cloud.deleting_max(), 8);
    // As many as allowed all the time: 13 batches of 100 ms.
    assert_eq!(purged.took, Duration::from_millis(1_300));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_tried_again_until_nothing_is_in_the_way() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1").held_by("b.y/1"),
        ours("b.y/1").latency_ms(2_000),
    ]);
    let stage = stage(&cloud, &["a.x", "b.y"]);
    stage.purge().await.expect_gone(&["a.x/1", "b.y/1"]);
    let attempts = cloud.deleted().iter().filter(|it| *it == "a.x/1").count();
    // At 0, 0.5, 1.5 and 3.5 s: pauses double.
    assert_eq!(attempts, 4);
    let in_the_way = stage.events().into_iter().filter_map(|event| match event {
        Event::InTheWay { thing, why } => Some((thing.to_string(), why)),
        _ => None,
    });
    let expected = ("a.x/1".to_owned(), "b.y/1 is there".to_owned());
    assert_eq!(in_the_way.collect::<Vec<_>>(), vec![expected; 3]);
}

#[tokio::test(start_paused = true)]
async fn what_nothing_can_move_is_given_up_early() {
    for count in [1, 200] {
        let held = (0..count).map(|n| ours(&format!("a.x/{n}")).held_by("b.y/1").latency_ms(10));
        let cloud = ScriptedCloud::with(held.chain([thing("b.y/1").named("web")]));
        let purged = stage(&cloud, &["a.x", "b.y"]).purge().await;
        assert_eq!(purged.why("a.x/0"), "failed: b.y/1 is there");
        let limits = EngineLimits::default();
        let most = usize::try_from(limits.idle_attempts_max + 1).unwrap() * count;
        let attempts = cloud.deleted().len();
        assert!(attempts <= most, "{count} things: {attempts} attempts");
        assert!(attempts > count, "it was tried only once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_call_elsewhere_is_worth_waiting_for() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1").held_by("b.y/1"),
        ours("b.y/1").latency_ms(60_000),
    ]);
    let purged = stage(&cloud, &["a.x", "b.y"]).purge().await;
    purged.expect_gone(&["a.x/1", "b.y/1"]);
}

#[tokio::test(start_paused = true)]
async fn while_nothing_moves_there_are_few_attempts_and_one_soon_after_something_did() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1").held_by("b.y/1"),
        ours("b.y/1").latency_ms(35_000),
    ]);
    let purged = stage(&cloud, &["a.x", "b.y"]).purge().await;
    purged.expect_gone(&["a.x/1", "b.y/1"]);
    let attempts = cloud.deleted().iter().filter(|it| *it == "a.x/1").count();
    // At 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s; then not 32 s later, but eight after the other has gone.
    assert_eq!(attempts, 8);
    assert_eq!(purged.took, Duration::from_secs(35 + 8));
}

#[tokio::test(start_paused = true)]
async fn attempts_are_bounded_even_while_other_things_move() {
    let steps = (0..100).map(|n| {
        let step = ours(&format!("b.y/{n:03}")).latency_ms(5_000);
        if n == 0 {
            step
        } else {
            step.after(&format!("b.y/{:03}", n - 1))
        }
    });
    let cloud = ScriptedCloud::with(steps.chain([ours("a.x/1").held_by("c.z/1"), thing("c.z/1")]));
    let purged = stage(&cloud, &["a.x", "b.y", "c.z"]).purge().await;
    assert_eq!(purged.why("a.x/1"), "failed: c.z/1 is there");
    let attempts = cloud.deleted().iter().filter(|it| *it == "a.x/1").count();
    assert_eq!(attempts, 20);
}

#[tokio::test(start_paused = true)]
async fn not_found_is_gone() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1").answers(Err(Cause::NotFound), 1),
        ours("b.y/1").after("a.x/1"),
    ]);
    let purged = stage(&cloud, &["a.x", "b.y"]).purge().await;
    purged.expect_gone(&["a.x/1", "b.y/1"]);
    assert_eq!(cloud.deleted(), ["a.x/1", "b.y/1"]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_takes_its_dependants_and_nothing_else() {
    let causes = [
        ("denied", 5, Cause::Denied("no role".to_owned())),
        ("crashed", 1, Cause::Crashed("unreachable".to_owned())),
        ("misbehaved", 1, Cause::Misbehaved("lied".to_owned())),
        ("off", 1, Cause::Off("lied before".to_owned())),
        ("malformed", 1, Cause::Malformed("no JSON".to_owned())),
        ("limit", 1, Cause::Limit("memory".to_owned())),
    ];
    for (case, attempts, cause) in causes {
        let cloud = ScriptedCloud::with([
            ours("a.x/1").answers(Err(cause.clone()), 99),
            ours("a.x/2"),
            ours("b.y/1").after("a.x/1"),
            ours("b.y/2").after("a.x/2"),
            ours("c.z/1").after("b.y/1").after("b.y/2"),
        ]);
        let stage = stage(&cloud, &["a.x", "b.y", "c.z"]);
        let purged = stage.purge().await;
        let why = format!("rule scripted, delete of a.x/1: {cause}");
        assert_eq!(purged.why("a.x/1"), format!("failed: {why}"), "{case}");
        for dependant in ["b.y/1", "c.z/1"] {
            let expected = format!("abandoned: a.x/1 must go before it and is left: {why}");
            assert_eq!(purged.why(dependant), expected, "{case}");
            assert!(cloud.exists(dependant), "{case}");
        }
        purged.expect_gone(&["a.x/2", "b.y/2"]);
        // But for a denial, which may be a mistake, it cannot get better.
        assert_eq!(cloud.deleted().len(), 2 + attempts, "{case}");
        let failed = stage.events().into_iter().filter_map(|event| match event {
            Event::Failed { thing, .. } => Some(thing.to_string()),
            _ => None,
        });
        let failed: Vec<String> = failed.collect();
        assert_eq!(failed, ["a.x/1", "b.y/1", "c.z/1"], "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_final_and_told() {
    let refusal = Ok(Outcome::Refused("it is in use".to_owned()));
    let cloud = ScriptedCloud::with([ours("a.x/1").answers(refusal, 9)]);
    let purged = stage(&cloud, &["a.x"]).purge().await;
    assert_eq!(purged.why("a.x/1"), "failed: refused: it is in use");
    assert_eq!(cloud.deleted(), ["a.x/1"]);
}

#[tokio::test(start_paused = true)]
async fn a_busy_cloud_is_asked_a_few_times_more() {
    let busy = || Err(Cause::Unavailable("503".to_owned()));
    let cloud = ScriptedCloud::with([
        ours("a.x/1").answers(busy(), 4),
        ours("a.x/2").answers(busy(), 99),
    ]);
    let purged = stage(&cloud, &["a.x"]).purge().await;
    purged.expect_gone(&["a.x/1"]);
    assert!(purged.why("a.x/2").ends_with("unavailable: 503"));
    let count = |thing: &str| cloud.deleted().iter().filter(|it| *it == thing).count();
    assert_eq!((count("a.x/1"), count("a.x/2")), (5, 5));
}

/// A router whose extra routes hold its interface takes them away when it is asked to go, and says that the interface is in its way.
#[tokio::test(start_paused = true)]
async fn what_a_thing_says_is_in_its_way_need_not_wait_for_it() {
    let cloud = ScriptedCloud::with([
        ours("a.router/1").answers(Ok(Outcome::Blocked(vec![at("b.port/1")])), 1),
        ours("b.port/1").after("a.router/1"),
    ]);
    let purged = stage(&cloud, &["a.router", "b.port"]).purge().await;
    purged.expect_gone(&["a.router/1", "b.port/1"]);
    assert_eq!(cloud.deleted(), ["a.router/1", "b.port/1", "a.router/1"]);
}

#[tokio::test(start_paused = true)]
async fn blocked_things_are_not_tried() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1").after("b.y/1"),
        ours("a.x/2").after("a.x/1"),
        thing("b.y/1").named("web"),
        ours("c.z/1"),
    ]);
    let stage = stage(&cloud, &["a.x", "b.y", "c.z"]);
    let purged = stage.purge().await;
    assert_eq!(
        purged.why("a.x/1"),
        "blocked: b.y/1 is in the way: kept: other name"
    );
    assert_eq!(
        purged.why("a.x/2"),
        "blocked: a.x/1 is in the way: it is blocked itself"
    );
    assert_eq!(cloud.deleted(), ["c.z/1"]);
    let failed = stage
        .events()
        .iter()
        .filter(|event| matches!(event, Event::Failed { .. }))
        .count();
    assert_eq!(failed, 2);
}

#[tokio::test(start_paused = true)]
async fn cancelling_lets_what_is_under_way_finish() {
    let first = (0..4).map(|n| ours(&format!("a.x/{n}")).latency_ms(1_000));
    let then = (0..4).map(|n| ours(&format!("b.y/{n}")).after(&format!("a.x/{n}")));
    let lingering = ours("c.z/1").lingers_ms(600_000);
    let cloud = ScriptedCloud::with(first.chain(then).chain([lingering]));
    let stage = stage(&cloud, &["a.x", "b.y", "c.z"]);
    let (plan, _) = stage.plan().await;
    let (purged, _) = stage.cancelled_after(300, stage.purge_plan(&plan)).await;
    purged.expect_gone(&["a.x/0", "a.x/1", "a.x/2", "a.x/3"]);
    for thing in ["b.y/0", "b.y/1", "b.y/2", "b.y/3"] {
        assert_eq!(purged.why(thing), "abandoned: the run was interrupted");
    }
    assert_eq!(purged.why("c.z/1"), "asked: the run was interrupted");
    assert_eq!(cloud.deleted().len(), 5);
    assert_eq!(purged.took, Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_cancelled_before_its_purge_sends_nothing() {
    let cloud = ScriptedCloud::with([ours("a.x/1"), ours("a.x/2")]);
    let stage = stage(&cloud, &["a.x"]);
    let (plan, _) = stage.plan().await;
    stage.cancel.cancel();
    let (purged, _) = stage.purge_plan(&plan).await;
    assert_eq!(purged.why("a.x/1"), "abandoned: the run was interrupted");
    assert_eq!(cloud.deleted(), Vec::<String>::new());
}

/// Only a thing of the same rule that waits for nothing else is let go, and never what is deleted over its contents.
#[tokio::test(start_paused = true)]
async fn what_a_rule_lets_go_is_its_own_and_waits_for_nothing_else() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1").answers(
            Ok(Outcome::Blocked(vec![
                at("identity.project/demo"),
                at("b.y/1"),
                at("c.z/1"),
            ])),
            1,
        ),
        ours("a.x/2").lingers_ms(60_000),
        ours("b.y/1").after("a.x/1"),
        ours("c.z/1").after("a.x/1").after("a.x/2"),
        ours("identity.project/demo").of_project(None),
    ]);
    let rules = [
        cloud.rule("one", [kind("a.x"), kind("c.z"), kind("identity.project")]),
        cloud.rule("other", [kind("b.y")]),
    ];
    script(rules).on(&cloud).purge().await;
    let deleted = cloud.deleted();
    assert_eq!(deleted[..4], ["a.x/1", "a.x/2", "a.x/1", "b.y/1"]);
    assert_eq!(deleted.last().unwrap(), "identity.project/demo");
}

/// A gateway port of a rule of its own goes with a router of another one: the order was the port's own wish.
#[tokio::test(start_paused = true)]
async fn a_rule_lets_the_owner_go_that_it_has_named() {
    let cloud = ScriptedCloud::with([
        thing("a.port/1")
            .owned(Relation::NamedBy, "b.router/1")
            .answers(Ok(Outcome::Blocked(vec![at("b.router/1")])), 1),
        ours("b.router/1"),
    ]);
    let rules = [
        cloud.rule("one", [kind("a.port")]),
        cloud.rule("other", [kind("b.router")]),
    ];
    let purged = script(rules).on(&cloud).purge().await;
    purged.expect_gone(&["a.port/1", "b.router/1"]);
    assert_eq!(cloud.deleted(), ["a.port/1", "b.router/1", "a.port/1"]);
}

/// So does the interface of the same router, which a route holds, and the router takes the routes away when it is asked to go.
#[tokio::test(start_paused = true)]
async fn all_that_an_owner_waits_for_may_wait_for_it() {
    let in_the_way = || Ok(Outcome::Blocked(vec![at("b.router/1")]));
    let port = |at| thing(at).owned(Relation::NamedBy, "b.router/1");
    let cloud = ScriptedCloud::with([
        port("a.port/1").answers(in_the_way(), 1),
        port("a.port/2").answers(in_the_way(), 1),
        port("a.port/3").lingers_ms(60_000),
        ours("b.router/1"),
    ]);
    let rules = [
        cloud.rule("one", [kind("a.port")]),
        cloud.rule("other", [kind("b.router")]),
    ];
    let purged = script(rules).on(&cloud).purge().await;
    purged.expect_gone(&["a.port/1", "a.port/2", "a.port/3", "b.router/1"]);
    let deleted = cloud.deleted();
    let router = deleted.iter().position(|it| it == "b.router/1");
    let last = deleted.iter().rposition(|it| it == "a.port/3");
    assert!(
        router > last,
        "it waits for what has not said so: {deleted:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_purge_ends_at_its_deadline() {
    let steps = (0..200_u32).map(|n| {
        let step = ours(&format!("a.x/{n:03}")).latency_ms(100);
        if n == 0 {
            step
        } else {
            step.after(&format!("a.x/{:03}", n - 1))
        }
    });
    let cloud = ScriptedCloud::with(steps);
    let limits = EngineLimits {
        deadline_s: 10,
        ..EngineLimits::default()
    };
    let rule = cloud.rule("scripted", [kind("a.x")]);
    let stage = Script {
        limits,
        ..script([rule])
    }
    .on(&cloud);
    let purged = stage.purge().await;
    assert_eq!(purged.took, Duration::from_secs(10));
    let gone = purged.fates.values().filter(|it| **it == Fate::Gone);
    assert_eq!(gone.count(), 100);
    assert_eq!(
        purged.why("a.x/199"),
        "abandoned: the limit deadline_s was reached"
    );
}

/// A rule that does not order its things: all of one kind go before any of another.
#[tokio::test(start_paused = true)]
async fn a_kind_goes_after_all_things_of_the_kinds_before_it() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1"),
        ours("b.y/1").latency_ms(100),
        ours("b.y/2").latency_ms(900),
    ]);
    let first_b = Kind {
        after: vec!["b.y".into()],
        ..kind("a.x")
    };
    let rule = cloud.rule("scripted", [first_b, kind("b.y")]);
    script([rule]).on(&cloud).purge().await;
    assert_eq!(asked_ms(&cloud, "a.x/1"), 900);
}

#[tokio::test(start_paused = true)]
async fn an_order_of_kinds_that_things_contradict_is_let_go() {
    let kinds = [
        Kind {
            after: vec!["b.y".into()],
            ..kind("a.x")
        },
        kind("b.y"),
    ];
    // Once as an edge of the plan, and once as a conflict that only the cloud knows.
    let edge = ours("b.y/1").after("a.x/1");
    let conflict = ours("b.y/1").held_by("a.x/1");
    for (case, second) in [("edge", edge), ("conflict", conflict)] {
        let cloud = ScriptedCloud::with([ours("a.x/1"), second]);
        let rule = cloud.rule("scripted", kinds.clone());
        let purged = script([rule]).on(&cloud).purge().await;
        purged.expect_gone(&["a.x/1", "b.y/1"]);
        assert!(purged.took < Duration::from_secs(10), "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_has_failed_does_not_hold_the_next_for_ever() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1"),
        ours("b.y/1").answers(Err(Cause::Denied("no".to_owned())), 2),
    ]);
    let kinds = [
        Kind {
            after: vec!["b.y".into()],
            ..kind("a.x")
        },
        kind("b.y"),
    ];
    let rule = cloud.rule("scripted", kinds);
    let purged = script([rule]).on(&cloud).purge().await;
    purged.expect_gone(&["a.x/1"]);
}

#[test]
fn rules_that_cannot_run_together_are_refused() {
    let cloud = ScriptedCloud::default();
    let after = |name: &str, first: &str| Kind {
        after: vec![first.into()],
        ..kind(name)
    };
    let under = |name: &str, parent: &str| with_reach(name, Reach::UnderEach(parent.into()));
    let refused = |rules: Vec<ScriptedRule>| script(rules).try_on(&cloud).err();
    let one = |kinds: Vec<Kind>| refused(vec![cloud.rule("one", kinds)]).map(|it| it.to_string());
    let circle = |kinds: &str| {
        Some(format!(
            "these kinds wait for each other in a circle, so none of them could go first: {kinds}"
        ))
    };

    let two = refused(vec![
        cloud.rule("one", [kind("a.x")]),
        cloud.rule("two", [kind("b.y"), kind("a.x")]),
    ]);
    let expected = RulesError::TwoRules {
        kind: "a.x".into(),
        first: "one".into(),
        second: "two".into(),
    };
    assert_eq!(two, Some(expected));
    assert_eq!(
        one(vec![after("a.x", "b.y"), after("b.y", "a.x")]),
        circle("a.x → b.y → a.x")
    );
    assert_eq!(one(vec![after("a.x", "a.x")]), circle("a.x → a.x"));
    assert_eq!(
        one(vec![under("a.x", "b.y"), under("b.y", "a.x")]),
        circle("a.x → b.y → a.x")
    );
    assert_eq!(one(vec![after("a.x", "b.y"), after("b.y", "c.z")]), None);
    // What is listed under a thing goes before it as a matter of course.
    assert_eq!(one(vec![after("a.x", "b.y"), under("b.y", "a.x")]), None);
}
