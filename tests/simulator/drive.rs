//! Drives the engine as the command line does. The only file here that knows how a run is put together.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};
use std::time::Duration;

use runner::engine::{Engine, EngineLimits, Fate, Reachable};
use runner::event::{Dated, Event, Phase, Sink};
use runner::name::{NameMatcher, Origin, OriginFilter, TaskId, built_in};
use runner::plan::{Plan, Remnant, Sieve, SweepScope};
use runner::resource::{KindPattern, ThingRef};
use runner::run::{Chronicle, Guards, Memory, Outcome, Purpose};
use runner::unlooked::Unlooked;

use crate::cloud::{Cloud, Notes, Service};
use crate::laws::{Ended, Told};
use crate::world::{Age, Family, Flags, N, Task, World};

const TASK_A: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
const TASK_B: &str = "9f8e7d6c-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

/// Longer than any run may take, in the time of its cloud.
const LONGEST: Duration = Duration::from_secs(4 * 3_600);

/// What is to be done.
pub(crate) enum Job<'a> {
    /// No change.
    DryRun,
    Sweep,
    Apply(&'a Plan),
}

/// A run that came to its end.
pub(crate) struct Run {
    pub(crate) told: Told,
    /// `None`: it did not come to an end in time.
    pub(crate) plan: Option<Plan>,
}

/// Runs once. `None`: the process ended in the middle of it.
pub(crate) async fn run(world: &World, cloud: &Cloud, job: Job<'_>) -> Option<Run> {
    let mut finished = Box::pin(tokio::time::timeout(LONGEST, finish(world, cloud, job)));
    let stuck = || Run {
        told: Told {
            is_stuck: true,
            ..Told::default()
        },
        plan: None,
    };
    tokio::select! {
        biased;
        () = cloud.crash.cancelled() => None,
        run = &mut finished => Some(run.unwrap_or_else(|_| stuck())),
    }
}

/// Tells the cloud in which phase the run is.
struct Phases(Cloud);

impl Sink for Phases {
    fn take(&self, dated: &Dated) {
        if let Event::Phase { phase } = &dated.event {
            self.0.surveys(*phase != Phase::Purge);
        }
    }
}

/// As `runner --task …` and `runner apply` do it.
async fn finish(world: &World, cloud: &Cloud, job: Job<'_>) -> Run {
    let run = put_together(world, cloud);
    let outcome = match job {
        Job::DryRun => run.show(run.look().await, Purpose::Show),
        Job::Sweep => run.sweep(&Guards::NONE).await,
        Job::Apply(saved) => run.apply(saved, u64::MAX, &Guards::NONE).await,
    };
    Run {
        told: told(&outcome),
        plan: Some(outcome.plan),
    }
}

fn put_together(world: &World, cloud: &Cloud) -> runner::run::Run<Service> {
    let flags = &world.flags;
    let rules = Service::all(cloud, &|kind| !world.is_unlooked(kind));
    let ids = |projects: &Vec<N>| projects.iter().map(|n| n.to_string().into()).collect();
    let reachable = Reachable {
        is_admin: flags.is_admin,
        projects: flags.projects.as_ref().map(ids),
        user: Some("me".into()),
    };
    let began = "2026-11-01T00:00:00Z".parse().expect("a time");
    let sinks: Vec<Arc<dyn Sink>> = vec![Arc::new(Phases(cloud.clone()))];
    let chronicle = Arc::new(Chronicle::begin("simulated", began, sinks));
    let limits = EngineLimits::default();
    let cancel = cloud.cancel.clone();
    let engine = Engine::new(rules, reachable, limits, chronicle.clone(), cancel.clone());
    let engine = engine
        .expect("rules that fit together")
        .insisting(flags.force);
    let unlooked = world.unlooked.iter().map(|service| Unlooked {
        service: (*service).to_owned(),
        region: None,
        interface: None,
        why: "no rule is loaded for it".to_owned(),
        is_failure: false,
        by_word: false,
    });
    let run = runner::run::Run::new(engine, sieve(flags), chronicle, cancel);
    let run = run.without(unlooked.collect());
    run.remembering(Records::of(&cloud.notes))
}

/// The operator's records, as one run sees them.
struct Records {
    notes: Notes,
    /// How many records there were when it began.
    earlier: usize,
    own: OnceLock<usize>,
    refused: Mutex<BTreeSet<ThingRef>>,
}

impl Records {
    fn of(notes: &Notes) -> Self {
        let earlier = notes.lock().expect("notes").len();
        Self {
            notes: notes.clone(),
            earlier,
            own: OnceLock::new(),
            refused: Mutex::default(),
        }
    }

    fn mark(&self, mark: impl Fn(&mut BTreeSet<ThingRef>)) {
        let mut notes = self.notes.lock().expect("notes");
        let own = self.own.get().map(|own| &mut notes[*own]);
        for remnant in own.into_iter().flatten() {
            mark(Arc::make_mut(&mut remnant.asked));
        }
    }
}

impl Memory for Records {
    fn recall(&self) -> Vec<Remnant> {
        let notes = self.notes.lock().expect("notes");
        let earlier = || notes.iter().take(self.earlier).flatten();
        let asked = earlier().flat_map(|it| it.asked.iter().cloned());
        let asked: Arc<BTreeSet<ThingRef>> = Arc::new(asked.collect());
        let together = earlier().map(|remnant| Remnant {
            asked: asked.clone(),
            ..remnant.clone()
        });
        together.collect()
    }

    fn keep(&self, remnants: &[Remnant]) -> Result<(), String> {
        let mut notes = self.notes.lock().expect("notes");
        self.own.set(notes.len()).expect("it is told once");
        notes.push(remnants.to_vec());
        Ok(())
    }

    fn note_asked(&self, thing: &ThingRef) {
        self.refused.lock().expect("refusals").remove(thing);
        self.mark(|asked| {
            asked.insert(thing.clone());
        });
    }

    fn note_refused(&self, thing: &ThingRef) {
        self.refused.lock().expect("refusals").insert(thing.clone());
        self.mark(|asked| {
            asked.remove(thing);
        });
    }

    fn forget(&self, is_settled: &dyn Fn(&Remnant) -> bool) -> Result<(), String> {
        let recalled = self.recall();
        let refused = self.refused.lock().expect("refusals").clone();
        let together = recalled
            .first()
            .map_or_else(Arc::default, |it| it.asked.clone());
        let mut notes = self.notes.lock().expect("notes");
        for number in (0..self.earlier).chain(self.own.get().copied()) {
            let is_own = self.own.get() == Some(&number);
            notes[number].retain(|remnant| {
                let asked = if is_own { &remnant.asked } else { &together };
                let asked = asked.difference(&refused).cloned().collect();
                !is_settled(&Remnant {
                    asked: Arc::new(asked),
                    ..remnant.clone()
                })
            });
        }
        Ok(())
    }
}

fn told(outcome: &Outcome) -> Told {
    let number = |thing: &ThingRef| thing.id.parse().unwrap_or(N::MAX);
    let ends = outcome
        .plan
        .items
        .iter()
        .enumerate()
        .map(|(position, item)| {
            let fates = outcome.fates.as_ref();
            let ended = match fates.and_then(|fates| fates.get(position)) {
                Some(Fate::Gone) => Ended::Gone,
                Some(Fate::Failed(_)) => Ended::Failed,
                Some(Fate::Abandoned(_)) => Ended::Abandoned,
                Some(Fate::Blocked(_)) => Ended::Blocked,
                Some(Fate::Asked(_)) => Ended::Asked,
                None if item.blocked_by.is_empty() => Ended::Planned,
                None => Ended::Blocked,
            };
            (number(&item.thing), ended)
        });
    Told {
        exit: outcome.exit().code(),
        ends: ends.collect(),
        failures: outcome
            .failures
            .iter()
            .map(|it| format!("{} {}: {}", it.kind, it.scope, it.why))
            .collect(),
        is_stuck: false,
    }
}

fn scope(flags: &Flags) -> SweepScope {
    let pattern = |text: &&str| KindPattern::parse(text).expect("a pattern");
    let projects = flags.projects.as_ref();
    let projects: Option<BTreeSet<Arc<str>>> =
        projects.map(|projects| projects.iter().map(|n| n.to_string().into()).collect());
    let border = "2026-01-01T00:00:00Z".parse().ok();
    SweepScope {
        tasks: flags
            .tasks
            .iter()
            .map(|task| id(*task).to_owned())
            .collect(),
        origin: origin(flags),
        unmatched: flags.unmatched,
        with_projects: flags.with_projects,
        shared: flags.shared,
        force: flags.force,
        only: flags.only.iter().map(pattern).collect(),
        except: flags.except.iter().map(pattern).collect(),
        projectless: projects.is_none(),
        projects,
        created_from: border.filter(|_| flags.age == Some(Age::New)),
        created_until: border.filter(|_| flags.age == Some(Age::Old)),
        protected_projects: flags
            .protected_project
            .iter()
            .map(|n| n.to_string().into())
            .collect(),
        protected_tags: flags
            .protects_tag
            .then(|| "keep".to_owned())
            .into_iter()
            .collect(),
        ..SweepScope::default()
    }
}

fn id(task: Task) -> &'static str {
    match task {
        Task::A => TASK_A,
        Task::B => TASK_B,
    }
}

fn origin(flags: &Flags) -> OriginFilter {
    match flags.origin {
        None => OriginFilter::All,
        Some(Family::Scenario) => OriginFilter::Only(Origin::Scenario),
        Some(Family::Context) => OriginFilter::Only(Origin::Context),
    }
}

fn sieve(flags: &Flags) -> Sieve {
    static FORMATS: LazyLock<Vec<runner::name::NamedFormat>> = LazyLock::new(built_in);
    let tasks: Vec<TaskId> = flags
        .tasks
        .iter()
        .map(|task| TaskId::parse(id(*task)).expect("an id"))
        .collect();
    Sieve::new(
        scope(flags),
        NameMatcher::new(FORMATS.clone(), &tasks, origin(flags)),
    )
}
