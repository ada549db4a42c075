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
use crate::small;
use crate::world::World;

/// Seeds that an ordinary test run tries.
const USUAL: u64 = 3_000;

/// Of so many small worlds an ordinary test run tries one.
const STRIDE: u64 = 997;

/// Worlds that are shown for each law.
const SHOWN: usize = 2;

/// Seeds, and small worlds as `world 123`, that have failed once, with what was wrong.
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
    if let Some(number) = number("--world") {
        return tell(number, &small::world(number));
    }
    if words.iter().any(|word| word == "--small") {
        let from = number("--from").unwrap_or(0);
        let count = number("--count").unwrap_or(small::count());
        return code(try_all(&SMALL, from, count, 1));
    }
    if let Some(from) = number("--from") {
        return code(try_all(&RANDOM, from, count, 1));
    }
    if let Some(count) = number("--fresh") {
        return code(try_all(&RANDOM, fastrand::u64(..1 << 48), count, 1));
    }
    let arguments = Arguments::from_args();
    let trials = vec![
        Trial::test("simulator::random_worlds_keep_the_law", || {
            failed(try_all(&RANDOM, 0, USUAL, 1))
        }),
        Trial::test("simulator::small_worlds_keep_the_law", || {
            failed(try_all(&SMALL, 0, small::count(), STRIDE))
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
    let runtime = runtime();
    let lines = FAILED_ONCE.lines().filter(|line| !line.starts_with('#'));
    let failures = lines.filter(|line| {
        let found = judge(&runtime, &old_world(line));
        for verdict in &found {
            println!("{line}: {verdict}");
        }
        !found.is_empty()
    });
    failures.count()
}

/// The world of a line of [`FAILED_ONCE`].
fn old_world(line: &str) -> World {
    let number = |word: Option<&str>| word.and_then(|word| word.parse().ok());
    let mut words = line.split_whitespace();
    let world = match words.next() {
        Some("world") => number(words.next()).map(small::world),
        seed => number(seed).map(random::world),
    };
    world.expect("a line begins with a seed, or with `world` and a number")
}

/// Where worlds come from.
struct Source {
    world: fn(u64) -> World,
    /// The word by which one of them is asked for.
    flag: &'static str,
}

const RANDOM: Source = Source {
    world: random::world,
    flag: "--seed",
};

const SMALL: Source = Source {
    world: small::world,
    flag: "--world",
};

/// Tries a row of worlds on all processors, each of `stride`. Returns how many failed, and prints the first of each law.
fn try_all(source: &Source, from: u64, count: u64, stride: u64) -> usize {
    let started = Instant::now();
    let next = AtomicU64::new(from);
    let found: Mutex<Vec<(u64, Verdict)>> = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let runtime = runtime();
                loop {
                    let number = next.fetch_add(stride, Ordering::Relaxed);
                    if number >= from + count {
                        return;
                    }
                    let began = Instant::now();
                    let verdicts = judge(&runtime, &(source.world)(number));
                    assert!(began.elapsed() < HANGS, "{} {number} hangs", source.flag);
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    found.extend(verdicts.into_iter().map(|verdict| (number, verdict)));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(number, _)| *number);
    let failed = summary(source, &found);
    let (tried, seconds) = (count.div_ceil(stride), started.elapsed().as_secs_f64());
    println!(
        "{tried} worlds from {} {from} on: {failed} failed, {seconds:.1} s",
        source.flag
    );
    failed
}

fn summary(source: &Source, found: &[(u64, Verdict)]) -> usize {
    let mut by_law: BTreeMap<&str, Vec<&(u64, Verdict)>> = BTreeMap::new();
    for broken in found {
        by_law.entry(broken.1.broken.law).or_default().push(broken);
    }
    let runtime = runtime();
    for (law, all) in &by_law {
        println!("{law}: {} worlds", all.len());
        for (number, _) in all.iter().take(SHOWN) {
            let smallest = reduce(&runtime, &(source.world)(*number), law);
            print!("{smallest}");
            let why = judge(&runtime, &smallest);
            for verdict in why.iter().filter(|it| it.broken.law == *law) {
                println!("  ! {verdict}");
            }
            println!(
                "  > cargo test --test simulator -- {} {number}",
                source.flag
            );
        }
    }
    let mut numbers: Vec<u64> = found.iter().map(|(number, _)| *number).collect();
    numbers.dedup();
    numbers.len()
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
