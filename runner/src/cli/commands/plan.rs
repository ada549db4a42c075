//! `runner plan …`: looking at saved plans. Nothing is asked of any cloud.

mod diff;
mod graph;
mod show;

use clap::Subcommand;

use crate::cli::failure::Failure;
use crate::exit::Exit;

use diff::DiffArgs;
use graph::GraphArgs;
use show::ShowArgs;

#[derive(Debug, Subcommand)]
pub(super) enum PlanCommand {
    /// Show a saved plan in the order in which things go, with what each waits for
    Show(ShowArgs),
    /// Draw a saved plan: what goes before what, and what holds what
    Graph(GraphArgs),
    /// Say what came, went, or goes for another reason from one saved plan to another
    Diff(DiffArgs),
}

/// Does what the command line says.
pub(super) fn run(command: &PlanCommand) -> Result<Exit, Failure> {
    match command {
        PlanCommand::Show(args) => show::run(args),
        PlanCommand::Graph(args) => graph::run(args),
        PlanCommand::Diff(args) => diff::run(args),
    }
}
