//! The command line: which worlds are tried, on how many threads, and what is printed of those that fail.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Runtime;

use crate::judge::{Verdict, judge};
use crate::random;
use crate::reduce::reduce;
use crate::world::World;

/// Seeds that an ordinary test run tries.
const USUAL: u64 = 3_000;

/// Seeds that have failed once, with what was wrong.
const FAILED_ONCE: &str = include_str!("seeds.txt");

/// A seed that takes longer than this, in real time, hangs.
const HANGS: Duration = Duration::from_secs(60);

pub(crate) fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |word: &str| -> Option<u64> {
        let at = words.iter().position(|it| it == word)?;
        words.get(at + 1)?.parse().ok()
    };
    if let Some(seed) = number("--seed") {
        return tell(seed, &random::world(seed));
    }
    let count = number("--count").unwrap_or(USUAL);
    if let Some(from) = number("--from") {
        return code(try_seeds(from, count, usize::MAX));
    }
    if let Some(count) = number("--fresh") {
        return code(try_seeds(fastrand::u64(..1 << 48), count, 20));
    }
    let arguments = Arguments::from_args();
    let trials = vec![
        Trial::test("simulator::random_worlds_keep_the_law", || {
            failed(try_seeds(0, USUAL, 10))
        }),
        Trial::test("simulator::worlds_that_failed_once_keep_the_law", || {
            failed(try_old())
        }),
        Trial::test("simulator::the_oracle_knows_nothing_of_the_engine", || {
            is_independent().map_err(Into::into)
        }),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn code(failures: usize) -> ExitCode {
    if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn failed(failures: usize) -> Result<(), libtest_mimic::Failed> {
    if failures == 0 {
        Ok(())
    } else {
        Err(format!("{failures} worlds see a law broken").into())
    }
}

/// What judges by the truth may not ask what it judges.
fn is_independent() -> Result<(), String> {
    for (file, text) in [
        ("oracle.rs", include_str!("oracle.rs")),
        ("laws.rs", include_str!("laws.rs")),
    ] {
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            for word in [
                "runner::plan",
                "runner::engine",
                "runner::run",
                "crate::drive",
            ] {
                if line.contains(word) {
                    return Err(format!("{file} may not know {word}: {line}"));
                }
            }
        }
    }
    Ok(())
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
}

fn try_old() -> usize {
    let seeds = FAILED_ONCE
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse().ok());
    let seeds: Vec<u64> = seeds.collect();
    let runtime = runtime();
    let failures = seeds.iter().filter(|seed| {
        let found = judge(&runtime, &random::world(**seed));
        for verdict in &found {
            println!("seed {seed}: {verdict}");
        }
        !found.is_empty()
    });
    failures.count()
}

/// Tries a row of seeds on all processors. Returns how many failed, and prints the first `shown` of each law.
fn try_seeds(from: u64, count: u64, shown: usize) -> usize {
    let started = Instant::now();
    let next = AtomicU64::new(from);
    let found: Mutex<Vec<(u64, Verdict)>> = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let runtime = runtime();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + count {
                        return;
                    }
                    let began = Instant::now();
                    let verdicts = judge(&runtime, &random::world(seed));
                    assert!(
                        began.elapsed() < HANGS,
                        "seed {seed} took {:?}",
                        began.elapsed()
                    );
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    found.extend(verdicts.into_iter().map(|verdict| (seed, verdict)));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(seed, _)| *seed);
    let failed = summary(&found, shown);
    println!(
        "{count} seeds from {from}: {failed} failed, {:.1} s",
        started.elapsed().as_secs_f64()
    );
    failed
}

fn summary(found: &[(u64, Verdict)], shown: usize) -> usize {
    let mut by_law: BTreeMap<&str, Vec<&(u64, Verdict)>> = BTreeMap::new();
    for broken in found {
        by_law.entry(broken.1.broken.law).or_default().push(broken);
    }
    let runtime = runtime();
    for (law, all) in by_law.iter().take(shown) {
        println!("{law}: {} seeds", all.len());
        for (seed, verdict) in all.iter().take(1) {
            println!("  {verdict}");
            let smallest = reduce(&runtime, &random::world(*seed), law);
            print!("{smallest}");
            println!("  cargo test --test simulator -- --seed {seed}");
        }
    }
    let mut seeds: Vec<u64> = found.iter().map(|(seed, _)| *seed).collect();
    seeds.dedup();
    seeds.len()
}

/// One world, with every law that it breaks, cut down for each.
fn tell(seed: u64, world: &World) -> ExitCode {
    let runtime = runtime();
    println!("seed {seed}:\n{world}");
    let found = judge(&runtime, world);
    for verdict in &found {
        println!("{verdict}");
        let smallest = reduce(&runtime, world, verdict.broken.law);
        let why = judge(&runtime, &smallest);
        print!("smallest:\n{smallest}");
        for verdict in why.iter().filter(|it| it.broken.law == verdict.broken.law) {
            println!("  {verdict}");
        }
    }
    code(found.len())
}
