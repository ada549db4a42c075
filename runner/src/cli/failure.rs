//! Why a command ends without having done its work: the cause, the cure, and the exit code.

use std::fmt;

use serde::Serialize;

use crate::cloud::{self, ErrorKind};
use crate::exit::Exit;
use crate::guest::{LoadError, LoadFlaw};
use crate::registry::{ManifestFlaw, RegistryError, RegistryFlaw};
use crate::run::Refusal;

/// What helps where rules are not as they were locked.
pub(super) const REVIEW: &str = "nothing was changed; `runner rules diff` says what they may do now, `runner rules lock` accepts that";

/// A failed command.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    message: String,
    hint: Option<String>,
}

impl Failure {
    pub(super) fn unexpected(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Unexpected,
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
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
            exit: Exit::Refused,
            message: message.into(),
            hint: None,
        }
    }

    /// Not everything could be looked at.
    pub(super) fn unlisted(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Unlisted,
            ..Self::usage(message)
        }
    }

    pub(super) fn interrupted(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Interrupted,
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn guarded(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Guarded,
            message: message.into(),
            hint: None,
        }
    }

    /// An error of the user's input, with all its causes.
    pub(super) fn input(error: &dyn std::error::Error) -> Self {
        Self::usage(with_causes(error))
    }

    /// A registry gave no answer, or one that was not read to its end.
    fn from_registry(error: &cloud::Error, message: String, section: &str) -> Self {
        match error.kind() {
            ErrorKind::Invalid => Self::usage(message),
            ErrorKind::TooLarge => Self::usage(message)
                .hint("the limit is response_bytes_max under [http]; is that the address of a registry?"),
            ErrorKind::Throttled => Self::unexpected(message).hint("nothing was written; try again later"),
            _ => Self::unexpected(message).hint(format!(
                "nothing was written; check the registry's address and the network, and plain_http and cacert under {section}"
            )),
        }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

impl From<&Refusal> for Failure {
    fn from(refusal: &Refusal) -> Self {
        Self {
            hint: refusal.hint(),
            ..Self::guarded(refusal.to_string())
        }
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        let message = error.to_string();
        match error.why {
            LoadFlaw::NotAsLocked { .. } => Self::guarded(message).hint(REVIEW),
            LoadFlaw::Signature(_) => Self::guarded(message),
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
                Self { exit: Exit::Unlisted, message, hint: None }.hint("check auth_url and the network; nothing was changed")
            }
            _ => Self::unexpected(message),
        }
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        let message = with_causes(&error);
        let registry = error.reference.registry();
        let section = format!("[registries.\"{registry}\"] in the configuration");
        match error.why {
            RegistryFlaw::Denied(_) => Self::refused(message).hint(format!(
                "a registry says this also of what it does not have; check the reference, and who you are there: \
                 `docker login {registry}`, or user and password_env under {section}"
            )),
            RegistryFlaw::Absent => Self::usage(message)
                .hint("check repository, tag and digest; nothing was written"),
            RegistryFlaw::Elsewhere { origin, .. } => Self::guarded(message).hint(format!(
                "if {registry} keeps it there, and you trust that, say `elsewhere = [\"{origin}\"]` under {section}"
            )),
            RegistryFlaw::Digest { .. } | RegistryFlaw::Size { .. } => Self::guarded(message).hint(
                "nothing was written; the registry, or something on the way to it, has changed it: tell whoever runs it",
            ),
            RegistryFlaw::TooLarge { .. } => Self::usage(message).hint(
                "if a rule of that size is what you want, raise the limit under [limits] in the configuration",
            ),
            RegistryFlaw::Manifest(ManifestFlaw::Signature) => Self::guarded(message),
            RegistryFlaw::Manifest(ManifestFlaw::Index(_)) => Self::usage(message),
            RegistryFlaw::Manifest(_) => Self::usage(message)
                .hint("a rule is pushed with `wkg oci push`; docs/rules.md says how"),
            RegistryFlaw::Status { status: 400, .. } => Self::unexpected(message).hint(format!(
                "nothing was written; a server that speaks TLS answers so to who does not: say `plain_http = false` under {section}"
            )),
            RegistryFlaw::NoAnswer(error) => Self::from_registry(&error, message, &section),
            _ => Self::unexpected(message).hint("nothing was written; try again later, or ask whoever runs the registry"),
        }
    }
}

/// A failure as a document, for a program that reads what it asked for.
#[derive(Debug, Serialize)]
pub(super) struct FailureDocument<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    exit_code: u8,
}

impl FailureDocument<'_> {
    pub(super) fn message(&self) -> &str {
        self.error
    }
}

impl Failure {
    pub(super) fn document(&self) -> FailureDocument<'_> {
        FailureDocument {
            error: self.message.trim_end(),
            hint: self.hint.as_deref(),
            exit_code: self.exit.code(),
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
