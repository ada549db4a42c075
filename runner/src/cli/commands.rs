//! The commands, a file each, with its arguments beside it.

mod apply;
mod audit;
mod compile_component;
mod completions;
mod doctor;
mod explain;
mod man_pages;
mod names;
mod plan;
mod rules;
mod snapshot;
mod sweep;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::exit::Exit;

use super::failure::Failure;
use super::flags::CommonArgs;
use super::version;
use apply::ApplyArgs;
use audit::AuditCommand;
use compile_component::CompileArgs;
use doctor::DoctorArgs;
use explain::ExplainArgs;
use man_pages::ManPagesArgs;
use names::NamesArgs;
use plan::PlanCommand;
use rules::RulesCommand;
use snapshot::SnapshotArgs;
use sweep::SweepArgs;

/// Delete exactly what one task left behind in a cloud
///
/// Finds the things that bear the task's names, and the nameless things that belong to these; deletes them and nothing
/// else; then looks again and says whether anything is left. Look first with --dry-run: it changes nothing.
///
/// Exit codes: 0 nothing is left (or dry run done); 1 unexpected error; 2 usage or configuration; 3 something that should be gone
/// is left; 4 a listing failed, or a service cannot be reached, so nobody can say that it is clean; 5 authentication or scope
/// refused; 6 a guard refused; 10 --dry-run --detailed-exitcode, and there is something to delete; 130 interrupted.
#[derive(Debug, Parser)]
#[command(
    name = "runner",
    version,
    long_version = version::long(),
    max_term_width = 100,
    args_conflicts_with_subcommands = true
)]
pub(super) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    sweep: SweepArgs,
    #[command(flatten)]
    pub(super) common: CommonArgs,
    /// Say more about what happens; can be repeated
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = "General")]
    pub(super) verbose: u8,
    /// Say nothing but errors, and show no progress
    #[arg(short, long, global = true, help_heading = "General")]
    pub(super) quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Execute a plan that a dry run has saved with --plan-out
    Apply(ApplyArgs),
    /// Look at plans that a dry run has saved: nothing is asked of any cloud
    Plan {
        #[command(subcommand)]
        command: PlanCommand,
    },
    /// Write down what is there, so that a later sweep keeps it: see --keep-from
    Snapshot(SnapshotArgs),
    /// Say why a thing would be deleted or kept
    // It has all flags of a sweep.
    Explain(Box<ExplainArgs>),
    /// Print names that a task may give, so that what bears them can be cleaned
    Names(NamesArgs),
    /// Look at rules, and write them
    Rules {
        #[command(subcommand)]
        command: RulesCommand,
    },
    /// Look at the audit log
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Say who you are in the cloud, where, and what a sweep would reach
    Doctor(DoctorArgs),
    #[command(hide = true)]
    CompileComponent(CompileArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages of all commands into a folder
    ManPages(ManPagesArgs),
}

/// Does what the command line says.
pub(super) async fn run(cli: Cli) -> Result<Exit, Failure> {
    let Cli {
        command,
        sweep,
        common,
        ..
    } = cli;
    match command {
        None => sweep::run(&common, &sweep).await,
        Some(Command::Apply(args)) => apply::run(&common, &args).await,
        Some(Command::Plan { command }) => plan::run(&command),
        Some(Command::Snapshot(args)) => snapshot::run(&common, &args).await,
        Some(Command::Explain(args)) => explain::run(&common, &args).await,
        Some(Command::Names(args)) => names::run(&common, &args),
        Some(Command::Rules { command }) => rules::run(&common, &command).await,
        Some(Command::Audit { command }) => audit::run(&common, &command),
        Some(Command::Doctor(args)) => doctor::run(&common, &args).await,
        Some(Command::CompileComponent(args)) => compile_component::run(&args),
        Some(Command::Completions { shell }) => completions::run(shell),
        Some(Command::ManPages(args)) => man_pages::run(&args),
    }
}
