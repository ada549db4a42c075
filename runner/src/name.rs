//! Answers one question: could this name have been made by this task?
//!
//! The rules are those of Rally 5.1.1, to the letter, because a name that Rally would not have made must not be
//! deleted in its name. Nothing here does I/O, reads a clock or rolls dice: the same input gives the same answer.
//!
//! The invariant: every name that [`NameForm::generate`] makes for a task is accepted for that task.
//!
//! Other tools' names, which carry the whole id, are told by a [`NameTemplate`].
//!
//! # What a name of Rally's is made of
//!
//! | piece of `s_rally_XXXXXXXX_XXXXXXXX` | is | accepted in a name |
//! |---|---|---|
//! | `s_rally_` | prefix | itself |
//! | first run of three or more `X` | task part, see [`NameFormat::task_part`] | what the task's id gives; any allowed characters without a task |
//! | `_` | separator, free of `X` | itself |
//! | next run of three or more `X` | random part | that many allowed characters |
//! | (nothing) | suffix | itself |
//! | | tail | with [`Match::Exact`] nothing or one newline; with [`Match::Start`] anything up to the end of the line |
//!
//! ```
//! use runner::name::{Match, NameFormat, TaskId};
//!
//! let format = NameFormat::parse("s_rally_XXXXXXXX_XXXXXXXX")?;
//! let task = TaskId::parse("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d")?;
//! assert!(format.matches("s_rally_0a1b2c3d_AbCdEf12", Some(&task), Match::Exact));
//! assert!(format.matches("s_rally_0a1b2c3d_AbCdEf12-1", Some(&task), Match::Start));
//! assert!(!format.matches("s_rally_deadbeef_AbCdEf12", Some(&task), Match::Start));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod form;
mod format;
mod matcher;
mod named;
mod presets;
mod rally_report;
mod seeded;
mod template;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use form::NameForm;
pub use format::{Alphabet, FormatError, Match, NameFormat, NameParts, TaskPart};
pub use matcher::{Carried, NameMatch, NameMatcher, NameVerdict};
pub use named::{FormatConfig, FormatConfigError, NamedFormat, Origin, OriginFilter, built_in};
pub use rally_report::{RallyReport, RallyReportError};
pub use template::{NameTemplate, TemplateError, TemplateMisfit, WHOLE_ID_CHARS_MIN};

/// The longest task id that is accepted, in characters. Rally's ids have 36; the rest is room for other tools.
pub const TASK_ID_CHARS_MAX: usize = 255;

/// The id of the run that made the names.
///
/// Rally writes the *workload's* uuid into names, not the task's. Ids are compared as written: a uuid in capital
/// letters is another id than the same uuid in small ones, as it is for Rally.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaskId(Arc<str>);

impl TaskId {
    /// Takes any id, without the white space around it.
    ///
    /// # Errors
    ///
    /// When nothing is left, when the id holds a control character, or when it has more than
    /// [`TASK_ID_CHARS_MAX`] characters.
    pub fn parse(text: &str) -> Result<Self, TaskIdError> {
        let id = text.trim();
        if id.is_empty() {
            return Err(TaskIdError::Empty);
        }
        if id.chars().any(char::is_control) {
            return Err(TaskIdError::ControlCharacter { id: id.to_owned() });
        }
        let chars = id.chars().count();
        if chars > TASK_ID_CHARS_MAX {
            return Err(TaskIdError::TooLong { chars });
        }
        Ok(Self(id.into()))
    }

    /// The id as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the id is a uuid: 32 hexadecimal digits, bare or with dashes after the 8th, 12th, 16th and 20th.
    ///
    /// Any other id is allowed too, but short or odd ones take the seeded rule of [`NameFormat::task_part`].
    pub fn is_uuid(&self) -> bool {
        let has_dashes = self.0.contains('-');
        let places_fit = |(at, byte): (usize, u8)| {
            if has_dashes && matches!(at, 8 | 13 | 18 | 23) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        };
        let length = if has_dashes { 36 } else { 32 };
        self.0.len() == length && self.0.bytes().enumerate().all(places_fit)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for TaskId {
    type Error = TaskIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl std::str::FromStr for TaskId {
    type Err = TaskIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl From<TaskId> for String {
    fn from(task: TaskId) -> Self {
        task.as_str().to_owned()
    }
}

/// Why a text is no task id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TaskIdError {
    /// Nothing but white space.
    #[error("a task id must not be empty")]
    Empty,
    /// A character that no tool puts into an id and that would garble a terminal or a log.
    #[error("task id {id:?} holds a control character")]
    ControlCharacter {
        /// The id as given.
        id: String,
    },
    /// More than [`TASK_ID_CHARS_MAX`] characters.
    #[error("a task id of {chars} characters is too long: at most {TASK_ID_CHARS_MAX} are allowed")]
    TooLong {
        /// How many there were.
        chars: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_recognised() {
        let cases = [
            ("dashed", "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", true),
            ("bare", "0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d", true),
            ("capital", "0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D", true),
            ("dash moved", "0a1b2c3d4-e5f-4a6b-8c7d-9e0f1a2b3c4d", false),
            ("dash missing", "0a1b2c3d-4e5f-4a6b-8c7d9e0f1a2b3c4d", false),
            ("no digit", "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4g", false),
            ("short", "0a1b2c3d", false),
            ("36 digits", "0a1b2c3d04e5f04a6b08c7d09e0f1a2b3c4d", false),
            ("two-byte letters", "éééééééééééééééé", false),
        ];
        for (case, id, expected) in cases {
            assert_eq!(TaskId::parse(id).unwrap().is_uuid(), expected, "{case}");
        }
    }

    #[test]
    fn ids_are_trimmed_and_checked() {
        assert_eq!(TaskId::parse(" ci-7 \n").unwrap().as_str(), "ci-7");
        assert_eq!(
            TaskId::parse("bogus! task!").unwrap().as_str(),
            "bogus! task!"
        );
        assert_eq!(TaskId::parse(" \t\n"), Err(TaskIdError::Empty));
        assert_eq!(TaskId::parse(""), Err(TaskIdError::Empty));
        assert!(matches!(
            TaskId::parse("a\u{1b}[31mb"),
            Err(TaskIdError::ControlCharacter { .. })
        ));
        assert!(TaskId::parse(&"x".repeat(TASK_ID_CHARS_MAX)).is_ok());
        assert_eq!(
            TaskId::parse(&"x".repeat(TASK_ID_CHARS_MAX + 1)),
            Err(TaskIdError::TooLong {
                chars: TASK_ID_CHARS_MAX + 1
            })
        );
    }

    #[test]
    fn ids_are_checked_when_read_from_a_file_too() {
        let id: TaskId = serde_json::from_str(r#"" ci-7 ""#).unwrap();
        assert_eq!(id.as_str(), "ci-7");
        assert_eq!(serde_json::to_string(&id).unwrap(), r#""ci-7""#);
        assert!(serde_json::from_str::<TaskId>(r#""  ""#).is_err());
    }
}
