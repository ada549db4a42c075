//! Presets: what narrows a sweep, under a name.

use std::path::PathBuf;

use serde::Deserialize;

use crate::name::Origin;
use crate::plan::{IdPattern, Moment, NamePattern, TagPattern};
use crate::resource::KindPattern;

/// What narrows a sweep, in the words of the flags. None of it widens one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Preset {
    /// Only names of this family: `scenario` or `context`.
    pub origin: Option<Origin>,
    /// Only these projects, by name or id.
    pub project: Vec<String>,
    /// Only these kinds.
    pub only: Vec<KindPattern>,
    /// Not these kinds.
    pub except: Vec<KindPattern>,
    /// Not what was made before this.
    pub created_after: Option<Moment>,
    /// Not what was made at this time or later.
    pub created_before: Option<Moment>,
    /// Not what has one of these tags.
    pub protect_tag: Vec<String>,
    /// Only what is called so.
    pub name: Vec<NamePattern>,
    /// Not what is called so.
    pub not_name: Vec<NamePattern>,
    /// Only what has one of these ids.
    pub id: Vec<IdPattern>,
    /// The same for the ids in files.
    pub id_file: Vec<PathBuf>,
    /// Only what has all of these tags.
    pub tag: Vec<TagPattern>,
    /// Not what is in one of these baselines.
    pub keep_from: Vec<PathBuf>,
}
