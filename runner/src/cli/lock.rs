//! The lock file: `runner rules lock`, `runner rules diff`, and what a run makes of one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::exit::Exit;
use crate::guest::Component;
use crate::lock::Lock;
use crate::text::Visible;

use super::args::{CommonArgs, RulesPlace};
use super::components::{component_files, kinds_fit_together, one_rule_for_each_kind, rule_name};
use super::failure::{Failure, REVIEW};
use super::output::print;
use super::setup::Setup;

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
        if self.guests.is_file() {
            let names: Vec<String> = files.iter().map(|file| rule_name(file)).collect();
            lock = lock.only(names.iter().map(String::as_str));
        }
        Ok(Some(Locked { file, lock }))
    }

    pub(super) fn lock_file(&self) -> PathBuf {
        let beside = || {
            let folder = if self.guests.is_file() {
                self.guests.parent().unwrap_or(Path::new("."))
            } else {
                &self.guests
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

    /// Whether the rules are what the lock says.
    pub(super) fn check(&self, now: Lock) -> Result<(), Failure> {
        let differences = self.lock.differences(&now.informed_by(&self.lock));
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

/// `runner rules lock`
pub(super) async fn lock(common: &CommonArgs, place: &RulesPlace) -> Result<Exit, Failure> {
    let setup = Setup::load(common)?;
    let file = place.lock_file();
    if place.guests.is_file() {
        return Err(Failure::usage("a lock is for all rules of a folder")
            .hint("give the folder with --guests"));
    }
    let then = if file.exists() {
        Some(read(&file)?)
    } else {
        None
    };
    let mut now = setup.lock_of(&unlocked(&setup, place).await?);
    if let Some(then) = &then {
        now = now.informed_by(then);
    }
    write(&file, &now)?;
    match then {
        None => {
            let file = file.display().to_string();
            print(&format!("{} locks {}\n", Visible(&file), now.size()))
        }
        Some(then) => print(&in_lines(&then.differences(&now))),
    }
}

/// `runner rules diff`
pub(super) async fn diff(common: &CommonArgs, place: &RulesPlace) -> Result<Exit, Failure> {
    let setup = Setup::load(common)?;
    let files = component_files(&place.guests)?;
    let Some(Locked { lock, file }) = place.locked(&files)? else {
        return Err(
            Failure::usage(format!("there is no {}", place.lock_file().display()))
                .hint("`runner rules lock` writes it"),
        );
    };
    let now = setup.lock_of(&unlocked(&setup, place).await?);
    let differences = lock.differences(&now.informed_by(&lock));
    if differences.is_empty() {
        let file = file.display().to_string();
        return print(&format!("the rules are as {} says\n", Visible(&file)));
    }
    print(&in_lines(&differences))?;
    Ok(Exit::Guarded)
}

/// The rules as they are, for a person to look at.
async fn unlocked(setup: &Setup, place: &RulesPlace) -> Result<Vec<Arc<Component>>, Failure> {
    let mut components = Vec::new();
    for file in component_files(&place.guests)? {
        components.push(setup.component(&file).await?);
    }
    one_rule_for_each_kind(&components)?;
    kinds_fit_together(&components, |rule| setup.trusts(rule))?;
    Ok(components)
}

pub(super) fn write(file: &Path, lock: &Lock) -> Result<(), Failure> {
    let text = lock.to_text();
    let text =
        text.map_err(|error| Failure::unexpected(format!("the lock cannot be written: {error}")))?;
    std::fs::write(file, text)
        .map_err(|error| Failure::usage(format!("{} cannot be written: {error}", file.display())))
}

pub(super) fn read(file: &Path) -> Result<Lock, Failure> {
    let refused = |why: String| Failure::guarded(format!("{} {why}", file.display()));
    let text = std::fs::read_to_string(file)
        .map_err(|error| refused(format!("cannot be read: {error}")))?;
    Lock::parse(&text).map_err(|error| refused(error.to_string()))
}

fn in_lines(differences: &[String]) -> String {
    if differences.is_empty() {
        return "nothing has changed\n".to_owned();
    }
    let lines = differences.iter().map(|it| format!("{}\n", Visible(it)));
    lines.collect()
}
