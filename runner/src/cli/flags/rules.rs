//! Which rules, and how to write what comes of them.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::failure::Failure;
use crate::report::Format;

/// Where rules are if nobody says where.
const FOLDER: &str = "rules";

/// Where the rules of a release lie, seen from its program: in the archive, in a package.
const CAME_ALONG: [&str; 2] = ["rules", "../share/runner/rules"];

/// Which rules.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct RulesPlace {
    /// Folder with rules, or a single component file [default: rules; to run them, else those that came with the runner]
    #[arg(long, value_name = "PATH")]
    guests: Option<PathBuf>,
    /// Lock file, which the rules must be as [default: rules.lock beside the rules, if there is one]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) lock: Option<PathBuf>,
}

impl RulesPlace {
    pub(in crate::cli) fn of(guests: PathBuf, lock: Option<PathBuf>) -> Self {
        Self {
            guests: Some(guests),
            lock,
        }
    }

    /// The folder, or the component file.
    pub(in crate::cli) fn guests(&self) -> &Path {
        self.guests.as_deref().unwrap_or(Path::new(FOLDER))
    }

    /// The rules to run: where nobody said which and the working folder has none, those that came with the program. Nothing is ever
    /// written there.
    ///
    /// # Errors
    /// If there are none.
    pub(in crate::cli) fn found(&self, program: Option<&Path>) -> Result<Self, Failure> {
        if self.guests.is_some() || self.guests().exists() {
            return Ok(self.clone());
        }
        let Some(folder) = program.and_then(came_along) else {
            return Err(Failure::usage(format!(
                "there are no rules: no folder ./{FOLDER} here or beside the program, and --guests does not say where they are"
            ))
            .hint(
                "a release has the pack beside its program; a clone builds it (`cargo guests`, as the README says); `runner rules add oci://…` fetches others",
            ));
        };
        tracing::warn!(
            "there is no folder ./{FOLDER} here: these are the rules that came with the program, in {}",
            folder.display()
        );
        Ok(Self {
            guests: Some(folder),
            lock: self.lock.clone(),
        })
    }
}

/// The folder with the rules of a release, wherever a link to its program is. It counts only if nobody can write there who could not
/// replace the program.
fn came_along(program: &Path) -> Option<PathBuf> {
    let program = program.canonicalize().ok()?;
    let owner = program.metadata().ok()?.uid();
    let folders = CAME_ALONG.iter().filter_map(|folder| {
        let folder = program.parent()?.join(folder).canonicalize().ok()?;
        folder.is_dir().then_some(folder)
    });
    let is_as_safe = |folder: &PathBuf| {
        let there = folder.metadata();
        let is_as_safe =
            there.is_ok_and(|it| [0, owner].contains(&it.uid()) && it.mode() & 0o022 == 0);
        if !is_as_safe {
            let folder = folder.display();
            tracing::warn!(
                "{folder} is left alone: others than who may replace the program may write there"
            );
        }
        is_as_safe
    };
    folders.into_iter().find(is_as_safe)
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_rules_that_came_along_are_run_where_nobody_says_others() {
        let release = tempfile::tempdir().unwrap();
        let root = release.path().canonicalize().unwrap();
        let program = root.join("bin/runner");
        let (beside, shared) = (root.join("bin/rules"), root.join("share/runner/rules"));
        std::fs::create_dir_all(&shared).unwrap();
        std::fs::create_dir_all(root.join("bin")).unwrap();
        std::fs::write(&program, "").unwrap();
        let unsaid = RulesPlace {
            guests: None,
            lock: None,
        };
        let run = |place: &RulesPlace| {
            let found = place.found(Some(&program));
            found.unwrap().guests().to_owned()
        };
        assert_eq!(run(&unsaid), shared);
        assert_eq!(unsaid.lock_file(), Path::new("rules/rules.lock"));
        std::fs::create_dir(&beside).unwrap();
        assert_eq!(run(&unsaid), beside);
        // What somebody has said counts, also where nothing is there.
        let said = RulesPlace::of(PathBuf::from("rules"), None);
        assert_eq!(run(&said), Path::new("rules"));
        assert!(unsaid.found(None).is_err());
        // Whoever can write there could say what is deleted.
        for folder in [&beside, &shared] {
            let open = std::fs::Permissions::from_mode(0o777);
            std::fs::set_permissions(folder, open).unwrap();
        }
        assert!(unsaid.found(Some(&program)).is_err());
    }
}
