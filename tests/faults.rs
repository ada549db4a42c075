//! Faults at the wire: one at a time, in each phase of a run. The real binary with the real rules sweeps a cloud at the wire.
//!
//! [`table::ROWS`] says for each fault and phase with which code the run ends, or why the two do not go together. What must hold besides
//! is the same for all ([`judge`]). Then the fault ends, and the same run again finishes the work.

/// What must hold of every run.
mod judge;
/// The binary, watched.
mod process;
/// How a fault strikes.
mod strike;
/// Which fault in which phase ends how.
mod table;
/// The cloud that is swept.
mod world;

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};

use crate::support::run::Run;
use judge::{Trial, complaints_of_the_next};
use process::Process;
use table::{Cell, Phase, ROWS, Row};
use world::{World, healthy};

/// Runs at once in a phase. They wait more than they work.
const RUNS_AT_ONCE: usize = 4;

/// Plays all faults in a phase, and tells all that is wrong at once.
async fn expect_as_in_the_table(phase: Phase) {
    let is_played = |row: &&Row| !matches!(row.at(phase), Cell::No(_));
    let played = ROWS.iter().filter(is_played).map(|row| play(row, phase));
    let played = stream::iter(played).buffer_unordered(RUNS_AT_ONCE);
    let played: Vec<Option<String>> = played.collect().await;
    let wrong: Vec<String> = played.into_iter().flatten().collect();
    let count = wrong.len();
    assert!(
        wrong.is_empty(),
        "{count} in {phase:?}\n{}",
        wrong.join("\n")
    );
}

/// One cell of the table: the run that the fault strikes, and the next one. Returns what is wrong.
async fn play(row: &Row, phase: Phase) -> Option<String> {
    let healthy = healthy().await;
    let world = World::new(phase == Phase::Confirmation, row.hangs).await;
    let struck = match row.strike(&world, phase).await {
        Ok(struck) => struck,
        Err(why) => return Some(format!("=== {} in {phase:?}: {why}", row.fault)),
    };
    let trial = Trial {
        world: &world,
        row,
        phase,
        run: &struck,
        healthy,
    };
    let mut wrong = trial.complaints();
    let mut told = struck.to_string();
    match once_more(&world).await {
        Err(why) => wrong.push(format!("the next run: {why}")),
        Ok(next) => {
            let wrong_next = complaints_of_the_next(&world, &next);
            if !wrong_next.is_empty() {
                told = format!("{told}\n--- the next run: {next}");
            }
            wrong.extend(wrong_next);
        }
    }
    let fault = row.fault;
    (!wrong.is_empty()).then(|| {
        let wrong = wrong.join("\n    ");
        format!("=== {fault} in {phase:?}:\n    {wrong}\n{told}")
    })
}

/// The same run, with the fault gone and nobody to be asked.
async fn once_more(world: &World) -> Result<Run, String> {
    let arguments = [world.arguments(), vec!["--yes"]].concat();
    let next = Process::begin(&world.place, &arguments);
    next.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_while_a_token_is_asked_for() {
    expect_as_in_the_table(Phase::Authentication).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_while_everything_is_listed() {
    expect_as_in_the_table(Phase::Survey).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_while_the_operator_is_asked() {
    expect_as_in_the_table(Phase::Confirmation).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_while_deletions_are_sent() {
    expect_as_in_the_table(Phase::Purge).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_while_deletions_are_waited_for() {
    expect_as_in_the_table(Phase::Wait).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_while_everything_is_listed_again() {
    expect_as_in_the_table(Phase::Verification).await;
}

/// A cell is played, or says why not.
#[test]
fn the_table_of_faults_is_whole() {
    let faults: BTreeSet<&str> = ROWS.iter().map(|row| row.fault).collect();
    assert!(faults.len() == ROWS.len() && faults.len() >= 30);
    for row in ROWS {
        for phase in Phase::ALL {
            let is_sensible = match row.at(phase) {
                Cell::Ends(codes) => !codes.is_empty(),
                Cell::Dies => true,
                Cell::No(why) => !why.is_empty(),
            };
            assert!(is_sensible, "{} in {phase:?}", row.fault);
        }
    }
}
