//! What nobody looked at: the part of a cloud that a run cannot speak for, as a value that the plan, the exit code and the report
//! share.

use std::fmt;

use serde::Serialize;

/// A service of the catalog that no listing covered, in one region and under one interface.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unlooked {
    /// The service's type: `object-store`.
    pub service: String,
    /// Its region. `None`: in whichever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Its interface, if that is what sets it apart from one that was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// Why nobody looked.
    pub why: String,
    /// Whether a rule asked for it, so that the run cannot call the cloud clean.
    pub is_failure: bool,
    /// Whether the operator has said that it may be left out.
    pub by_word: bool,
}

impl Unlooked {
    /// Whether containers have to stay because of it.
    pub fn holds_containers(&self) -> bool {
        !self.by_word
    }
}

impl fmt::Display for Unlooked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.service)?;
        if let Some(region) = &self.region {
            write!(formatter, " in {region}")?;
        }
        match &self.interface {
            Some(interface) => write!(formatter, " ({interface} interface)"),
            None => Ok(()),
        }
    }
}
