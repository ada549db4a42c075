//! One world, run in every way that the laws compare: dry and real, with and without what goes wrong, once more, after a crash.

use std::collections::BTreeSet;
use std::fmt;

use crate::cloud::Cloud;
use crate::drive::{Job, Run, run};
use crate::laws::{
    Broken, Ended, broken, check_changes, check_complete, check_end, destroyed, has_to_go, verdicts,
};
use crate::oracle::Why;
use crate::world::{Fault, Item, N, World};

/// Runs that a killed one may need until all is gone.
const REPETITIONS: usize = 2;

/// A broken law in a world.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) broken: Broken,
    /// In which of the runs.
    pub(crate) run: &'static str,
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} ({}): {}",
            self.broken.law, self.run, self.broken.why
        )
    }
}

/// All laws that a world sees broken, the first of each.
pub(crate) fn judge(runtime: &tokio::runtime::Runtime, world: &World) -> Vec<Verdict> {
    let mut found: Vec<Verdict> = Vec::new();
    let mut note = |run: &'static str, all: Vec<Broken>| {
        for broken in all {
            if !found.iter().any(|known| known.broken.law == broken.law) {
                found.push(Verdict { broken, run });
            }
        }
    };
    runtime.block_on(async {
        let healthy = world.without_faults();
        let dry = check_dry(&healthy, &mut note).await;
        let gone = check_healthy(&healthy, &dry, &mut note).await;
        if !world.faults.is_empty() {
            check_faulty(world, &dry, &gone, &mut note).await;
        }
    });
    found
}

async fn check_dry(world: &World, note: &mut impl FnMut(&'static str, Vec<Broken>)) -> Run {
    let cloud = Cloud::new(world);
    let dry = run(world, &cloud, Job::DryRun)
        .await
        .expect("nothing ends it");
    if !cloud.record().asked.is_empty() {
        note(
            "dry run",
            vec![broken(
                "dry-run-changes-nothing",
                "it sent a deletion".to_owned(),
            )],
        );
    }
    dry
}

async fn check_healthy(
    world: &World,
    dry: &Run,
    note: &mut impl FnMut(&'static str, Vec<Broken>),
) -> BTreeSet<N> {
    let cloud = Cloud::new(world);
    let real = run(world, &cloud, Job::Sweep).await;
    let (record, after) = (cloud.record(), cloud.items());
    let gone = destroyed(&record);
    note(
        "real run",
        check_changes(world, &world.items, &record, &BTreeSet::new()),
    );
    let Some(Run { told, .. }) = real else {
        note(
            "real run",
            vec![broken("requests-are-bounded", "20,000 calls".to_owned())],
        );
        return gone;
    };
    note(
        "real run",
        check_end(world, &world.items, &after, &record, &told, false),
    );
    note("real run", check_complete(world, &after, &record));
    let is_blocked = |told: &crate::laws::Told| -> Vec<(N, bool)> {
        told.ends
            .iter()
            .map(|(n, ended)| (*n, *ended == Ended::Blocked))
            .collect()
    };
    if is_blocked(&told) != is_blocked(&dry.told) {
        note(
            "real run",
            vec![broken("dry-run-is-real-run", "the plans differ".to_owned())],
        );
    }
    if told.exit == 0 {
        let again = cloud.healed();
        let once_more = run(world, &again, Job::Sweep).await;
        let is_clean = once_more.as_ref().is_some_and(|run| run.told.exit == 0);
        let said = once_more.map(|run| (run.told.exit, run.told.failures));
        if !again.record().asked.is_empty() || !is_clean {
            let asked = again.record().asked;
            note(
                "run after exit 0",
                vec![broken(
                    "rerun-changes-nothing",
                    format!("it asked for {asked:?} and ended with {said:?}"),
                )],
            );
        }
    }
    gone
}

async fn check_faulty(
    world: &World,
    dry: &Run,
    healthy: &BTreeSet<N>,
    note: &mut impl FnMut(&'static str, Vec<Broken>),
) {
    let cloud = Cloud::new(world);
    let has = |wanted: &Fault| world.faults.contains(wanted);
    let ended = if has(&Fault::OldPlan)
        && let Some(plan) = &dry.plan
    {
        run(world, &cloud, Job::Apply(plan)).await
    } else if has(&Fault::TwoRunners) {
        let (one, _other) = tokio::join!(
            run(world, &cloud, Job::Sweep),
            run(world, &cloud, Job::Sweep)
        );
        one
    } else {
        run(world, &cloud, Job::Sweep).await
    };
    let record = cloud.record();
    let is_still = world.faults.iter().all(Fault::is_still);
    // Who of two has seen what is not on record.
    if !is_still && has(&Fault::TwoRunners) {
        return;
    }
    note(
        "faulty run",
        check_changes(world, &world.items, &record, &BTreeSet::new()),
    );
    if !is_still {
        return;
    }
    let more: Vec<N> = destroyed(&record).difference(healthy).copied().collect();
    if !more.is_empty() {
        let why = format!("{more:?} went, which nothing happens to in the run without a fault");
        note(
            "faulty run",
            vec![broken("law-5-a-fault-never-widens", why)],
        );
    }
    if let Some(Run { told, .. }) = &ended
        && !has(&Fault::TwoRunners)
    {
        let is_cancelled = cloud.cancel.is_cancelled();
        note(
            "faulty run",
            check_end(
                world,
                &world.items,
                &cloud.items(),
                &record,
                told,
                is_cancelled,
            ),
        );
    }
    let sighted = record.sights.iter().map(|item| item.n).collect();
    check_repeated(world, &cloud, &sighted, note).await;
}

/// Whatever a run came to, the same run once more makes an end of it. Of what has no name and was not `sighted` before its owner
/// went nobody can know whose it was.
async fn check_repeated(
    world: &World,
    cloud: &Cloud,
    sighted: &BTreeSet<N>,
    note: &mut impl FnMut(&'static str, Vec<Broken>),
) {
    let goes = |(n, why): (N, Why)| (why == Why::Goes).then_some(n);
    let allowed: BTreeSet<N> = verdicts(world, &world.items)
        .into_iter()
        .filter_map(goes)
        .collect();
    let had_to_go = has_to_go(world, &world.items);
    let mut cloud = cloud.clone();
    let healthy = world.without_faults();
    // What is on its way out goes.
    tokio::time::sleep(std::time::Duration::from_secs(3_600)).await;
    for _ in 0..REPETITIONS {
        cloud = cloud.healed();
        let before = cloud.items();
        let _ = run(&healthy, &cloud, Job::Sweep).await;
        note(
            "repeated run",
            check_changes(&healthy, &before, &cloud.record(), &allowed),
        );
    }
    let items = cloud.items();
    let may_go_now = has_to_go(world, &items);
    // To a user without an administrator's sight, what a thing still names and is gone may be another project's.
    let names_unseen = |item: &Item| {
        let is_there = |to: N| items.iter().any(|other| other.n == to);
        !world.flags.is_admin && item.ties.iter().any(|tie| !is_there(tie.to))
    };
    let left: Vec<N> = items
        .iter()
        .filter(|item| had_to_go.contains(&item.n))
        .filter(|item| !names_unseen(item))
        .filter(|item| match item.name.is_none() {
            true => sighted.contains(&item.n),
            // What is held by now, by a thing of which nobody knows whose it was, may stay.
            false => may_go_now.contains(&item.n),
        })
        .map(|item| item.n)
        .collect();
    if !left.is_empty() {
        let why = format!("{left:?} may go and never went, however often the run is repeated");
        note(
            "repeated run",
            vec![broken("law-11-a-run-can-be-repeated", why)],
        );
    }
}
