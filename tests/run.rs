//! A run as a value: the steps that the command line drives, over a scripted rule, in paused time, without a socket.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use runner::engine::{Engine, EngineLimits, Fate, Reachable};
use runner::event::{Dated, Event, Phase, Sink, Tally};
use runner::exit::Exit;
use runner::name::{NameMatcher, OriginFilter, TaskId, built_in};
use runner::plan::{Place, Plan, Sieve, SweepScope};
use runner::rule::{Cause, Outcome as Deletion};
use runner::run::{
    Chronicle, Confirm, Guards, Ledger, Outcome, Purpose, Question, Refusal, Run, Unconfirmed,
};
use runner::unlooked::Unlooked;
use tokio_util::sync::CancellationToken;

use crate::support::scripted_rule::{Scripted, ScriptedCloud, ScriptedRule, kind, thing};

const TASK: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
const OURS: &str = "s_rally_0a1b2c3d_AbCdEf12";

fn ours(text: &str) -> Scripted {
    thing(text).named(OURS)
}

/// Keeps all events.
#[derive(Default)]
struct Recorder(Mutex<Vec<Dated>>);

impl Sink for Recorder {
    fn take(&self, dated: &Dated) {
        self.0.lock().unwrap().push(dated.clone());
    }
}

/// Interrupts a run with the first thing that is listed.
struct Interruption(CancellationToken);

impl Sink for Interruption {
    fn take(&self, dated: &Dated) {
        if matches!(dated.event, Event::Listed { .. }) {
            self.0.cancel();
        }
    }
}

/// A run over a cloud whose one rule has the kinds `a.x` and `b.y`, and all that it was put together from.
struct Stage {
    cloud: ScriptedCloud,
    run: Run<ScriptedRule>,
    cancel: CancellationToken,
    events: Arc<Recorder>,
}

fn began() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

/// A sweep of one task.
fn stage(cloud: &ScriptedCloud) -> Stage {
    staged(cloud, &[TASK])
}

fn staged(cloud: &ScriptedCloud, tasks: &[&str]) -> Stage {
    staged_before(cloud, tasks, |_| Vec::new())
}

/// The same, with others who listen.
fn staged_before(
    cloud: &ScriptedCloud,
    tasks: &[&str],
    audience: impl FnOnce(&CancellationToken) -> Vec<Arc<dyn Sink>>,
) -> Stage {
    let scope = SweepScope {
        tasks: tasks.iter().map(ToString::to_string).collect(),
        projectless: true,
        ..SweepScope::default()
    };
    let tasks: Vec<TaskId> = tasks.iter().map(|id| TaskId::parse(id).unwrap()).collect();
    let names = NameMatcher::new(built_in(), &tasks, OriginFilter::All);
    let events = Arc::new(Recorder::default());
    let cancel = CancellationToken::new();
    let mut sinks: Vec<Arc<dyn Sink>> = vec![events.clone()];
    sinks.extend(audience(&cancel));
    let chronicle = Arc::new(Chronicle::begin("run-1", began(), sinks));
    let reachable = Reachable {
        is_admin: true,
        projects: None,
        user: Some("me".into()),
    };
    let engine = Engine::new(
        vec![cloud.rule("scripted", [kind("a.x"), kind("b.y")])],
        reachable,
        EngineLimits::default(),
        chronicle.clone(),
        cancel.clone(),
    );
    Stage {
        cloud: cloud.clone(),
        run: Run::new(
            engine.unwrap(),
            Sieve::new(scope, names),
            chronicle,
            cancel.clone(),
        ),
        cancel,
        events,
    }
}

impl Stage {
    async fn sweep(&self) -> Outcome {
        self.run.sweep(&Guards::NONE).await
    }

    /// Does something, and interrupts the run meanwhile.
    async fn interrupted_after<T>(&self, ms: u64, work: impl Future<Output = T>) -> T {
        let interrupt = async {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            self.cancel.cancel();
        };
        tokio::join!(work, interrupt).0
    }

    #[track_caller]
    fn expect_untouched(&self) {
        assert_eq!(self.cloud.deleted(), Vec::<String>::new());
    }
}

/// Somebody who takes so long to answer.
struct Slow(u64, Result<(), Unconfirmed>);

impl Confirm for Slow {
    fn ask<'a>(&'a self, _question: Question<'a>) -> BoxFuture<'a, Result<(), Unconfirmed>> {
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(self.0)).await;
            self.1.clone()
        })
    }
}

fn no() -> Result<(), Unconfirmed> {
    Err(Unconfirmed {
        why: "no".to_owned(),
        hint: None,
    })
}

fn asking(confirm: &dyn Confirm) -> Guards<'_> {
    Guards {
        confirm,
        ..Guards::NONE
    }
}

#[tokio::test(start_paused = true)]
async fn a_sweep_deletes_looks_again_and_is_clean() {
    let cloud = ScriptedCloud::with([ours("a.x/1"), ours("b.y/1"), thing("a.x/2").named("web")]);
    let stage = stage(&cloud);
    let outcome = stage.sweep().await;
    assert_eq!(outcome.fates, Some(vec![Fate::Gone, Fate::Gone]));
    assert_eq!((outcome.left.len(), outcome.kept.len()), (0, 1));
    assert_eq!(outcome.exit(), Exit::Clean);
    assert!(cloud.exists("a.x/2"));
}

#[tokio::test(start_paused = true)]
async fn every_event_has_its_run_and_its_time() {
    let cloud = ScriptedCloud::with([ours("a.x/1").latency_ms(2_000)]);
    let stage = stage(&cloud);
    stage.sweep().await;
    let events = stage.events.0.lock().unwrap();
    assert!(events.iter().all(|dated| &*dated.run == "run-1"));
    assert!(events.is_sorted_by_key(|dated| dated.at));
    let at = |wanted: &dyn Fn(&Event) -> bool| {
        let found = events.iter().find(|dated| wanted(&dated.event));
        found.expect("it happened").at.duration_since(began())
    };
    assert_eq!(
        at(&|it| *it
            == Event::Phase {
                phase: Phase::Survey
            })
        .as_millis(),
        0
    );
    assert_eq!(
        at(&|it| matches!(it, Event::Gone { .. })).as_millis(),
        2_000
    );
}

#[tokio::test(start_paused = true)]
async fn the_exit_code_follows_from_the_outcome() {
    let unlooked = |is_failure| Unlooked {
        service: "object-store".to_owned(),
        region: Some("RegionTwo".to_owned()),
        interface: None,
        why: "no rule is loaded for it".to_owned(),
        is_failure,
        by_word: false,
    };
    type Change = fn(&mut Outcome);
    let cloud = ScriptedCloud::with([ours("a.x/1")]);
    let run = stage(&cloud).run.without(vec![unlooked(false)]);
    let shown = run.show(run.look().await, Purpose::Show);
    assert_eq!(
        shown.exit(),
        Exit::Clean,
        "a service without a rule is said, and no failure"
    );
    let steps: &[(Exit, Change)] = &[
        (Exit::WorkToDo, |it| it.purpose = Purpose::ShowInDetail),
        (Exit::Left, |it| {
            it.left.push(runner::engine::Left {
                thing: it.plan.items[0].thing.clone(),
                name: None,
                why: "it stays".to_owned(),
            });
        }),
        (Exit::Unlisted, |it| it.unlooked[0].is_failure = true),
        (Exit::Guarded, |it| {
            it.refusal = Some(Refusal::TooMany {
                deletions: 2,
                limit: 1,
            });
        }),
        (Exit::Unexpected, |it| {
            it.trouble = Some("the disk is full".to_owned());
        }),
        (Exit::Interrupted, |it| it.interrupted = true),
    ];
    let mut outcome = shown;
    for (exit, change) in steps {
        change(&mut outcome);
        assert_eq!(
            outcome.exit(),
            *exit,
            "each is stronger than the ones before"
        );
    }
    assert!(unlooked(true).is_failure);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_failed_makes_it_four_whichever_look_it_was() {
    for failing in [1, 2] {
        let cloud = ScriptedCloud::with([ours("a.x/1"), ours("b.y/1")]);
        let stage = stage(&cloud);
        let look = stage.run.look().await;
        if failing == 2 {
            cloud.fail_listings("b.y", Cause::Unavailable("503".to_owned()), 10);
            let outcome = stage.run.execute(look, &Guards::NONE).await;
            assert_eq!(outcome.exit(), Exit::Unlisted);
        } else {
            cloud.fail_listings("b.y", Cause::Unavailable("503".to_owned()), 1);
            let outcome = stage.run.show(stage.run.look().await, Purpose::Show);
            assert_eq!(outcome.failures.len(), 1);
            assert_eq!(outcome.exit(), Exit::Unlisted);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_left_makes_it_three() {
    let refuses = ours("a.x/1").answers(Ok(Deletion::Refused("no".to_owned())), 9);
    let outcome = stage(&ScriptedCloud::with([refuses])).sweep().await;
    assert_eq!(outcome.exit(), Exit::Left);
    assert_eq!(outcome.left.len(), 1);
}

/// A deletion that was answered and has come to nothing: no figure counts it as gone.
#[tokio::test(start_paused = true)]
async fn what_is_still_listed_in_the_end_does_not_count_as_deleted() {
    let accepted = Ok(Deletion::Gone);
    let cloud = ScriptedCloud::with([ours("a.x/1").answers(accepted, 9), ours("a.x/2")]);
    let stage = stage(&cloud);
    let outcome = stage.sweep().await;
    assert_eq!(outcome.exit(), Exit::Left);
    let fates = outcome.fates.unwrap_or_default();
    let gone = fates.iter().filter(|fate| **fate == Fate::Gone).count();
    assert_eq!((gone, outcome.left.len()), (1, 1), "{fates:?}");
    let mut tally = Tally::default();
    for dated in stage.events.0.lock().unwrap().iter() {
        tally.take(&dated.event);
    }
    assert_eq!((tally.deleted, tally.failed, tally.left), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_refuses_lets_nothing_be_sent() {
    let cloud = ScriptedCloud::with([ours("a.x/1"), ours("a.x/2")]);
    let few = Guards {
        deletions_max: Some(1),
        ..Guards::NONE
    };
    let stage_of_task = stage(&cloud);
    let outcome = stage_of_task.run.sweep(&few).await;
    assert_eq!(outcome.exit(), Exit::Guarded);
    stage_of_task.expect_untouched();
    let every_task = staged(&cloud, &[]);
    let outcome = every_task.run.sweep(&asking(&Slow(0, no()))).await;
    assert_eq!(outcome.exit(), Exit::Guarded);
    every_task.expect_untouched();
    // Somebody who has named a task is not asked.
    let outcome = stage(&cloud).run.sweep(&asking(&Slow(0, no()))).await;
    assert_eq!(outcome.exit(), Exit::Clean);
}

/// A ledger that cannot be written.
struct Full;

impl Ledger for Full {
    fn begin<'a>(&'a self, _plan: &'a Plan) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async { Err("the disk is full".to_owned()) })
    }

    fn end<'a>(&'a self, _outcome: &'a Outcome) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test(start_paused = true)]
async fn without_records_nothing_is_changed() {
    let cloud = ScriptedCloud::with([ours("a.x/1")]);
    let Stage { run, .. } = stage(&cloud);
    let outcome = run.recorded_by(Full).sweep(&Guards::NONE).await;
    assert_eq!(outcome.exit(), Exit::Unexpected);
    assert_eq!(cloud.deleted(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_run_sends_nothing_before_its_plan_is_whole_and_allowed() {
    // One listing takes a second, and the answer another one.
    for (ms, found) in [(0, 0), (500, 0), (1_500, 3), (1_999, 3)] {
        let cloud = ScriptedCloud::with([ours("a.x/1"), ours("a.x/2"), ours("b.y/1")]);
        cloud.list_slowly(1_000);
        let stage = staged(&cloud, &[]);
        let slow = Slow(1_000, Ok(()));
        let sweep = async { stage.run.sweep(&asking(&slow)).await };
        let outcome = stage.interrupted_after(ms, sweep).await;
        assert_eq!(outcome.exit(), Exit::Interrupted, "after {ms} ms");
        assert_eq!(outcome.plan.items.len(), found, "after {ms} ms");
        assert_eq!(outcome.fates, None, "after {ms} ms");
        stage.expect_untouched();
        let failed: BTreeSet<&str> = outcome.failures.iter().map(|it| &*it.why).collect();
        assert_eq!(
            failed,
            BTreeSet::new(),
            "an interruption is no failed listing"
        );
    }
}

/// The listings of the engine may end before anybody else has heard of it.
#[tokio::test(start_paused = true)]
async fn an_interruption_that_the_listings_see_first_is_no_failed_listing() {
    let cloud = ScriptedCloud::with([ours("a.x/1"), ours("b.y/1")]);
    cloud.page_by(1);
    let stage = staged_before(&cloud, &[TASK], |cancel| {
        vec![Arc::new(Interruption(cancel.clone()))]
    });
    let outcome = stage.sweep().await;
    assert_eq!(outcome.exit(), Exit::Interrupted);
    assert!(!outcome.is_surveyed);
    assert_eq!(outcome.failures, []);
    stage.expect_untouched();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_interrupted_before_it_began_asks_for_nothing() {
    let cloud = ScriptedCloud::with([ours("a.x/1")]);
    let stage = stage(&cloud);
    stage.cancel.cancel();
    let outcome = stage.sweep().await;
    assert_eq!(outcome.exit(), Exit::Interrupted);
    assert_eq!(cloud.calls(), []);
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_purge_tells_what_was_asked_from_what_was_not_tried() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1"),
        ours("a.x/2").lingers_ms(60_000),
        ours("b.y/1").after("a.x/2"),
    ]);
    let stage = stage(&cloud);
    let outcome = stage.interrupted_after(5_000, stage.sweep()).await;
    assert_eq!(outcome.exit(), Exit::Interrupted);
    let ended = |thing: &str| {
        let items = &outcome.plan.items;
        let position = items
            .iter()
            .position(|item| item.thing.to_string() == thing);
        outcome.fates.as_ref().unwrap()[position.unwrap()].clone()
    };
    let why = "the run was interrupted".to_owned();
    assert_eq!(ended("a.x/1"), Fate::Gone);
    assert_eq!(ended("a.x/2"), Fate::Asked(why.clone()));
    assert_eq!(ended("b.y/1"), Fate::Abandoned(why));
    assert_eq!(outcome.failures, [], "an interruption is no failed listing");
}

/// A place, as of when the runs of these tests begin.
fn here() -> Place {
    Place {
        cloud: "prod".to_owned(),
        auth_url: Some("https://keystone.example.org/v3".to_owned()),
        region: None,
        interfaces: vec!["public".to_owned()],
        endpoints: BTreeMap::new(),
        user: "admin".to_owned(),
        scope: "the whole system".to_owned(),
        rules: [("scripted".to_owned(), "abc".to_owned())].into(),
        tasks: vec![TASK.to_owned()],
        made_at: began(),
        version: "runner 0".to_owned(),
    }
}

/// The plan that a run here would save, as it is read back.
async fn saved(cloud: &ScriptedCloud) -> Plan {
    let Stage { run, .. } = stage(cloud);
    let look = run.at(here()).look().await;
    let text = serde_json::to_string(&look.plan).unwrap();
    serde_json::from_str(&text).unwrap()
}

const DAY_S: u64 = 86_400;

#[tokio::test(start_paused = true)]
async fn a_plan_is_executed_where_it_was_made_and_nowhere_else() {
    type Change = fn(&mut Plan);
    let cases: &[(&str, Change)] = &[
        ("its user was other, and here it is admin", |plan| {
            plan.place.as_mut().unwrap().user = "other".to_owned();
        }),
        ("it does not say where", |plan| plan.place = None),
        ("more than 86400 s from now", |plan| {
            plan.place.as_mut().unwrap().made_at = "2025-12-31T00:00:00Z".parse().unwrap();
        }),
    ];
    for (words, change) in cases {
        let cloud = ScriptedCloud::with([ours("a.x/1")]);
        let mut plan = saved(&cloud).await;
        change(&mut plan);
        cloud.forget_calls();
        let Stage { run, .. } = stage(&cloud);
        let outcome = run.at(here()).apply(&plan, DAY_S, &Guards::NONE).await;
        assert_eq!(outcome.exit(), Exit::Guarded, "{words}");
        let refusal = outcome.refusal.unwrap();
        assert!(refusal.to_string().contains(words), "{refusal}");
        assert!(refusal.hint().is_some());
        assert_eq!(cloud.calls(), [], "nothing is even listed");
    }
    let cloud = ScriptedCloud::with([ours("a.x/1")]);
    let plan = saved(&cloud).await;
    let Stage { run, .. } = stage(&cloud);
    let outcome = run.at(here()).apply(&plan, DAY_S, &Guards::NONE).await;
    assert_eq!(outcome.exit(), Exit::Clean);
    assert!(!cloud.exists("a.x/1"));
}

#[tokio::test(start_paused = true)]
async fn drift_of_one_thing_leaves_that_thing_and_says_so() {
    let renamed = "s_rally_0a1b2c3d_newname1";
    let cases = [
        (
            ours("a.x/1").named(renamed),
            format!("it was called {OURS}, and now {renamed}"),
        ),
        (
            ours("a.x/1").of_project(Some("shop")),
            "its project was demo, and now shop".to_owned(),
        ),
        (
            thing("a.x/1").named("web"),
            "now it is kept: other name".to_owned(),
        ),
    ];
    for (changed, words) in cases {
        let cloud = ScriptedCloud::with([ours("a.x/1"), ours("b.y/1")]);
        let plan = saved(&cloud).await;
        cloud.add(changed);
        let Stage { run, .. } = stage(&cloud);
        let outcome = run.at(here()).apply(&plan, DAY_S, &Guards::NONE).await;
        assert_eq!(outcome.exit(), Exit::Left, "{words}");
        assert_eq!(cloud.deleted(), ["b.y/1"], "{words}");
        let left: Vec<&str> = outcome.left.iter().map(|left| &*left.why).collect();
        assert_eq!(
            left,
            [format!("it has changed since the plan was made: {words}")]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_remainder_is_verified_like_any_other() {
    // What the plan names has gone, and something else of the task has come.
    let cloud = ScriptedCloud::with([ours("a.x/1")]);
    let plan = saved(&cloud).await;
    let cloud = ScriptedCloud::with([ours("b.y/9")]);
    let Stage { run, .. } = stage(&cloud);
    let outcome = run.at(here()).apply(&plan, DAY_S, &Guards::NONE).await;
    assert_eq!(outcome.plan.items, []);
    assert_eq!(outcome.exit(), Exit::Left);
    assert_eq!(outcome.left[0].thing.to_string(), "b.y/9");
    assert_eq!(cloud.deleted(), Vec::<String>::new());
    assert_eq!(cloud.listed("b.y").len(), 2, "once to plan, once to verify");
    // Where nothing is left of it, nothing is.
    let Stage { run, .. } = stage(&ScriptedCloud::default());
    let outcome = run.at(here()).apply(&plan, DAY_S, &Guards::NONE).await;
    assert_eq!(outcome.exit(), Exit::Clean);
}
