//! The configuration and the process around it: what every command begins with.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

use tempfile::TempDir;

use crate::config::Config;
use crate::config::clouds::Surroundings;
use crate::name::NamedFormat;

use super::failure::Failure;
use super::flags::CommonArgs;

/// Which runner this is, as logs and plans say it.
pub(super) const VERSION: &str = concat!("runner ", env!("CARGO_PKG_VERSION"));

/// The configuration and the process around it.
pub(super) struct App {
    pub(super) surroundings: Surroundings,
    pub(super) config: Config,
    pub(super) started: Instant,
    /// A folder that goes with the run.
    pub(super) scratch: OnceLock<TempDir>,
}

impl App {
    /// Reads the configuration.
    pub(super) fn load(common: &CommonArgs) -> Result<Self, Failure> {
        let surroundings = Surroundings::of_process().map_err(|error| {
            Failure::unexpected(format!("the working directory is unknown: {error}"))
        })?;
        let config = Config::load(common.config.as_deref(), &surroundings)
            .map_err(|error| Failure::input(&error))?;
        Ok(Self {
            surroundings,
            config,
            started: Instant::now(),
            scratch: OnceLock::new(),
        })
    }

    pub(super) fn formats(&self) -> Result<Vec<NamedFormat>, Failure> {
        self.config
            .name_formats()
            .map_err(|error| Failure::input(&error))
    }

    /// Whether nothing but errors is to be said.
    pub(super) fn is_quiet(&self) -> bool {
        !tracing::enabled!(tracing::Level::WARN)
    }

    /// Where audit logs and records lie, if the process has a home.
    pub(super) fn state_folder(&self) -> Option<PathBuf> {
        let folder = self.folder("XDG_STATE_HOME", ".local/state");
        folder.map(|folder| folder.join("runner"))
    }

    /// The audit log: the given file, or the usual one, if there is a home for it.
    pub(super) fn audit_log(&self, given: Option<&Path>) -> Option<PathBuf> {
        match given {
            Some(given) => Some(self.surroundings.cwd.join(given)),
            None => Some(self.state_folder()?.join("audit.jsonl")),
        }
    }

    /// The folder that a variable names, or else one below the home.
    pub(super) fn folder(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        match self
            .surroundings
            .env
            .get(variable)
            .filter(|folder| !folder.is_empty())
        {
            Some(folder) => Some(PathBuf::from(folder)),
            None => self
                .surroundings
                .home
                .as_ref()
                .map(|home| home.join(below_home)),
        }
    }
}
