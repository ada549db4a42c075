//! The lock file: where it lies, and what a run makes of it.

use std::path::{Path, PathBuf};

use crate::lock::Lock;
use crate::text::Visible;

use super::components::rule_name;
use super::failure::{Failure, REVIEW};
use super::flags::rules::RulesPlace;

/// The lock file's name, where it lies beside the rules.
const LOCK_FILE: &str = "rules.lock";

/// A lock that a run has to keep.
pub(super) struct Locked {
    file: PathBuf,
    lock: Lock,
}

impl RulesPlace {
    /// The lock for these component files, if there is one. For a single file it is cut down to that.
    pub(super) fn locked(&self, files: &[PathBuf]) -> Result<Option<Locked>, Failure> {
        let file = self.lock_file();
        if self.lock.is_none() && !file.exists() {
            return Ok(None);
        }
        let mut lock = read(&file)?;
        if self.guests().is_file() {
            let names: Vec<String> = files.iter().map(|file| rule_name(file)).collect();
            lock = lock.only(names.iter().map(String::as_str));
        }
        Ok(Some(Locked { file, lock }))
    }

    pub(super) fn lock_file(&self) -> PathBuf {
        let beside = || {
            let guests = self.guests();
            let folder = if guests.is_file() {
                guests.parent().unwrap_or(Path::new("."))
            } else {
                guests
            };
            folder.join(LOCK_FILE)
        };
        self.lock.clone().unwrap_or_else(beside)
    }
}

impl Locked {
    /// What the file of a rule must be. Known before anything of it is read.
    pub(super) fn sha256_of(&self, file: &Path) -> Result<String, Failure> {
        let sha256 = self.lock.sha256(&rule_name(file));
        sha256.map(str::to_owned).ok_or_else(|| {
            let (file, lock) = (file.display(), self.file.display());
            Failure::guarded(format!("{file} is not in {lock}")).hint(REVIEW)
        })
    }

    /// How the rules differ from what the lock says, a sentence each.
    pub(super) fn differences(&self, now: Lock) -> Vec<String> {
        self.lock.differences(&now.informed_by(&self.lock))
    }

    /// Whether the rules are what the lock says.
    pub(super) fn check(&self, now: Lock) -> Result<(), Failure> {
        let differences = self.differences(now);
        if differences.is_empty() {
            return Ok(());
        }
        let lock = self.file.display();
        let message = format!(
            "the rules are not as {lock} says: {}",
            differences.join("; ")
        );
        Err(Failure::guarded(message).hint(REVIEW))
    }
}

/// Writes a lock file.
pub(super) fn write(file: &Path, lock: &Lock) -> Result<(), Failure> {
    let text = lock.to_text();
    let text =
        text.map_err(|error| Failure::unexpected(format!("the lock cannot be written: {error}")))?;
    std::fs::write(file, text)
        .map_err(|error| Failure::usage(format!("{} cannot be written: {error}", file.display())))
}

/// Reads a lock file. One that cannot be read guards nothing, so the run must not begin.
pub(super) fn read(file: &Path) -> Result<Lock, Failure> {
    let refused = |why: String| Failure::guarded(format!("{} {why}", file.display()));
    let text = std::fs::read_to_string(file)
        .map_err(|error| refused(format!("cannot be read: {error}")))?;
    Lock::parse(&text).map_err(|error| refused(error.to_string()))
}

/// The same, where there is one.
pub(super) fn read_if_there(file: &Path) -> Result<Option<Lock>, Failure> {
    file.exists().then(|| read(file)).transpose()
}

/// What differs, a line each.
pub(super) fn in_lines(differences: &[String]) -> String {
    if differences.is_empty() {
        return "nothing has changed\n".to_owned();
    }
    let lines = differences.iter().map(|it| format!("{}\n", Visible(it)));
    lines.collect()
}
