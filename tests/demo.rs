//! `cargo demo`: the main job, for show, against a cloud that lives in this process and that nobody else can see.
//!
//! It builds the rules for the services that this cloud has, seeds it with the things of two tasks and two tenants, and runs the real command three times: to look,
//! to delete, and again. Then it compares everything in the cloud before and after, and fails unless exactly one task's things are
//! gone. Nothing is written outside the build folder and a temporary one, and nothing is asked of any other machine.

#[expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what does so here is for tests; a demonstration says why it cannot build its rules"
)]
#[expect(dead_code, reason = "it shows no hostile rules")]
#[path = "support/guests.rs"]
mod guests;

#[expect(dead_code, reason = "a fake has more knobs than a demonstration turns")]
#[path = "support/fake_cloud.rs"]
mod fake_cloud;

use std::collections::BTreeSet;
use std::error::Error;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};

use fake_cloud::seed::{Manifest, seed_task, seed_tenant};
use fake_cloud::{FakeCloud, Known, Options};

const TASK: &str = "0a1b2c3d-5e6f-4a7b-8c9d-0e1f2a3b4c5d";
const OTHER_TASK: &str = "9f8e7d6c-5b4a-4392-8170-6f5e4d3c2b1a";

/// First argument of the process that plays the part of `runner`.
const AS_RUNNER: &str = "as-runner";

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|first| first == AS_RUNNER) {
        arguments.remove(1);
        return runner::cli::main(arguments);
    }
    if arguments
        .get(1)
        .is_some_and(|first| first == runner::cli::COMPILE_COMPONENT)
    {
        return runner::cli::main(arguments);
    }
    match tokio::runtime::Runtime::new()
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(show()))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("the demonstration failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn show() -> Result<(), Box<dyn Error>> {
    say(
        "Building the rules, one WebAssembly component per service (the first time takes a minute) …",
    );
    let rules = guests::basic_rules()?;
    let cloud = FakeCloud::start(Options {
        seed: Some(1),
        ..Options::default()
    })
    .await;
    let (left, others) = populate(&cloud);
    let before = things(&cloud);
    say(&format!(
        "\nA cloud is up for show at {}. It holds {} things:\n\
         {:6} that the task {TASK} left,\n\
         {:6} that another task left,\n\
         {:6} that tenants and the cloud itself need.",
        cloud.url(),
        before.len(),
        left.len(),
        others.len(),
        before.len() - left.len() - others.len(),
    ));
    let place = tempfile::tempdir()?;
    std::fs::write(place.path().join("clouds.yaml"), cloud.clouds_yaml())?;
    std::os::unix::fs::symlink(rules, place.path().join("rules"))?;

    say("\nFirst look. This changes nothing:\n");
    run(place.path(), &["--dry-run"])?;
    if things(&cloud) != before || !cloud.mutations().is_empty() {
        return Err("the dry run has changed something".into());
    }
    say("\nNow delete. This is the same command without --dry-run:\n");
    run(place.path(), &[])?;
    let after = things(&cloud);
    say("\nOnce more. There is nothing left to do, and nothing is changed:\n");
    cloud.clear_requests();
    run(place.path(), &[])?;
    if things(&cloud) != after || !cloud.mutations().is_empty() {
        return Err("the second sweep has changed something".into());
    }
    compare(&left, &before, &after)
}

/// Two tasks in the same project, and two tenants who are to notice nothing.
fn populate(cloud: &FakeCloud) -> (Manifest, Manifest) {
    let (demo, other) = (cloud.project("demo"), cloud.project("other"));
    seed_tenant(cloud, &demo, "shop");
    seed_tenant(cloud, &other, "database");
    (
        seed_task(cloud, TASK, &demo, 1),
        seed_task(cloud, OTHER_TASK, &demo, 1),
    )
}

fn things(cloud: &FakeCloud) -> BTreeSet<Known> {
    cloud.things().into_iter().collect()
}

/// Shows a command as one would type it, and runs it in this place.
fn run(place: &Path, further: &[&str]) -> Result<(), Box<dyn Error>> {
    let arguments = [
        &["--os-cloud", "admin", "--guests", "rules", "--task", TASK],
        further,
    ]
    .concat();
    say(&format!("  $ runner {}\n", arguments.join(" ")));
    let status = Command::new(std::env::current_exe()?)
        .arg(AS_RUNNER)
        .args(&arguments)
        .current_dir(place)
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name == "TERM" || name == "NO_COLOR"))
        .env("HOME", place)
        .env("OS_CLIENT_CONFIG_FILE", place.join("clouds.yaml"))
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("the command ended with {status}").into())
    }
}

/// Fails unless what has gone is what the task left, to the last thing.
fn compare(
    left: &Manifest,
    before: &BTreeSet<Known>,
    after: &BTreeSet<Known>,
) -> Result<(), Box<dyn Error>> {
    let left: BTreeSet<Known> = left
        .iter()
        .cloned()
        .map(|item| (item.kind, item.id, item.name, item.project))
        .collect();
    let gone: BTreeSet<Known> = before.difference(after).cloned().collect();
    let (wrong, missed) = (
        gone.difference(&left).count(),
        left.difference(&gone).count(),
    );
    let new = after.difference(before).count();
    if wrong + missed + new > 0 {
        return Err(format!(
            "{wrong} things of others are gone, {missed} of the task's are left, {new} are new"
        )
        .into());
    }
    say(&format!(
        "\nCompared everything in the cloud before and after: the {} things of the task are gone,\n\
         parts that went with their wholes included, and the {} others are all there, untouched.",
        gone.len(),
        after.len()
    ));
    Ok(())
}

/// The narrator speaks on standard error; standard output is the command's own.
fn say(text: &str) {
    // Nobody listens; the exit code still tells.
    let _ = writeln!(std::io::stderr(), "{text}");
}
