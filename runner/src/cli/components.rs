//! Rules as files of a folder: which there are, what they are called, that no two are for the same kind, that their kinds fit
//! together, and that they are as they were locked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::audit::RuleDigest;
use crate::guest::{Compiler, Component, Grants, Limits, LoadError, LoadFlaw, Sandbox};
use crate::lock::{Lock, permissions};
use crate::report::progress::patiently;
use crate::resource::Kind;
use crate::signature::Signatures;

use super::app::App;
use super::failure::Failure;
use super::files::{is_ours, private_folder};
use super::flags::rules::RulesPlace;

/// First argument of the process that compiles a component and ends. Not for people.
pub const COMPILE_COMPONENT: &str = "compile-component";

impl App {
    /// Loads all components of a folder, or a single one. Where there is a lock file, they must be as it says.
    pub(super) async fn components(
        &self,
        rules: &RulesPlace,
    ) -> Result<Vec<Arc<Component>>, Failure> {
        let rules = &rules.found(own_program().ok().as_deref())?;
        let files = component_files(rules.guests())?;
        let names: Vec<String> = files.iter().map(|file| rule_name(file)).collect();
        self.config
            .check_rules(&names)
            .map_err(|error| Failure::input(&error))?;
        let locked = rules.locked(&files)?;
        let sandbox = self.sandbox()?;
        let mut components = Vec::with_capacity(files.len());
        for file in &files {
            let mut grants = self.grants(file);
            if let Some(locked) = &locked {
                grants.sha256 = Some(locked.sha256_of(file)?);
            }
            components.push(self.loaded(&sandbox, file, file, &grants).await?);
        }
        one_rule_for_each_kind(&components)?;
        kinds_fit_together(&components, |rule| self.trusts(rule))?;
        if let Some(locked) = &locked {
            locked.check(self.lock_of(&components))?;
        }
        Ok(components)
    }

    /// What these components are and may do.
    pub(super) fn lock_of(&self, components: &[Arc<Component>]) -> Lock {
        Lock::of(components.iter().map(|it| &**it), &Limits::default())
    }

    /// Loads one component, whether it is locked or not: it is not set to work.
    pub(super) async fn component(&self, file: &Path) -> Result<Arc<Component>, Failure> {
        self.loaded(&self.sandbox()?, file, file, &self.grants(file))
            .await
    }

    pub(super) fn grants(&self, file: &Path) -> Grants {
        self.config.grants(&rule_name(file))
    }

    /// Whether the operator allows a rule more than the ordinary.
    pub(super) fn trusts(&self, rule: &str) -> bool {
        self.config.grants(rule).unusual_fields
    }

    /// Loads a component into a sandbox. `shown` is where messages say that it is.
    pub(super) async fn loaded(
        &self,
        sandbox: &Sandbox,
        file: &Path,
        shown: &Path,
        grants: &Grants,
    ) -> Result<Arc<Component>, Failure> {
        let load = Component::load(sandbox, file, grants);
        let loaded = patiently(load, shown, self.is_quiet()).await;
        let component = loaded.map_err(|error| LoadError {
            path: shown.to_owned(),
            ..error
        })?;
        let vouched =
            Signatures::check_permissions(component.signers(), || permissions(&component));
        vouched.map_err(|flaw| LoadError {
            path: shown.to_owned(),
            why: flaw.into(),
        })?;
        Ok(Arc::new(component))
    }

    pub(super) fn sandbox(&self) -> Result<Sandbox, Failure> {
        let impossible = |error: std::io::Error| {
            Failure::unexpected(format!("rules cannot be compiled: {error}"))
        };
        let compiler = Compiler {
            program: own_program().map_err(impossible)?,
            arguments: vec![COMPILE_COMPONENT.into()],
            cache_dir: self.cache_dir().map_err(impossible)?,
        };
        Sandbox::compiling_apart(compiler).map_err(|error| Failure::wasm(&error))
    }

    /// Where compiled rules are kept: for good, or for this run if nobody could say whose they are.
    fn cache_dir(&self) -> std::io::Result<PathBuf> {
        let folder = self.folder("XDG_CACHE_HOME", ".cache");
        if let Some(folder) = folder.map(|folder| folder.join("runner/components")) {
            match private_folder(&folder).and_then(|()| is_ours(&folder)) {
                Ok(()) => return Ok(folder),
                Err(error) => {
                    let folder = folder.display();
                    tracing::warn!("compiled rules cannot be kept in {folder}: {error}");
                }
            }
        }
        if self.scratch.get().is_none() {
            // Two at once would make one too many, which goes with the run as well.
            let _ = self.scratch.set(tempfile::tempdir()?);
        }
        let scratch = self.scratch.get().map(|scratch| scratch.path().to_owned());
        scratch.ok_or_else(|| std::io::Error::other("there is no temporary folder"))
    }

    /// The rules of a folder as they are, locked or not, for a person to look at.
    pub(super) async fn unlocked(
        &self,
        rules: &RulesPlace,
    ) -> Result<Vec<Arc<Component>>, Failure> {
        let mut components = Vec::new();
        for file in component_files(rules.guests())? {
            components.push(self.component(&file).await?);
        }
        one_rule_for_each_kind(&components)?;
        kinds_fit_together(&components, |rule| self.trusts(rule))?;
        Ok(components)
    }
}

/// This program, which compiles rules in a process of its own. Where there is no `/proc` to ask, as in an empty root, it is where it was
/// called.
fn own_program() -> std::io::Result<PathBuf> {
    std::env::current_exe().or_else(|error| {
        let called = std::env::args_os().next().map(PathBuf::from);
        let called = called.filter(|program| program.is_absolute() && program.is_file());
        called.ok_or(error)
    })
}

/// The component files of a folder, or the one that is given.
pub(super) fn component_files(guests: &Path) -> Result<Vec<PathBuf>, Failure> {
    let hint = "rules are component files (*.wasm): a release has the pack in its folder `rules`, a clone builds it (`cargo guests`), \
                `runner rules add` fetches others; --guests says where they are";
    let unreadable = |error: std::io::Error| {
        Failure::usage(format!(
            "rules cannot be read from {}: {error}",
            guests.display()
        ))
        .hint(hint)
    };
    if std::fs::metadata(guests).map_err(unreadable)?.is_file() {
        return Ok(vec![guests.to_owned()]);
    }
    let files = files_in(guests, "wasm").map_err(unreadable)?;
    if files.is_empty() {
        return Err(
            Failure::usage(format!("there is no rule (*.wasm) in {}", guests.display())).hint(hint),
        );
    }
    Ok(files)
}

/// The files of a folder with this extension, in order.
pub(super) fn files_in(folder: &Path, extension: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A rule's name: its file's, without `.wasm`.
pub(super) fn rule_name(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// Two rules for one kind would delete everything twice, and nobody could say which was right.
pub(super) fn one_rule_for_each_kind(rules: &[Arc<Component>]) -> Result<(), Failure> {
    let mut claims: BTreeMap<&str, &str> = BTreeMap::new();
    for (rule, kind) in rules
        .iter()
        .flat_map(|rule| rule.kinds().iter().map(move |kind| (rule, kind)))
    {
        if let Some(other) = claims.insert(&kind.name, rule.name()) {
            return Err(claimed_twice(&kind.name, other, rule.name()));
        }
    }
    Ok(())
}

/// What ties the things of one kind to those of another may be unusual in a way that only both kinds show.
pub(super) fn kinds_fit_together(
    rules: &[Arc<Component>],
    is_trusted: impl Fn(&str) -> bool,
) -> Result<(), Failure> {
    let kinds = || rules.iter().flat_map(|rule| rule.kinds());
    let by_name: BTreeMap<&str, &Kind> = kinds().map(|kind| (&*kind.name, &**kind)).collect();
    let known = |name: &str| by_name.get(name).copied();
    for rule in rules.iter().filter(|rule| !is_trusted(rule.name())) {
        let ties = rule.kinds().iter().map(|kind| kind.unusual_ties(&known));
        let unusual: Vec<String> = ties.flatten().collect();
        if !unusual.is_empty() {
            return Err(Failure::from(LoadError {
                path: rule.path().to_owned(),
                why: LoadFlaw::Unusual {
                    rule: rule.name().clone(),
                    unusual,
                },
            }));
        }
    }
    Ok(())
}

pub(super) fn claimed_twice(kind: &str, other: &str, rule: &str) -> Failure {
    Failure::usage(format!("kind {kind} is claimed by two rules, {other} and {rule}"))
        .hint(format!("take one of them away, or say `except = [\"{kind}\"]` under [rules.{other}] in the configuration"))
}

/// A rule, as the audit log names it.
pub(super) fn digest(rule: &Component) -> RuleDigest {
    RuleDigest {
        name: rule.name().to_string(),
        sha256: rule.sha256().to_owned(),
    }
}
