//! Which rules, and how to write what comes of them.

use std::path::PathBuf;

use clap::Args;

use crate::report::Format;

/// Which rules.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct RulesPlace {
    /// Folder with rules, or a single component file
    #[arg(long, value_name = "PATH", default_value = "rules")]
    pub(in crate::cli) guests: PathBuf,
    /// Lock file, which the rules must be as [default: rules.lock beside the rules, if there is one]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) lock: Option<PathBuf>,
}

/// Which rules, and how to write what comes of them.
#[derive(Debug, Args)]
pub(in crate::cli) struct RulesArgs {
    #[command(flatten)]
    pub(in crate::cli) place: RulesPlace,
    /// How to write the result
    #[arg(short, long, value_enum, default_value_t)]
    pub(in crate::cli) format: Format,
}
