//! Which rules, and how to write what comes of them.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::report::Format;

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

/// Where rules are if nobody says where.
const FOLDER: &str = "rules";

/// Where the rules of a release lie, seen from its program: in the archive, in a package.
const CAME_ALONG: [&str; 2] = ["rules", "../share/runner/rules"];

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
    pub(in crate::cli) fn to_run(&self, program: Option<&Path>) -> Self {
        let came_along = || {
            let program = program?.canonicalize().ok()?;
            let mut folders = CAME_ALONG
                .iter()
                .map(|it| program.parent().map(|at| at.join(it)));
            folders.find_map(|folder| folder?.canonicalize().ok().filter(|it| it.is_dir()))
        };
        if self.guests.is_some() || self.guests().exists() {
            return self.clone();
        }
        Self {
            guests: came_along(),
            lock: self.lock.clone(),
        }
    }
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
        let run = |place: &RulesPlace| place.to_run(Some(&program)).guests().to_owned();
        assert_eq!(run(&unsaid), shared);
        assert_eq!(unsaid.lock_file(), Path::new("rules/rules.lock"));
        std::fs::create_dir(&beside).unwrap();
        assert_eq!(run(&unsaid), beside);
        // What somebody has said counts, also where nothing is there.
        let said = RulesPlace::of(PathBuf::from("rules"), None);
        assert_eq!(run(&said), Path::new("rules"));
        assert_eq!(unsaid.to_run(None).guests(), Path::new("rules"));
    }
}
