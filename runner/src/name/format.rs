//! One naming format: reads it, makes names by it, and takes names apart.
//!
//! Does not know which formats exist nor which tasks are swept; that is the matcher's knowledge. All pieces of a name
//! have a fixed number of characters, so that a name is read once from left to right and there is nothing to search.
//!
//! The invariant: a name is taken apart in one way or not at all.

use std::fmt;

use super::{TaskId, seeded};

/// The fewest `X` that make a placeholder.
const PLACEHOLDER_CHARS_MIN: usize = 3;

/// The longest format that is accepted, in characters. Names in clouds end at 255.
pub(crate) const FORMAT_CHARS_MAX: usize = 255;

/// The characters that a task part and a random part may be made of.
///
/// Their order matters: the seeded rule of [`NameFormat::task_part`] draws by position. A character given twice is
/// drawn twice as often, as in Python.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alphabet {
    characters: Vec<char>,
    /// Bit `n` is set when the ASCII character `n` is allowed, which spares a search for nearly every character.
    ascii: u128,
}

impl Alphabet {
    /// Takes every character of the text as it stands; there are no ranges.
    ///
    /// # Errors
    ///
    /// When there is no character at all.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        if text.is_empty() {
            return Err(FormatError::NoAlphabet);
        }
        Ok(Self::of(text.chars()))
    }

    /// Small letters and digits, in this order: what Ironic and Kubernetes names are made of.
    pub fn lower_case_and_digits() -> Self {
        Self::of(('a'..='z').chain('0'..='9'))
    }

    /// Whether the character may stand in a task part or a random part.
    pub fn contains(&self, character: char) -> bool {
        if character.is_ascii() {
            self.ascii >> u32::from(character) & 1 == 1
        } else {
            self.characters.contains(&character)
        }
    }

    fn of(characters: impl Iterator<Item = char>) -> Self {
        let characters: Vec<char> = characters.collect();
        let ascii = characters
            .iter()
            .filter(|character| character.is_ascii())
            .fold(0, |bits, &character| bits | 1 << u32::from(character));
        Self { characters, ascii }
    }

    /// The bits of information in `count` evenly drawn characters, rounded down.
    fn bits(&self, count: usize) -> u32 {
        let mut distinct = self.characters.clone();
        distinct.sort_unstable();
        distinct.dedup();
        // At most 255 characters of at most 21 bits: exact enough in a float, and small enough for an integer.
        ((distinct.len() as f64).log2() * count as f64) as u32
    }
}

impl Default for Alphabet {
    /// Rally's: `a` to `z`, `A` to `Z`, `0` to `9`, in this order.
    fn default() -> Self {
        Self::of(('a'..='z').chain('A'..='Z').chain('0'..='9'))
    }
}

/// How much of a name must be accounted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// The whole name. One newline at its end is overlooked, because Python's `$` does so.
    Exact,
    /// The start of the name; a tail may follow on the same line. A sweep uses this one: services add to names
    /// (`-1` for the second of several servers, `.name.` for a zone).
    Start,
}

impl Match {
    fn accepts(self, tail: &str) -> bool {
        let line = tail.strip_suffix('\n').unwrap_or(tail);
        match self {
            Self::Exact => line.is_empty(),
            Self::Start => !line.contains('\n'),
        }
    }
}

/// The part of a name that stands for a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskPart {
    /// The characters as they stand in names.
    pub text: String,
    /// Whether they were drawn with the id as the seed, instead of being the id's first characters.
    pub seeded: bool,
    /// An unrelated task has the same part with a probability of one in 2 to the power of this many bits.
    ///
    /// Four for each digit of a uuid, what the alphabet yields for a seeded part, and 0 for the first characters of
    /// an id that is no uuid: `nightly-1` and `nightly-2` look alike for eight characters.
    pub sure_bits: u32,
}

/// A name taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameParts<'a> {
    /// The characters that stand for the task.
    pub task: &'a str,
    /// The characters that make the name unique.
    pub random: &'a str,
    /// What follows the name proper.
    pub tail: &'a str,
}

/// A naming format such as `s_rally_XXXXXXXX_XXXXXXXX`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameFormat {
    prefix: String,
    task_chars: usize,
    separator: String,
    random_chars: usize,
    suffix: String,
    alphabet: Alphabet,
}

impl NameFormat {
    /// Reads a format whose names are made of Rally's default [`Alphabet`].
    ///
    /// # Errors
    ///
    /// As [`NameFormat::with_alphabet`].
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        Self::with_alphabet(text, Alphabet::default())
    }

    /// Reads a format: the first two runs of three or more `X` with no other `X` between them are the task part and
    /// the random part, all else is literal. Of two ways to read a format the one with the shorter prefix counts.
    ///
    /// # Errors
    ///
    /// When there are no such runs, when there is a newline before the first or after the second, or when the text
    /// has more than 255 characters. One newline at the very end is overlooked, as Python's `$` does.
    pub fn with_alphabet(text: &str, alphabet: Alphabet) -> Result<Self, FormatError> {
        let chars = text.chars().count();
        if chars > FORMAT_CHARS_MAX {
            return Err(FormatError::TooLong { chars });
        }
        let runs = placeholder_runs(text);
        for (task, random) in runs.iter().zip(runs.iter().skip(1)) {
            let are_long =
                task.chars >= PLACEHOLDER_CHARS_MIN && random.chars >= PLACEHOLDER_CHARS_MIN;
            let suffix = random.after.strip_suffix('\n').unwrap_or(random.after);
            if are_long && !task.before.contains('\n') && !suffix.contains('\n') {
                return Ok(Self {
                    prefix: task.before.to_owned(),
                    task_chars: task.chars,
                    separator: task.after.chars().take_while(|&c| c != 'X').collect(),
                    random_chars: random.chars,
                    suffix: suffix.to_owned(),
                    alphabet,
                });
            }
        }
        Err(FormatError::NoPlaceholders {
            format: text.to_owned(),
        })
    }

    /// The characters that stand for the task in names of this format: the first of its id without dashes, verbatim
    /// if there are enough and all are allowed; else as many characters drawn as CPython's `random.choice` does after
    /// `random.seed(id)`, the dashes included.
    pub fn task_part(&self, task: &TaskId) -> TaskPart {
        let verbatim: String = task
            .as_str()
            .chars()
            .filter(|&character| character != '-')
            .take(self.task_chars)
            .collect();
        let is_usable = verbatim.chars().count() == self.task_chars
            && verbatim.chars().all(|c| self.alphabet.contains(c));
        if !is_usable {
            return TaskPart {
                text: self.seeded_part(task.as_str()),
                seeded: true,
                sure_bits: self.alphabet.bits(self.task_chars),
            };
        }
        TaskPart {
            sure_bits: if task.is_uuid() {
                uuid_bits(self.task_chars)
            } else {
                0
            },
            text: verbatim,
            seeded: false,
        }
    }

    /// The literal text with which names begin.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The task part in names that Rally makes outside of any task. It seeds with an empty text then.
    pub fn ownerless_part(&self) -> String {
        self.seeded_part("")
    }

    /// Takes a name apart, whichever task made it.
    pub fn parts<'a>(&self, name: &'a str, extent: Match) -> Option<NameParts<'a>> {
        let rest = name.strip_prefix(self.prefix.as_str())?;
        let (task, rest) = self.split_allowed(rest, self.task_chars)?;
        let rest = rest.strip_prefix(self.separator.as_str())?;
        let (random, rest) = self.split_allowed(rest, self.random_chars)?;
        let tail = rest.strip_prefix(self.suffix.as_str())?;
        extent
            .accepts(tail)
            .then_some(NameParts { task, random, tail })
    }

    /// Whether the task could have made this name; without a task, whether any could.
    ///
    /// Draws a seeded part anew in each call: for many names use a [`NameMatcher`](super::NameMatcher).
    pub fn matches(&self, name: &str, task: Option<&TaskId>, extent: Match) -> bool {
        self.parts(name, extent)
            .is_some_and(|parts| task.is_none_or(|task| self.task_part(task).text == parts.task))
    }

    /// Makes a name for the task. `draw(n)` gives a number below `n`; a larger one is reduced.
    pub fn generate(&self, task: &TaskId, draw: &mut impl FnMut(usize) -> usize) -> String {
        let characters = &self.alphabet.characters;
        let random: String = (0..self.random_chars)
            .filter_map(|_| {
                let at = draw(characters.len()).checked_rem(characters.len())?;
                characters.get(at)
            })
            .collect();
        let task = self.task_part(task).text;
        format!(
            "{}{task}{}{random}{}",
            self.prefix, self.separator, self.suffix
        )
    }

    /// What names of this format look like to a person: `s_rally_0a1b2c3d_…`, or `s_rally_…_…` without a task part.
    pub fn pattern(&self, task: Option<&TaskPart>) -> String {
        let task = task.map_or("…", |part| part.text.as_str());
        format!("{}{task}{}…{}", self.prefix, self.separator, self.suffix)
    }

    fn seeded_part(&self, seed: &str) -> String {
        seeded::draw(seed, &self.alphabet.characters, self.task_chars)
    }

    /// Splits off `count` characters, if there are so many and all are allowed.
    fn split_allowed<'a>(&self, text: &'a str, count: usize) -> Option<(&'a str, &'a str)> {
        let mut characters = text.chars();
        for _ in 0..count {
            if !self.alphabet.contains(characters.next()?) {
                return None;
            }
        }
        let rest = characters.as_str();
        text.split_at_checked(text.len() - rest.len())
    }
}

impl fmt::Display for NameFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = "X".repeat(self.task_chars);
        let random = "X".repeat(self.random_chars);
        write!(
            f,
            "{}{task}{}{random}{}",
            self.prefix, self.separator, self.suffix
        )
    }
}

/// The bits of a uuid's first digits that differ between uuids: six of all 128 are fixed by version and variant.
pub(super) fn uuid_bits(digits: usize) -> u32 {
    u32::try_from(digits).map_or(122, |digits| digits.saturating_mul(4).min(122))
}

/// A run of `X` in a format, as long as it goes, and what stands around it.
struct Run<'a> {
    before: &'a str,
    chars: usize,
    after: &'a str,
}

fn placeholder_runs(text: &str) -> Vec<Run<'_>> {
    let mut runs = Vec::new();
    let mut from = 0;
    while let Some((before, rest)) = text
        .get(from..)
        .and_then(|rest| rest.find('X'))
        .and_then(|at| text.split_at_checked(from + at))
    {
        let after = rest.trim_start_matches('X');
        from = text.len() - after.len();
        runs.push(Run {
            before,
            chars: rest.len() - after.len(),
            after,
        });
    }
    runs
}

/// Why a text is no naming format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// No two placeholders that belong together.
    #[error(
        "name format {format:?} lacks its two placeholders: write a run of three or more X for the task, \
         a separator without X, and another such run for the random part, as in ci-XXXXXXXX-XXXXXXXX"
    )]
    NoPlaceholders {
        /// The format as given.
        format: String,
    },
    /// More characters than a name can have.
    #[error(
        "a name format of {chars} characters is too long: at most {FORMAT_CHARS_MAX} are allowed"
    )]
    TooLong {
        /// How many there were.
        chars: usize,
    },
    /// No character to make names of.
    #[error("the alphabet of a name format must not be empty")]
    NoAlphabet,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    /// Rally's own regular expression for formats, with Python's `$` spelled out.
    const RALLY_PLACEHOLDERS: &str =
        r"\A(?<prefix>.*?)(?<task>X{3,})(?<sep>[^X]+?)(?<rand>X{3,})(?<suffix>.*)\n?\z";

    fn task(id: &str) -> TaskId {
        TaskId::parse(id).unwrap()
    }

    #[test]
    fn formats_are_read_and_shown() {
        let cases = [
            ("s_rally_XXXXXXXX_XXXXXXXX", "s_rally_…_…"),
            ("XXX_XXX", "…_…"),
            ("XX_XXX_XXXX", "XX_…_…"),
            ("aXXXbXXXcXXXd", "a…b…cXXXd"),
            ("XXX_X_XXX.XXXX", "XXX_X_….…"),
            ("é XXX é XXX é", "é … é … é"),
            ("ci-XXX-XXX\n", "ci-…-…"),
            ("XXX\nXXX", "…\n…"),
            ("XXXXXXXX_XXX\nXXX", "XXXXXXXX_…\n…"),
        ];
        for (text, pattern) in cases {
            let format = NameFormat::parse(text).unwrap();
            assert_eq!(format.pattern(None), pattern, "{text:?}");
            assert_eq!(format.to_string(), text.trim_end_matches('\n'));
        }
    }

    #[test]
    fn texts_without_two_placeholders_are_refused() {
        for text in [
            "",
            "ci",
            "XXXXXX",
            "XX_XXX",
            "XXX_XX",
            "XXX_X_XXX",
            "a\nXXX_XXX",
            "XXX_XXX\n\n",
        ] {
            let refused = NameFormat::parse(text).unwrap_err();
            assert!(
                matches!(refused, FormatError::NoPlaceholders { .. }),
                "{text:?}"
            );
        }
        let long = format!("{}XXX_XXX", "é".repeat(FORMAT_CHARS_MAX));
        assert_eq!(
            NameFormat::parse(&long),
            Err(FormatError::TooLong { chars: 262 })
        );
        assert_eq!(Alphabet::parse(""), Err(FormatError::NoAlphabet));
    }

    #[test]
    fn sure_bits_count_what_tells_ids_apart() {
        let uuid = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
        let digits = Alphabet::parse("0123456789").unwrap();
        let repeated = Alphabet::parse("..a").unwrap();
        let wide = format!("{}_XXX", "X".repeat(32));
        let cases = [
            ("uuid", "s_XXXXXXXX_XXX", Alphabet::default(), uuid, 32),
            ("whole uuid", wide.as_str(), Alphabet::default(), uuid, 122),
            (
                "handmade id",
                "s_XXXXXXXX_XXX",
                Alphabet::default(),
                "nightly-1",
                0,
            ),
            ("seeded", "s_XXXXXXXX_XXX", Alphabet::default(), "short", 47),
            ("seeded digits", "s_XXXXXXXX_XXX", digits, uuid, 26),
            ("doubled character", "s_XXXXXXXX_XXX", repeated, uuid, 8),
        ];
        for (case, format, alphabet, id, bits) in cases {
            let format = NameFormat::with_alphabet(format, alphabet).unwrap();
            assert_eq!(format.task_part(&task(id)).sure_bits, bits, "{case}");
        }
    }

    #[test]
    fn names_are_taken_apart() {
        let format = NameFormat::parse("s_rally_XXXXXXXX_XXXX.z").unwrap();
        assert_eq!(
            format.parts("s_rally_0a1b2c3d_AbCd.z-1", Match::Start),
            Some(NameParts {
                task: "0a1b2c3d",
                random: "AbCd",
                tail: "-1"
            })
        );
    }

    #[test]
    fn a_draw_out_of_range_is_reduced() {
        let format = NameFormat::parse("XXX_XXX").unwrap();
        let name = format.generate(&task("abcdef"), &mut |_| usize::MAX);
        assert!(format.matches(&name, Some(&task("abcdef")), Match::Exact));
    }

    /// What Rally would compile for this format and task, with the task part escaped.
    fn rally_pattern(
        text: &str,
        alphabet: &str,
        task_part: Option<&str>,
        extent: Match,
    ) -> Option<Regex> {
        let pieces = Regex::new(RALLY_PLACEHOLDERS).unwrap();
        let pieces = pieces.captures(text)?;
        let class: String = alphabet
            .chars()
            .map(|c| format!("\\x{{{:x}}}", u32::from(c)))
            .collect();
        let task = task_part.map_or_else(
            || format!("[{class}]{{{}}}", pieces["task"].len()),
            regex::escape,
        );
        let extra = if extent == Match::Start { ".*" } else { "" };
        let pattern = format!(
            r"\A{}{task}{}[{class}]{{{}}}{}{extra}\n?\z",
            regex::escape(&pieces["prefix"]),
            regex::escape(&pieces["sep"]),
            pieces["rand"].len(),
            regex::escape(&pieces["suffix"]),
        );
        Some(Regex::new(&pattern).unwrap())
    }

    fn format_text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[aX_\n]{0,24}",
            "([a-z._*é-]|\\[){0,6}X{3,9}[a-z_é.\n-]{1,3}X{3,9}[a-z.X]{0,4}",
        ]
    }

    proptest! {
        #[test]
        fn formats_are_read_as_rally_reads_them(text in format_text()) {
            let rally = Regex::new(RALLY_PLACEHOLDERS).unwrap();
            let ours = NameFormat::parse(&text).ok();
            let pieces = rally.captures(&text).map(|found| NameFormat {
                prefix: found["prefix"].to_owned(),
                task_chars: found["task"].len(),
                separator: found["sep"].to_owned(),
                random_chars: found["rand"].len(),
                suffix: found["suffix"].to_owned(),
                alphabet: Alphabet::default(),
            });
            prop_assert_eq!(ours, pieces);
        }

        #[test]
        fn names_are_judged_as_rally_judges_them(
            text in format_text(),
            alphabet in "([a-c(.*)^\\-]|\\]){1,6}",
            id in proptest::option::of("[a-c0-9!-]{1,12}"),
            draws in proptest::collection::vec(any::<usize>(), 16),
            edit in (any::<prop::sample::Index>(), "[a-cX_.\n]{0,2}", 0_usize..3),
            tail in "[a-c.\n]{0,2}",
        ) {
            let Ok(format) = NameFormat::with_alphabet(&text, Alphabet::parse(&alphabet).unwrap()) else {
                return Ok(());
            };
            let id = id.map(|id| task(&id));
            let maker = id.clone().unwrap_or_else(|| task("other"));
            let mut draws = draws.into_iter().cycle();
            let mut name: Vec<char> =
                format.generate(&maker, &mut |_| draws.next().unwrap_or(0)).chars().collect();
            let (at, inserted, removed) = edit;
            let at = at.index(name.len() + 1);
            name.splice(at..(at + removed).min(name.len()), inserted.chars());
            let name: String = name.into_iter().chain(tail.chars()).collect();
            let part = id.as_ref().map(|id| format.task_part(id).text);
            for extent in [Match::Exact, Match::Start] {
                let rally = rally_pattern(&text, &alphabet, part.as_deref(), extent).unwrap();
                prop_assert_eq!(
                    format.matches(&name, id.as_ref(), extent),
                    rally.is_match(&name),
                    "{:?} against {}", name, rally
                );
            }
        }
    }
}
