//! Guards of a change.

use std::path::PathBuf;

use clap::Args;

use crate::config::GuardConfig;
use crate::run::{Confirm, Guards, Yes};

/// Guards of a change.
#[derive(Debug, Args)]
#[command(next_help_heading = "Guards")]
pub(in crate::cli) struct GuardArgs {
    /// Refuse to delete more things than this
    #[arg(long, value_name = "N")]
    pub(in crate::cli) max_deletions: Option<usize>,
    /// Refuse to delete more than this, in percent of what was found in the swept projects
    #[arg(long, value_name = "P", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(in crate::cli) max_percent: Option<u8>,
    /// Do not ask before a sweep without --task, or with --unmatched
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
    /// Insist on what an ordinary deletion does not move: reset states, take protections off, force-delete
    ///
    /// Only for things of the plan, only after they could not be deleted, and only where a rule declares how.
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// Where to write the audit log [default: runner/audit.jsonl in your state folder]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) audit_log: Option<PathBuf>,
}

impl GuardArgs {
    /// The guards that flags and configuration ask for, the stricter of both. `confirm` is asked unless the operator has said yes already.
    pub(in crate::cli) fn with<'a>(
        &self,
        config: &GuardConfig,
        confirm: &'a dyn Confirm,
    ) -> Guards<'a> {
        Guards {
            deletions_max: config.deletions_max(self.max_deletions),
            percent_max: config.percent_max(self.max_percent),
            confirm: if self.yes { &Yes } else { confirm },
        }
    }
}
