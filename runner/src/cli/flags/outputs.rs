//! What a run writes beside its report.

use std::path::PathBuf;

use clap::Args;

/// What a run writes beside its report.
#[derive(Debug, Args)]
#[command(next_help_heading = "Files")]
pub(in crate::cli) struct OutputArgs {
    /// Write what happens, while it happens, as JSON lines (-: standard output)
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) events: Option<PathBuf>,
    /// Write the figures of the run for the textfile collector of Prometheus's node exporter
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) metrics: Option<PathBuf>,
    /// Write a JUnit report: what is left is a failure, what could not be listed an error
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) junit: Option<PathBuf>,
    /// Say every so many seconds how far the run is, where standard error is no terminal
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(in crate::cli) heartbeat: u64,
}
