//! Rules as files of a folder: which there are, what they are called, that no two are for the same kind, and that their kinds
//! fit together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::audit::RuleDigest;
use crate::guest::{Component, LoadError, LoadFlaw};
use crate::resource::Kind;

use super::failure::Failure;

/// The component files of a folder, or the one that is given.
pub(super) fn component_files(guests: &Path) -> Result<Vec<PathBuf>, Failure> {
    let hint = "rules are component files (*.wasm); docs/rules.md says how to build the rule pack, --guests where to find it";
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
