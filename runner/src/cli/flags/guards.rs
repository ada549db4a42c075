//! Guards of a change.

use std::path::PathBuf;

use clap::Args;

use crate::run::{Confirm, Guards, Yes};

/// Guards of a change.
#[derive(Debug, Args)]
#[command(next_help_heading = "Guards")]
pub(in crate::cli) struct GuardArgs {
    /// Refuse to delete more things than this
    #[arg(long, value_name = "N")]
    pub(in crate::cli) max_deletions: Option<usize>,
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
    /// The guards that the flags ask for. `confirm` is asked unless the operator has said yes already.
    pub(in crate::cli) fn with<'a>(&self, confirm: &'a dyn Confirm) -> Guards<'a> {
        Guards {
            deletions_max: self.max_deletions,
            confirm: if self.yes { &Yes } else { confirm },
        }
    }
}
