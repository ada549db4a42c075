//! Why a command ends without having done its work: the cause, the cure, and the exit code.

use std::fmt;

use crate::cloud::{self, ErrorKind};
use crate::guest::{LoadError, LoadFlaw};

use super::{GUARDED, REFUSED, UNEXPECTED, UNLISTED, USAGE};

/// What helps where rules are not as they were locked.
pub(super) const REVIEW: &str = "nothing was changed; `runner rules diff` says what they may do now, `runner rules lock` accepts that";

/// A failed command.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: u8,
    message: String,
    hint: Option<String>,
}

impl Failure {
    pub(super) fn unexpected(message: impl Into<String>) -> Self {
        Self {
            code: UNEXPECTED,
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self {
            code: USAGE,
            message: message.into(),
            hint: None,
        }
    }

    /// The engine does not start.
    pub(super) fn wasm(error: &impl fmt::Display) -> Self {
        Self::unexpected(format!(
            "WebAssembly does not work on this machine: {error:#}"
        ))
    }

    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self {
            code: REFUSED,
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn guarded(message: impl Into<String>) -> Self {
        Self {
            code: GUARDED,
            message: message.into(),
            hint: None,
        }
    }

    /// An error of the user's input, with all its causes.
    pub(super) fn input(error: &dyn std::error::Error) -> Self {
        Self::usage(with_causes(error))
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        let message = error.to_string();
        match error.why {
            LoadFlaw::NotAsLocked { .. } => Self::guarded(message).hint(REVIEW),
            _ => Self::usage(message),
        }
    }
}

impl From<cloud::Error> for Failure {
    fn from(error: cloud::Error) -> Self {
        let message = with_causes(&error);
        match error.kind() {
            ErrorKind::NotAuthenticated | ErrorKind::Denied => Self::refused(message)
                .hint("check the cloud's entry in clouds.yaml or your OS_* variables; nothing was changed"),
            ErrorKind::Invalid | ErrorKind::NoService => Self::usage(message),
            ErrorKind::Timeout | ErrorKind::Unreachable | ErrorKind::Throttled => {
                Self { code: UNLISTED, message, hint: None }.hint("check auth_url and the network; nothing was changed")
            }
            _ => Self::unexpected(message),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "error: {}", self.message.trim_end())?;
        match &self.hint {
            Some(hint) => writeln!(formatter, "hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// An error and what caused it, in one line. A cause that the error already tells is not told again.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let next_text = next.to_string();
        if !text.contains(&next_text) {
            text = format!("{text}: {next_text}");
        }
        cause = next.source();
    }
    text
}
