//! Which rules, and how to write what comes of them.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::failure::Failure;
use crate::report::Format;

/// Where rules are if nobody says where, in the working folder and beside the program.
const FOLDER: &str = "rules";

/// Which rules.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct RulesPlace {
    /// Folder with rules, or a single component file [default: rules]
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) guests: Option<PathBuf>,
    /// Lock file, which the rules must be as [default: rules.lock beside the rules, if there is one]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) lock: Option<PathBuf>,
}

impl RulesPlace {
    /// The folder or file.
    pub(in crate::cli) fn guests(&self) -> &Path {
        self.guests.as_deref().unwrap_or(Path::new(FOLDER))
    }

    /// The place to run rules from: this one, or the folder beside the program if nobody has said where and there is none here.
    pub(in crate::cli) fn found(&self) -> Result<Self, Failure> {
        if self.guests.is_some() || self.guests().exists() {
            return Ok(self.clone());
        }
        match beside_program() {
            Some(folder) => {
                tracing::warn!(
                    "there is no folder ./{FOLDER} here: these are the rules beside the program, in {}",
                    folder.display()
                );
                Ok(Self {
                    guests: Some(folder),
                    lock: self.lock.clone(),
                })
            }
            None => Err(Failure::usage(format!(
                "there are no rules: no folder ./{FOLDER} here or beside the program, and --guests does not say where they are"
            ))
            .hint(
                "build the rule pack from the source (`cargo guests`, as the README says), or fetch rules with `runner rules add oci://…`",
            )),
        }
    }
}

/// The folder beside the program itself, wherever a link to it is. It counts only if nobody could write there who could not replace the
/// program.
fn beside_program() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?.canonicalize().ok()?;
    let folder = program.parent()?.join(FOLDER);
    let (there, ours) = (folder.metadata().ok()?, program.metadata().ok()?);
    let is_as_safe = [0, ours.uid()].contains(&there.uid()) && there.mode() & 0o022 == 0;
    if there.is_dir() && !is_as_safe {
        let folder = folder.display();
        tracing::warn!(
            "{folder} is left alone: others than who may replace the program may write there"
        );
    }
    (there.is_dir() && is_as_safe).then_some(folder)
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
