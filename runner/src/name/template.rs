//! The second form of a naming format: literal text around the task's whole id, as most tools other than Rally write it.
//!
//! | piece of `kube_service_{task}_*` | is | accepted in a name |
//! |---|---|---|
//! | `kube_service_` | literal text, with which each template begins | itself |
//! | `{task}`, once | the task's whole id | all up to the character that follows the placeholder in the template |
//! | `{task:number}` | an id of digits alone | all digits up to there |
//! | `{task:uuid}` | an id that is a uuid, as it is written | 36 characters with dashes, or 32 without |
//! | `*` | one character or more | all up to the character that follows it; at the end, the rest of the line |
//!
//! A name is held against the whole template, from its first character to its last. What a placeholder or `*` takes ends where the
//! next character of the template comes for the first time, so there is nothing to search, and a name carries one id or none.
//!
//! The invariants: a name that is made for a task is that task's and nobody else's; a name in which the id does not stand is nobody's.

use std::fmt;

use super::format::{FORMAT_CHARS_MAX, uuid_bits};
use super::{TaskId, TaskPart};

/// The fewest characters of an id that is looked for as a whole: shorter ones are counters, which others count as well.
pub const WHOLE_ID_CHARS_MIN: usize = 4;

/// The fewest letters and digits with which a template begins: its maker's mark.
const MARK_CHARS_MIN: usize = 2;

/// What is put in the place of a `*`, in characters.
const MADE_CHARS: usize = 8;

/// The digits of a uuid.
const UUID_DIGITS: usize = 32;

/// A naming format such as `kube_service_{task}_*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameTemplate {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Task(IdForm),
    Any,
}

/// What ids a template is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IdForm {
    Whole,
    Number,
    Uuid,
}

impl NameTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// When it does not begin with a maker's mark, has no placeholder for the task or several, or when it could not be told where
    /// the id or a `*` ends.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let chars = text.chars().count();
        if chars > FORMAT_CHARS_MAX {
            return Err(TemplateError::TooLong { chars });
        }
        if text.chars().any(char::is_control) {
            return Err(TemplateError::ControlCharacter);
        }
        let pieces = pieces(text)?;
        let is_task = |piece: &&Piece| matches!(piece, Piece::Task(_));
        match pieces.iter().filter(is_task).count() {
            1 => {}
            found => return Err(TemplateError::Tasks { found }),
        }
        let mark = match pieces.first() {
            Some(Piece::Literal(literal)) => {
                literal.chars().filter(|it| it.is_alphanumeric()).count()
            }
            _ => 0,
        };
        if mark < MARK_CHARS_MIN {
            return Err(TemplateError::NoMark);
        }
        for (piece, next) in pieces.iter().zip(pieces.iter().skip(1)) {
            match (piece, next) {
                (Piece::Literal(_), _) | (Piece::Any, Piece::Literal(_)) => {}
                // Where the id ends must be seen by a character that stands in no such id.
                (Piece::Task(_), Piece::Literal(literal))
                    if !literal.starts_with(char::is_alphanumeric) => {}
                (Piece::Task(_) | Piece::Any, _) => return Err(TemplateError::NoEnd),
            }
        }
        Ok(Self {
            text: text.to_owned(),
            pieces,
        })
    }

    /// The literal text with which names begin.
    pub(super) fn prefix(&self) -> &str {
        match self.pieces.first() {
            Some(Piece::Literal(literal)) => literal,
            _ => "",
        }
    }

    /// The id that a name carries, if it has the form of this template.
    pub fn carried<'a>(&self, name: &'a str) -> Option<&'a str> {
        let mut rest = name;
        let mut id = None;
        let mut pieces = self.pieces.iter().peekable();
        while let Some(piece) = pieces.next() {
            let ends_at = match pieces.peek() {
                Some(Piece::Literal(literal)) => literal.chars().next(),
                _ => None,
            };
            match piece {
                Piece::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
                Piece::Any => (_, rest) = run(rest, ends_at)?,
                Piece::Task(form) => {
                    let found;
                    (found, rest) = form.split(rest, ends_at)?;
                    id = Some(found);
                }
            }
        }
        id.filter(|_| rest.is_empty())
    }

    /// The task's id as it stands in names.
    ///
    /// # Errors
    /// When names of this template cannot carry it, or would not tell it from others.
    pub fn task_part(&self, task: &TaskId) -> Result<TaskPart, TemplateMisfit> {
        let id = task.as_str();
        let misfit = |why| TemplateMisfit {
            template: self.text.clone(),
            task: task.clone(),
            why,
        };
        let (form, end) = self.task_piece();
        match form {
            IdForm::Uuid if !task.is_uuid() => return Err(misfit(Misfit::NoUuid)),
            IdForm::Number if !is_number(id) => return Err(misfit(Misfit::NoNumber)),
            IdForm::Uuid | IdForm::Number | IdForm::Whole => {}
        }
        if id.chars().count() < WHOLE_ID_CHARS_MIN {
            return Err(misfit(Misfit::TooShort));
        }
        if form == IdForm::Whole && end.is_some_and(|end| id.contains(end)) {
            return Err(misfit(Misfit::HoldsEnd(end.unwrap_or_default())));
        }
        let bits = if task.is_uuid() {
            uuid_bits(UUID_DIGITS)
        } else {
            0
        };
        Ok(TaskPart {
            text: id.to_owned(),
            seeded: false,
            sure_bits: bits,
        })
    }

    /// Makes a name for the task. `draw(n)` gives a number below `n`; a larger one is reduced.
    ///
    /// # Errors
    /// As [`NameTemplate::task_part`].
    pub fn generate(
        &self,
        task: &TaskId,
        draw: &mut impl FnMut(usize) -> usize,
    ) -> Result<String, TemplateMisfit> {
        let part = self.task_part(task)?;
        let mut name = String::new();
        let mut pieces = self.pieces.iter().peekable();
        while let Some(piece) = pieces.next() {
            match piece {
                Piece::Literal(literal) => name.push_str(literal),
                Piece::Task(_) => name.push_str(&part.text),
                Piece::Any => {
                    let ends_at = match pieces.peek() {
                        Some(Piece::Literal(literal)) => literal.chars().next(),
                        _ => None,
                    };
                    let alphabet = ('a'..='z')
                        .chain('0'..='9')
                        .filter(|it| Some(*it) != ends_at);
                    let alphabet: Vec<char> = alphabet.collect();
                    let drawn = (0..MADE_CHARS).filter_map(|_| {
                        let at = draw(alphabet.len()).checked_rem(alphabet.len())?;
                        alphabet.get(at)
                    });
                    name.extend(drawn);
                }
            }
        }
        Ok(name)
    }

    /// What names look like to a person: `kube_service_prod_…`, or `kube_service_…_…` without a task part.
    pub fn pattern(&self, task: Option<&TaskPart>) -> String {
        let task = task.map_or("…", |part| part.text.as_str());
        let shown = self.pieces.iter().map(|piece| match piece {
            Piece::Literal(literal) => literal.as_str(),
            Piece::Task(_) => task,
            Piece::Any => "…",
        });
        shown.collect()
    }

    /// The form of the id, and the character that ends it.
    fn task_piece(&self) -> (IdForm, Option<char>) {
        let mut pieces = self.pieces.iter();
        let found = pieces.find_map(|piece| match piece {
            Piece::Task(form) => Some(*form),
            Piece::Literal(_) | Piece::Any => None,
        });
        let end = match pieces.next() {
            Some(Piece::Literal(literal)) => literal.chars().next(),
            _ => None,
        };
        (found.unwrap_or(IdForm::Whole), end)
    }
}

impl fmt::Display for NameTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl IdForm {
    /// Splits the id off the beginning of a text.
    fn split(self, text: &str, ends_at: Option<char>) -> Option<(&str, &str)> {
        if self == Self::Uuid {
            // The longer one first: what has dashes at the right places is no bare one.
            let lengths = [UUID_DIGITS + 4, UUID_DIGITS];
            return lengths.into_iter().find_map(|length| {
                let (id, rest) = text.split_at_checked(length)?;
                let is_uuid =
                    TaskId::parse(id).is_ok_and(|task| task.as_str() == id && task.is_uuid());
                is_uuid.then_some((id, rest))
            });
        }
        let (id, rest) = run(text, ends_at)?;
        let is_long = id.chars().count() >= WHOLE_ID_CHARS_MIN;
        let is_of_form = self == Self::Whole || is_number(id);
        (is_long && is_of_form).then_some((id, rest))
    }
}

fn is_number(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|it| it.is_ascii_digit())
}

/// The characters up to this one, or to the end: one at least, and none that garbles a line.
fn run(text: &str, ends_at: Option<char>) -> Option<(&str, &str)> {
    let length = match ends_at {
        Some(end) => text.find(end)?,
        None => text.len(),
    };
    let (run, rest) = text.split_at_checked(length)?;
    (!run.is_empty() && !run.chars().any(char::is_control)).then_some((run, rest))
}

fn pieces(text: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let at = rest.find(['{', '}', '*']).unwrap_or(rest.len());
        let (literal, more) = rest.split_at_checked(at).unwrap_or((rest, ""));
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal.to_owned()));
        }
        if let Some(after) = more.strip_prefix('*') {
            pieces.push(Piece::Any);
            rest = after;
        } else if let Some((word, after)) = more.strip_prefix('{').and_then(|it| it.split_once('}'))
        {
            pieces.push(Piece::Task(match word {
                "task" => IdForm::Whole,
                "task:number" => IdForm::Number,
                "task:uuid" => IdForm::Uuid,
                _ => {
                    let word = word.to_owned();
                    return Err(TemplateError::UnknownPlaceholder { word });
                }
            }));
            rest = after;
        } else if more.is_empty() {
            rest = more;
        } else {
            return Err(TemplateError::Brace);
        }
    }
    Ok(pieces)
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// More characters than a name can have.
    #[error("it has {chars} characters: at most {FORMAT_CHARS_MAX} are allowed")]
    TooLong {
        /// How many there were.
        chars: usize,
    },
    /// A character that stands in no name.
    #[error("it holds a control character")]
    ControlCharacter,
    /// No place for the task, or several.
    #[error(
        "it has {found} places for the task's id: write {{task}}, {{task:number}} or {{task:uuid}} once, as in ci-{{task:number}}-*"
    )]
    Tasks {
        /// How many there were.
        found: usize,
    },
    /// Nothing of its own to begin with.
    #[error(
        "it would take names of any maker: begin it with {MARK_CHARS_MIN} letters or digits at least that only this maker's names begin \
         with, as in ci-{{task:number}}-*"
    )]
    NoMark,
    /// Nothing says where the id or a `*` ends.
    #[error(
        "nothing says where {{task}} or * ends: behind each must be the end, or literal text, and behind {{task}} text that begins with \
         neither letter nor digit, as in ci-{{task:number}}-*"
    )]
    NoEnd,
    /// A word in braces that means nothing.
    #[error("{{{word}}} is no placeholder: there are {{task}}, {{task:number}} and {{task:uuid}}")]
    UnknownPlaceholder {
        /// The word.
        word: String,
    },
    /// A brace alone.
    #[error("it holds a brace that belongs to no placeholder")]
    Brace,
}

/// A task whose names a template cannot make or know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("names like {template} cannot carry the task id {task}: {why}")]
pub struct TemplateMisfit {
    template: String,
    task: TaskId,
    why: Misfit,
}

impl TemplateMisfit {
    /// Whether the id is only of another form than this maker's, so that it may well be another maker's.
    pub fn is_of_another_form(&self) -> bool {
        matches!(self.why, Misfit::NoUuid | Misfit::NoNumber)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Misfit {
    #[error("it is no uuid")]
    NoUuid,
    #[error("it is no number")]
    NoNumber,
    #[error("it has less than {WHOLE_ID_CHARS_MIN} characters, too few to tell it from others")]
    TooShort,
    #[error(
        "it holds `{0}`, which ends the id there, so that a part of it would be taken for another task: say {{task:uuid}} if the ids are \
         uuids"
    )]
    HoldsEnd(char),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UUID: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

    fn task(id: &str) -> TaskId {
        TaskId::parse(id).unwrap()
    }

    fn carried(template: &str, name: &str) -> Option<String> {
        let template = NameTemplate::parse(template).unwrap();
        template.carried(name).map(str::to_owned)
    }

    #[test]
    fn a_name_carries_one_id_or_none() {
        for (template, name, expected) in [
            (
                "kube_service_{task}_*",
                "kube_service_prod-7_web_ingress",
                Some("prod-7"),
            ),
            ("kube_service_{task}_*", "kube_service_prod-7_", None),
            ("kube_service_{task}_*", "kube_service_prod-7", None),
            ("kube_service_{task}_*", "kube_service__web_x", None),
            ("kube_service_{task}_*", "xkube_service_prod-7_web", None),
            ("kube_service_{task}_*", "kube_service_abc_web", None),
            ("kube_service_{task}_*", "kube_service_prod-7_web\nx", None),
            ("ci-{task:number}-*", "ci-12345-web", Some("12345")),
            ("ci-{task:number}-*", "ci-12345x-web", None),
            ("ci-{task:number}-*", "ci-123-web", None),
            ("ci-{task:number}", "ci-12345", Some("12345")),
            ("ci-{task:number}", "ci-12345\n", None),
            ("ci-{task:number}", "ci-12345-web", None),
            ("ci-{task}", "ci-ab-cd", Some("ab-cd")),
            (
                "run-{task:uuid}-*",
                "run-0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d-x",
                Some(UUID),
            ),
            (
                "run-{task:uuid}-*",
                "run-0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d-x",
                Some("0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d"),
            ),
            (
                "run-{task:uuid}-*",
                "run-0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d5-x",
                None,
            ),
            ("run-{task:uuid}-*", "run-0a1b2c3d-x", None),
            ("run-{task:uuid}", "run-éééééééééééééééé", None),
            (
                "runner-*-project-{task:number}-concurrent-*",
                "runner-ab1-project-4711-concurrent-0",
                Some("4711"),
            ),
            (
                "runner-*-project-{task:number}-concurrent-*",
                "runner-a-b-project-4711-concurrent-0",
                None,
            ),
            ("a1*.{task}", "a1x.id77", Some("id77")),
        ] {
            assert_eq!(
                carried(template, name).as_deref(),
                expected,
                "{template} {name:?}"
            );
        }
    }

    #[test]
    fn what_would_take_anything_is_refused() {
        let long = format!("ci-{{task}}{}", "-".repeat(FORMAT_CHARS_MAX));
        for (text, expected) in [
            ("", TemplateError::Tasks { found: 0 }),
            ("*", TemplateError::Tasks { found: 0 }),
            ("ci-*", TemplateError::Tasks { found: 0 }),
            ("ci-{task}-{task}", TemplateError::Tasks { found: 2 }),
            ("{task}", TemplateError::NoMark),
            ("{task}-*", TemplateError::NoMark),
            ("*-{task}", TemplateError::NoMark),
            ("*ci-{task}", TemplateError::NoMark),
            ("c-{task}-*", TemplateError::NoMark),
            ("--{task}-*", TemplateError::NoMark),
            ("ci-{task}*", TemplateError::NoEnd),
            ("ci-*{task}", TemplateError::NoEnd),
            ("ci-**-{task}", TemplateError::NoEnd),
            ("ci-{task}x", TemplateError::NoEnd),
            ("ci-{task:uuid}0", TemplateError::NoEnd),
            (
                "ci-{task:8}-*",
                TemplateError::UnknownPlaceholder {
                    word: "task:8".to_owned(),
                },
            ),
            (
                "ci-{id}",
                TemplateError::UnknownPlaceholder {
                    word: "id".to_owned(),
                },
            ),
            ("ci-{task", TemplateError::Brace),
            ("ci-task}", TemplateError::Brace),
            ("ci-\n{task}", TemplateError::ControlCharacter),
            (&long, TemplateError::TooLong { chars: 264 }),
        ] {
            assert_eq!(NameTemplate::parse(text), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn an_id_that_could_be_taken_for_another_is_refused() {
        let part = |template: &str, id: &str| {
            let part = NameTemplate::parse(template).unwrap().task_part(&task(id));
            part.map(|part| (part.text, part.sure_bits))
                .map_err(|misfit| misfit.why)
        };
        let is = |id: &str, bits| Ok((id.to_owned(), bits));
        assert_eq!(part("ci-{task:uuid}-*", UUID), is(UUID, 122));
        assert_eq!(part("ci-{task}_*", UUID), is(UUID, 122));
        assert_eq!(part("ci-{task}_*", "prod-7"), is("prod-7", 0));
        assert_eq!(part("ci-{task:number}-*", "4711"), is("4711", 0));
        assert_eq!(part("ci-{task}-*", "prod-7"), Err(Misfit::HoldsEnd('-')));
        assert_eq!(part("ci-{task}-*", "abc"), Err(Misfit::TooShort));
        assert_eq!(part("ci-{task:number}-*", "471"), Err(Misfit::TooShort));
        assert_eq!(part("ci-{task:number}-*", "prod"), Err(Misfit::NoNumber));
        assert_eq!(part("ci-{task:number}-*", "٤٧١١"), Err(Misfit::NoNumber));
        assert_eq!(part("ci-{task:uuid}-*", "0a1b2c3d"), Err(Misfit::NoUuid));
    }

    #[test]
    fn a_template_is_shown_as_it_was_written_and_as_its_names_look() {
        let template = NameTemplate::parse("kube_service_{task}_*").unwrap();
        assert_eq!(template.to_string(), "kube_service_{task}_*");
        assert_eq!(template.pattern(None), "kube_service_…_…");
        let part = template.task_part(&task("prod")).unwrap();
        assert_eq!(template.pattern(Some(&part)), "kube_service_prod_…");
    }

    fn any_template() -> impl Strategy<Value = NameTemplate> {
        "(ci|kube_service|é0)[-_.]{0,2}(\\*[-_.a])?\\{task(:number|:uuid)?\\}([-_.]([a-z*]|\\*[-_]){0,3})?"
            .prop_filter_map("no template", |text| NameTemplate::parse(&text).ok())
    }

    fn any_task() -> impl Strategy<Value = TaskId> {
        prop_oneof![
            "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}",
            "[0-9a-f]{32}",
            "[0-9]{1,8}",
            "[a-c0-9._é-]{1,8}",
        ]
        .prop_map(|id| task(&id))
    }

    proptest! {
        #[test]
        fn a_made_name_is_its_own_tasks_and_nobody_elses(
            template in any_template(),
            maker in any_task(),
            other in any_task(),
            draws in prop::array::uniform8(any::<usize>()),
        ) {
            let mut draws = draws.into_iter().cycle();
            let Ok(name) = template.generate(&maker, &mut |_| draws.next().unwrap_or(0)) else {
                prop_assert!(template.task_part(&maker).is_err());
                return Ok(());
            };
            prop_assert_eq!(template.carried(&name), Some(maker.as_str()), "{}", name);
            if let Ok(part) = template.task_part(&other) {
                prop_assert_eq!(template.carried(&name) == Some(&*part.text), maker == other);
            }
        }

        #[test]
        fn a_name_without_the_id_is_nobodys(
            template in any_template(),
            maker in any_task(),
            name in "(ci|kube_service|é0)[-_.]{0,2}[a-c0-9._é-]{0,48}",
        ) {
            let Ok(part) = template.task_part(&maker) else { return Ok(()) };
            if template.carried(&name) == Some(&*part.text) {
                prop_assert!(name.contains(maker.as_str()), "{} {}", template, name);
                prop_assert!(name.starts_with(template.prefix()));
            }
        }

        #[test]
        fn anything_before_or_behind_a_closed_template_is_refused(
            maker in "[0-9]{4,9}",
            garbage in "[ -~é\n]{1,5}",
        ) {
            let template = NameTemplate::parse("ci-{task:number}.z").unwrap();
            let name = template.generate(&task(&maker), &mut |_| 0).unwrap();
            prop_assert_eq!(template.carried(&name), Some(maker.as_str()));
            for name in [format!("{garbage}{name}"), format!("{name}{garbage}")] {
                prop_assert_eq!(template.carried(&name), None, "{}", name);
            }
        }

        #[test]
        fn no_text_is_too_odd(template in any::<String>(), name in any::<String>()) {
            if let Ok(template) = NameTemplate::parse(&template) {
                let _ = template.carried(&name);
            }
        }
    }
}
