//! How a fault strikes: what is told to the cloud before, and what is done to the process when the phase has come.

use std::time::Duration;

use rlimit::Resource;

use super::process::{Deaf, Hears, Process};
use super::table::{Does, Phase, Reach, Row};
use super::world::World;
use crate::support::fake_cloud::fault::{Effect, Fault};
use crate::support::run::Run;

/// What the run is given to do what it does on a signal that it has no way to tell of.
const MOMENT: Duration = Duration::from_secs(1);

/// What the operator has to type where all tasks' things in all projects of the cloud are swept.
const YES: &str = "admin/all";

/// What the operator is asked.
const QUESTION: &str = "to go on:";

/// Bytes that still fit on the disk: a line of the log begins, and is torn.
const LAST_BYTES: u64 = 40;

impl Row {
    /// Sweeps a world with this fault in this phase, and returns how the run ended. After that the fault is gone.
    pub(super) async fn strike(&self, world: &World, phase: Phase) -> Result<Run, String> {
        let ended = match &self.does {
            Does::Answers { make, reach, times } => {
                let fault = fault(make(world, phase), phase, *reach).times(*times);
                answered(world, phase, fault).await
            }
            Does::SpeaksPlainly => plainly(world, phase).await,
            Does::Signals(name) => {
                let is_heard = matches!(*name, "INT" | "TERM" | "HUP");
                let mut process = self.held(world, phase, Deaf::Nothing).await?;
                process.signal(name);
                if is_heard {
                    let told = |it: &Process| it.said().contains("interrupted by");
                    // Where nothing is under way, it may have ended already.
                    let _ended = process.until("it hears the signal", told).await;
                }
                resumed(world, phase, process).await
            }
            Does::ClosesStdout => {
                let mut process = self.held(world, phase, Deaf::Stdout).await?;
                process.close();
                resumed(world, phase, process).await
            }
            Does::ClosesStderr => {
                let mut process = self.held(world, phase, Deaf::Stderr).await?;
                process.close();
                process.signal("TERM");
                tokio::time::sleep(MOMENT).await;
                resumed(world, phase, process).await
            }
            Does::Unread(make) => {
                let fault = fault(make(world, phase), phase, Reach::Request);
                world.cloud.inject(fault);
                let (place, arguments) = (&world.place, world.arguments());
                let mut process = Process::start(place, &arguments, Hears::Nothing, Deaf::Stderr);
                process.close();
                process.end().await
            }
            Does::ClosesTerminal => {
                let mut process = self.held(world, phase, Deaf::Nothing).await?;
                process.take_terminal();
                tokio::time::sleep(MOMENT).await;
                world.cloud.let_go();
                process.end().await
            }
            Does::FillsDisk => {
                let process = self.held(world, phase, Deaf::Nothing).await?;
                fill_disk(world, process.pid());
                resumed(world, phase, process).await
            }
        };
        heal(world);
        ended
    }

    /// Starts the run, and keeps it in this phase: the cloud is slow to answer, or the operator is.
    async fn held(&self, world: &World, phase: Phase, deaf: Deaf) -> Result<Process, String> {
        let (place, arguments) = (&world.place, world.arguments());
        let hears = match self.does {
            Does::FillsDisk => Hears::NoLimit,
            _ => Hears::Signals,
        };
        if phase == Phase::Confirmation {
            let mut process = Process::start_on_terminal(place, &arguments, hears);
            asked(&mut process).await?;
            return Ok(process);
        }
        let hold = fault(Effect::Hold, phase, Reach::Request).times(1);
        world.cloud.inject(hold);
        let mut process = match self.does {
            Does::ClosesTerminal => Process::start_on_terminal(place, &arguments, Hears::Signals),
            _ => Process::start(place, &arguments, hears, deaf),
        };
        process
            .until("the phase has come", |_| world.cloud.hits() > 0)
            .await?;
        Ok(process)
    }
}

/// A fault of the cloud's from this phase on.
fn fault(effect: Effect, phase: Phase, reach: Reach) -> Fault {
    let requests = phase.requests();
    let fault = match (reach, requests.last()) {
        (Reach::Request, Some((method, path))) => Fault::on(method, path, effect),
        (Reach::Everything, _) | (_, None) => Fault::on("*", "*", effect),
    };
    let since = |fault: Fault, (method, path): &(&str, &str)| fault.since(method, path);
    requests.iter().fold(fault, since)
}

/// A run whose cloud has this fault.
async fn answered(world: &World, phase: Phase, fault: Fault) -> Result<Run, String> {
    let (place, arguments) = (&world.place, world.arguments());
    if phase != Phase::Confirmation {
        world.cloud.inject(fault);
        let process = Process::begin(place, &arguments);
        return process.end().await;
    }
    let mut process = Process::start_on_terminal(place, &arguments, Hears::Signals);
    asked(&mut process).await?;
    world.cloud.inject(fault);
    process.type_in(YES);
    process.end().await
}

/// A run that expects TLS where there is none: at Keystone, or at a service of which the catalog says so.
async fn plainly(world: &World, phase: Phase) -> Result<Run, String> {
    let with_tls = |url: &str| url.replace("http://", "https://");
    if phase == Phase::Authentication {
        let clouds = with_tls(&world.cloud.clouds_yaml());
        world.place.write("clouds.yaml", clouds);
    } else {
        let from = format!("{}/image", world.cloud.url());
        let to = with_tls(&from);
        let effect = Effect::Replace { from, to };
        let fault = Fault::on("POST", "*/auth/tokens", effect);
        world.cloud.inject(fault);
    }
    let process = Process::begin(&world.place, &world.arguments());
    process.end().await
}

async fn asked(process: &mut Process) -> Result<(), String> {
    let is_asked = |it: &Process| it.said().contains(QUESTION);
    process.until("the operator is asked", is_asked).await
}

/// Lets a run go on that was kept in a phase. An operator who is asked says yes, if anybody still listens.
async fn resumed(world: &World, phase: Phase, mut process: Process) -> Result<Run, String> {
    world.cloud.let_go();
    if phase == Phase::Confirmation {
        process.type_in(YES);
    }
    process.end().await
}

/// Lets no file of a process grow further than the audit log has.
fn fill_disk(world: &World, pid: u32) {
    let log = world.place.path("state/runner/audit.jsonl");
    let bytes = std::fs::metadata(log).map_or(0, |log| log.len() + LAST_BYTES);
    let pid = i32::try_from(pid).expect("a process's number");
    rlimit::prlimit(pid, Resource::FSIZE, Some((bytes, bytes)), None)
        .expect("the limit of a process of ours can be set");
}

/// Ends the fault, whatever it was.
fn heal(world: &World) {
    world.cloud.clear_faults();
    world.cloud.let_go();
    world.cloud.come_back();
    world.place.write("clouds.yaml", world.cloud.clouds_yaml());
}
