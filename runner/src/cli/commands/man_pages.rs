//! `runner man-pages`: the help of every command as manual pages, for packages.

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};

use crate::cli::failure::Failure;
use crate::exit::Exit;

use super::Cli;

/// Where the pages go.
#[derive(Debug, Args)]
pub(super) struct ManPagesArgs {
    /// The folder; it must be there
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// `runner man-pages FOLDER`
pub(super) fn run(args: &ManPagesArgs) -> Result<Exit, Failure> {
    let folder = &args.folder;
    let written = clap_mangen::generate_to(Cli::command(), folder);
    written.map_err(|error| unwritable(folder, &error))?;
    Ok(Exit::Clean)
}

fn unwritable(folder: &Path, error: &std::io::Error) -> Failure {
    let folder = folder.display();
    Failure::usage(format!(
        "manual pages cannot be written to {folder}: {error}"
    ))
    .hint("give a folder that exists and that you may write to")
}
