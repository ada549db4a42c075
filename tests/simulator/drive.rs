//! Drives the engine as the command line does. The only file here that knows how a run is put together.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use runner::engine::{Engine, EngineLimits, Fate, ListingFailure, Reachable, Verification};
use runner::event::{Event, Listener, Phase};
use runner::name::{NameMatcher, Origin, OriginFilter, TaskId, built_in};
use runner::plan::{Plan, Sieve, SweepScope};
use runner::resource::{KindPattern, ThingRef};

use crate::cloud::{Cloud, Service};
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
    pub(crate) plan: Plan,
}

/// Runs once. `None`: the process ended in the middle of it.
pub(crate) async fn run(world: &World, cloud: &Cloud, job: Job<'_>) -> Option<Run> {
    let mut finished = Box::pin(tokio::time::timeout(LONGEST, finish(world, cloud, job)));
    tokio::select! {
        biased;
        () = cloud.crash.cancelled() => None,
        run = &mut finished => Some(run.unwrap_or_else(|_| Run {
            told: Told { is_stuck: true, ..Told::default() },
            plan: empty(&world.flags),
        })),
    }
}

fn empty(flags: &Flags) -> Plan {
    let scope = scope(flags);
    Plan::new(
        runner::plan::Inventory::for_scope(&scope),
        scope,
        Default::default(),
    )
    .0
}

/// Tells the cloud in which phase the run is.
struct Phases(Cloud);

impl Listener for Phases {
    fn notice(&self, event: &Event) {
        if let Event::Phase { phase } = event {
            self.0.surveys(*phase != Phase::Purge);
        }
    }
}

/// As `runner --task …` and `runner apply` do it.
async fn finish(world: &World, cloud: &Cloud, job: Job<'_>) -> Run {
    let sieve = sieve(&world.flags);
    let engine = engine(world, cloud);
    let survey = engine.survey(&sieve).await;
    let failures = survey.failures.clone();
    let (mut plan, kept) = engine.plan(survey, &sieve);
    let refused = |plan: Plan| Run {
        told: Told {
            exit: 6,
            ..Told::default()
        },
        plan,
    };
    match job {
        Job::DryRun => {
            let exit = if cloud.cancel.is_cancelled() {
                130
            } else {
                verdict(&failures, 0)
            };
            let told = Told {
                exit,
                ..told(&plan, None, &Verification::default())
            };
            return Run { told, plan };
        }
        Job::Sweep => {}
        Job::Apply(saved) => {
            plan = match plan.only(saved) {
                Ok(plan) => plan,
                Err(_) => return refused(empty(&world.flags)),
            };
            let is_saved = |thing: &ThingRef| saved.items.iter().any(|item| item.thing == *thing);
            if kept.iter().any(|kept| is_saved(&kept.thing)) {
                return refused(plan);
            }
        }
    }
    let fates = engine.purge(&plan).await;
    let mut verification = if plan.items.is_empty() {
        Verification::default()
    } else {
        engine.verify(&plan, &fates, &sieve).await
    };
    verification.failures.splice(0..0, failures);
    let exit = if cloud.cancel.is_cancelled() {
        130
    } else {
        verdict(&verification.failures, verification.left.len())
    };
    let told = Told {
        exit,
        ..told(&plan, Some(&fates), &verification)
    };
    Run { told, plan }
}

fn verdict(failures: &[ListingFailure], left: usize) -> u8 {
    match (failures.is_empty(), left) {
        (false, _) => 4,
        (true, 0) => 0,
        (true, _) => 3,
    }
}

fn told(plan: &Plan, fates: Option<&[Fate]>, verification: &Verification) -> Told {
    let number = |thing: &ThingRef| thing.id.parse().unwrap_or(N::MAX);
    let ends = plan.items.iter().enumerate().map(|(position, item)| {
        let ended = match fates.and_then(|fates| fates.get(position)) {
            Some(Fate::Gone) => Ended::Gone,
            Some(Fate::Failed(_)) => Ended::Failed,
            Some(Fate::Abandoned(_)) => Ended::Abandoned,
            Some(Fate::Blocked(_)) => Ended::Blocked,
            None if item.blocked_by.is_empty() => Ended::Planned,
            None => Ended::Blocked,
        };
        (number(&item.thing), ended)
    });
    Told {
        exit: 0,
        ends: ends.collect(),
        left: verification
            .left
            .iter()
            .map(|left| number(&left.thing))
            .collect(),
        is_stuck: false,
    }
}

fn engine(world: &World, cloud: &Cloud) -> Engine<Service> {
    let flags = &world.flags;
    let rules = Service::all(cloud, &|kind| !world.is_unlooked(kind));
    let ids = |projects: &Vec<N>| projects.iter().map(|n| n.to_string().into()).collect();
    let reachable = Reachable {
        is_admin: flags.is_admin,
        projects: flags.projects.as_ref().map(ids),
        user: Some("me".into()),
    };
    let listener = Arc::new(Phases(cloud.clone()));
    let limits = EngineLimits::default();
    let engine = Engine::new(rules, reachable, limits, listener, cloud.cancel.clone());
    engine
        .expect("rules that fit together")
        .insisting(flags.force)
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
