//! Either form of a naming format, behind one face.

use std::fmt;

use super::{Match, NameFormat, NameTemplate, TaskId, TaskPart, TemplateMisfit};

/// What names look like: runs of `X`, or a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameForm {
    /// `s_rally_XXXXXXXX_XXXXXXXX`: a part of the id, and random characters of a known length and alphabet.
    Runs(NameFormat),
    /// `ci-{task}-*`: the whole id, and literal text around it.
    Template(NameTemplate),
}

impl NameForm {
    /// The part of a name that stands for a task, if the name has this form. A tail may follow where the form has runs.
    pub fn carried<'a>(&self, name: &'a str) -> Option<&'a str> {
        match self {
            Self::Runs(format) => format.parts(name, Match::Start).map(|parts| parts.task),
            Self::Template(template) => template.carried(name),
        }
    }

    /// The characters that stand for the task in such names.
    ///
    /// # Errors
    /// Where a template's names cannot carry the id.
    pub fn task_part(&self, task: &TaskId) -> Result<TaskPart, TemplateMisfit> {
        match self {
            Self::Runs(format) => Ok(format.task_part(task)),
            Self::Template(template) => template.task_part(task),
        }
    }

    /// Makes a name for the task. `draw(n)` gives a number below `n`; a larger one is reduced.
    ///
    /// # Errors
    /// Where a template's names cannot carry the id.
    pub fn generate(
        &self,
        task: &TaskId,
        draw: &mut impl FnMut(usize) -> usize,
    ) -> Result<String, TemplateMisfit> {
        match self {
            Self::Runs(format) => Ok(format.generate(task, draw)),
            Self::Template(template) => template.generate(task, draw),
        }
    }

    /// What such names look like to a person.
    pub fn pattern(&self, task: Option<&TaskPart>) -> String {
        match self {
            Self::Runs(format) => format.pattern(task),
            Self::Template(template) => template.pattern(task),
        }
    }

    /// Whether this is a template.
    pub fn is_template(&self) -> bool {
        matches!(self, Self::Template(_))
    }

    /// The literal text with which names begin.
    pub fn prefix(&self) -> &str {
        match self {
            Self::Runs(format) => format.prefix(),
            Self::Template(template) => template.prefix(),
        }
    }
}

impl From<NameFormat> for NameForm {
    fn from(format: NameFormat) -> Self {
        Self::Runs(format)
    }
}

impl From<NameTemplate> for NameForm {
    fn from(template: NameTemplate) -> Self {
        Self::Template(template)
    }
}

impl fmt::Display for NameForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runs(format) => format.fmt(f),
            Self::Template(template) => template.fmt(f),
        }
    }
}
