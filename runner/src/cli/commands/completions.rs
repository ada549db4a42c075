//! `runner completions`: what a shell needs to complete a command line.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::failure::Failure;
use crate::cli::output::print;
use crate::exit::Exit;

use super::Cli;

/// `runner completions SHELL`
pub(super) fn run(shell: Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "runner", &mut script);
    print(&String::from_utf8_lossy(&script))
}
