//! `runner plan diff`: what has become of a plan.

use std::path::PathBuf;

use clap::Args;

use crate::cli::failure::Failure;
use crate::cli::output::print;
use crate::cli::plans::load;
use crate::exit::Exit;
use crate::report::{Format, PlanDifference, rows_in};
use crate::text;

#[derive(Debug, Args)]
pub(in crate::cli::commands) struct DiffArgs {
    /// The plan that was saved first
    old: PathBuf,
    /// The plan that was saved later
    new: PathBuf,
    /// How to write the result
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

/// `runner plan diff OLD NEW`
pub(super) fn run(args: &DiffArgs) -> Result<Exit, Failure> {
    let difference = PlanDifference::between(&load(&args.old)?, &load(&args.new)?);
    let rows = difference.rows();
    let written = rows_in(args.format, &PlanDifference::HEADER, rows, &difference);
    let written = written.map_err(Failure::unexpected)?;
    print(&match args.format {
        Format::Table if difference.is_empty() => difference.introduction() + "no difference\n",
        Format::Table => text::lines(&(difference.introduction() + &written)),
        _ => written,
    })
}
