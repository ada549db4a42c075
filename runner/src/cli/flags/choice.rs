//! What is chosen of what a sweep finds: by name, id and tag.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde::Deserialize;

use crate::cli::failure::Failure;
use crate::config::Preset;
use crate::guest::Component;
use crate::plan::{
    BASELINE_VERSION, Baseline, Choice, IdPattern, NamePattern, Place, SweepScope, TagPattern,
};

/// Size of a file with ids, in bytes: some hundred thousand of them.
const ID_FILE_BYTES_MAX: u64 = 16 << 20;

/// What is chosen of what a sweep finds.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct ChoiceArgs {
    /// Of the things that go by their name, only those whose whole name fits, with * and ? as wildcards; any of several
    ///
    /// `regex:` before it makes it a regular expression, which may fit anywhere in the name, and `exact:` takes it to the letter.
    #[arg(long = "name", value_name = "PATTERN", value_parser = NamePattern::parse)]
    pub(in crate::cli) names: Vec<NamePattern>,
    /// Keep whatever has a name that fits; can be repeated
    #[arg(long = "not-name", value_name = "PATTERN", value_parser = NamePattern::parse)]
    pub(in crate::cli) not_names: Vec<NamePattern>,
    /// Of the things that go by themselves, only the one with this id (ID or KIND/ID); any of several
    #[arg(long = "id", value_name = "ID", value_parser = IdPattern::parse)]
    pub(in crate::cli) ids: Vec<IdPattern>,
    /// The same for all ids in a file, one a line; lines that begin with # are passed over
    #[arg(long = "id-file", value_name = "FILE")]
    pub(in crate::cli) id_files: Vec<PathBuf>,
    /// Of the things that go by themselves, only those with this tag (KEY or KEY=VALUE); all of several
    #[arg(long = "tag", value_name = "TAG", value_parser = TagPattern::parse)]
    pub(in crate::cli) tags: Vec<TagPattern>,
    /// Keep all that is in a baseline of `runner snapshot`; can be repeated
    #[arg(long = "keep-from", value_name = "FILE")]
    pub(in crate::cli) keep_from: Vec<PathBuf>,
}

impl From<&Preset> for ChoiceArgs {
    fn from(preset: &Preset) -> Self {
        Self {
            names: preset.name.clone(),
            not_names: preset.not_name.clone(),
            ids: preset.id.clone(),
            id_files: preset.id_file.clone(),
            tags: preset.tag.clone(),
            keep_from: preset.keep_from.clone(),
        }
    }
}

impl ChoiceArgs {
    /// What the flags choose.
    ///
    /// # Errors
    /// If a file with ids cannot be read, holds none, or holds what is none; or if a file is no baseline.
    pub(in crate::cli) fn choice(&self) -> Result<Choice, Failure> {
        let mut ids: BTreeSet<IdPattern> = self.ids.iter().cloned().collect();
        for file in &self.id_files {
            ids.extend(ids_in(file)?);
        }
        let some = |names: &Vec<NamePattern>| (!names.is_empty()).then(|| names.clone());
        Ok(Choice {
            names: some(&self.names).into_iter().collect(),
            not_names: self.not_names.clone(),
            ids: Some(ids)
                .filter(|ids| !ids.is_empty())
                .into_iter()
                .collect(),
            tags: self.tags.clone(),
            baselines: self
                .keep_from
                .iter()
                .map(|file| baseline(file).map(Arc::new))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// The ids in a file.
fn ids_in(file: &Path) -> Result<Vec<IdPattern>, Failure> {
    let refused = |why: String| {
        let file = file.display();
        Failure::usage(format!("the ids in {file} cannot be used: {why}"))
            .hint("write one a line, as ID or KIND/ID")
    };
    let size = std::fs::metadata(file).map_err(|error| refused(error.to_string()))?;
    if size.len() > ID_FILE_BYTES_MAX {
        return Err(refused(format!(
            "it is larger than {ID_FILE_BYTES_MAX} bytes"
        )));
    }
    let text = std::fs::read_to_string(file).map_err(|error| refused(error.to_string()))?;
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let ids: Result<Vec<IdPattern>, _> = lines.map(IdPattern::parse).collect();
    let ids = ids.map_err(|error| refused(error.to_string()))?;
    match ids.is_empty() {
        true => Err(refused(
            "it holds none, so nothing would be chosen".to_owned(),
        )),
        false => Ok(ids),
    }
}

/// Reads a baseline.
fn baseline(file: &Path) -> Result<Baseline, Failure> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let unreadable = |why: String| {
        Failure::usage(format!(
            "the baseline {} cannot be read: {why}",
            file.display()
        ))
        .hint("make one with `runner snapshot -o FILE`")
    };
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(error.to_string()))?;
    let Versioned { version } =
        serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    if version != BASELINE_VERSION {
        return Err(unreadable(format!(
            "it has version {version}, and this runner knows version {BASELINE_VERSION}"
        )));
    }
    serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))
}

/// Refuses a baseline that was made in another place: it knows nothing of this one.
pub(in crate::cli) fn check_baselines(scope: &SweepScope, here: &Place) -> Result<(), Failure> {
    let mut differing = scope.choice.baselines.iter();
    let differing = differing.find_map(|it| Some((it.made_at(), it.difference(here)?)));
    match differing {
        None => Ok(()),
        Some((made_at, difference)) => Err(Failure::guarded(format!(
            "the baseline of {made_at:.0} was made in another place: {difference}"
        ))
        .hint("make a new one here with `runner snapshot`; nothing was changed")),
    }
}

/// Refuses an id of a kind that no rule knows: it would choose nothing.
pub(in crate::cli) fn check_ids(
    scope: &SweepScope,
    components: &[Arc<Component>],
) -> Result<(), Failure> {
    let is_known = |kind: &str| {
        let mut kinds = components.iter().flat_map(|component| component.kinds());
        kinds.any(|known| *known.name == *kind)
    };
    let mut ids = scope.choice.ids.iter().flatten();
    let strange = ids.find(|id| id.kind.as_deref().is_some_and(|kind| !is_known(kind)));
    match strange {
        None => Ok(()),
        Some(id) => Err(
            Failure::usage(format!("--id {id} is of a kind that no rule knows"))
                .hint("`runner rules list` shows the kinds"),
        ),
    }
}
