//! Flags that several commands have, each group beside what it means. Their doc comments are the help.

pub(super) mod choice;
pub(super) mod cloud;
pub(super) mod guards;
pub(super) mod outputs;
pub(super) mod rules;
pub(super) mod scope;

use std::path::PathBuf;

use clap::Args;

use cloud::CloudArgs;

/// What every command that looks at a cloud needs.
#[derive(Debug, Args)]
pub(super) struct CommonArgs {
    /// Configuration file [default: runner.toml here, or runner/config.toml in your configuration folder]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "RUNNER_CONFIG",
        help_heading = "General"
    )]
    pub(super) config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) cloud: CloudArgs,
}
