//! What an operator chooses of what the names of a task give: by name, by id, by tag.
//!
//! Pure. The invariant: a choice takes away, and nothing goes because of it. It is about what goes by itself; what has no name, and
//! what is part of something, goes with what was chosen as it always does.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::resource::{Thing, ThingRef};

use super::baseline::Baseline;

/// Memory that one compiled pattern may take, in bytes.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// What is chosen of what would go by itself. Empty: all of it. Each further condition narrows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Choice {
    /// Of each of these lists, one pattern fits the name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Vec<NamePattern>>,
    /// What has a name that one of these fits is kept, whatever it would go for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_names: Vec<NamePattern>,
    /// Each of these lists has the id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<BTreeSet<IdPattern>>,
    /// All of these are among the tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<TagPattern>,
    /// What was there already is kept, whatever it would go for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub baselines: Vec<Arc<Baseline>>,
}

impl Choice {
    /// Both conditions.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            names: [self.names, other.names].concat(),
            not_names: [self.not_names, other.not_names].concat(),
            ids: [self.ids, other.ids].concat(),
            tags: [self.tags, other.tags].concat(),
            baselines: [self.baselines, other.baselines].concat(),
        }
    }

    /// Whether it leaves everything as it is.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What keeps a thing whatever it would go for.
    pub fn exclusion(&self, thing: &Thing) -> Option<String> {
        let name = thing.name.as_deref();
        let fits = |pattern: &&NamePattern| name.is_some_and(|name| pattern.matches(name));
        match self.not_names.iter().find(fits) {
            Some(fitting) => Some(format!("its name, which fits --not-name {fitting}")),
            None => self.baselines.iter().find_map(|it| it.keeps(thing)),
        }
    }

    /// Why a thing is not among those that were chosen; nothing if it is.
    pub fn omission(&self, thing: &Thing) -> Option<String> {
        let name = thing.name.as_deref();
        let fits = |names: &&Vec<NamePattern>| {
            name.is_some_and(|name| names.iter().any(|it| it.matches(name)))
        };
        if let Some(names) = self.names.iter().find(|it| !fits(it)) {
            let names = either(names);
            return Some(match name {
                Some(_) => format!("its name does not fit --name {names}"),
                None => format!("it has no name that could fit --name {names}"),
            });
        }
        let is_given =
            |ids: &BTreeSet<IdPattern>| IdPattern::of(&thing.at).iter().any(|it| ids.contains(it));
        if !self.ids.iter().all(is_given) {
            return Some("its id is none of those given by --id".to_owned());
        }
        let tags = thing.tags.as_deref().unwrap_or_default();
        let is_there = |wanted: &TagPattern| tags.iter().any(|tag| wanted.matches(tag));
        let missing = self.tags.iter().find(|wanted| !is_there(wanted))?;
        Some(match thing.tags {
            Some(_) => format!("it has no tag --tag {missing}"),
            None => format!("it does not show its tags, of which --tag {missing} would be one"),
        })
    }

    /// The ids that no thing among these has, each once.
    pub fn absent<'a>(&self, found: impl IntoIterator<Item = &'a ThingRef>) -> Vec<IdPattern> {
        let mut absent: BTreeSet<&IdPattern> = self.ids.iter().flatten().collect();
        for thing in found {
            if absent.is_empty() {
                break;
            }
            for fitting in IdPattern::of(thing) {
                absent.remove(&fitting);
            }
        }
        absent.into_iter().cloned().collect()
    }
}

/// Patterns in words.
fn either<T: fmt::Display>(all: &[T]) -> String {
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    all.join(" or ")
}

/// Names, by a glob over the whole of it (`web-*`), a regular expression (`regex:^web-\d+$`), or to the letter (`exact:web-*`).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NamePattern {
    text: String,
    regex: Regex,
}

/// A text that is no pattern.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is no pattern for names: {why}")]
pub struct NamePatternError {
    text: String,
    why: String,
}

impl NamePattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// If it is empty, no regular expression, or one that would take too much memory.
    pub fn parse(text: &str) -> Result<Self, NamePatternError> {
        let refused = |why: &str| NamePatternError {
            text: text.to_owned(),
            why: why.to_owned(),
        };
        let (expression, is_empty) = if let Some(expression) = text.strip_prefix("regex:") {
            (expression.to_owned(), expression.is_empty())
        } else if let Some(name) = text.strip_prefix("exact:") {
            (format!(r"\A{}\z", regex::escape(name)), name.is_empty())
        } else {
            let globbed = globbed(text).ok_or_else(|| {
                refused("it ends in a backslash, which stands before the sign that is meant")
            })?;
            (format!(r"(?s)\A{globbed}\z"), text.is_empty())
        };
        if is_empty {
            return Err(refused(
                "it is empty, and a thing without a name has none that could fit",
            ));
        }
        let regex = RegexBuilder::new(&expression)
            .size_limit(PATTERN_BYTES_MAX)
            .build()
            // What stands before the last line shows the place, in several lines.
            .map_err(|error| refused(error.to_string().lines().last().unwrap_or_default()))?;
        Ok(Self {
            text: text.to_owned(),
            regex,
        })
    }

    /// Whether a name is meant.
    pub fn matches(&self, name: &str) -> bool {
        self.regex.is_match(name)
    }
}

/// A glob as a regular expression: `*` stands for any characters, `?` for one, and a backslash before a sign for the sign itself.
/// `None` if there is no sign behind a backslash.
fn globbed(text: &str) -> Option<String> {
    let mut expression = String::new();
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            '\\' => expression.push_str(&regex::escape(signs.next()?.encode_utf8(&mut [0; 4]))),
            sign => expression.push_str(&regex::escape(sign.encode_utf8(&mut [0; 4]))),
        }
    }
    Some(expression)
}

impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for NamePattern {}

impl TryFrom<String> for NamePattern {
    type Error = NamePatternError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<NamePattern> for String {
    fn from(pattern: NamePattern) -> Self {
        pattern.text
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// A thing's id, of any kind or of one: `4f5c…`, `network.port/4f5c…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdPattern {
    /// The kind, if one is meant.
    pub kind: Option<Arc<str>>,
    /// The id.
    pub id: Arc<str>,
}

/// A text that is no id.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no id: give what the cloud calls the thing by, alone or as <kind>/<id>")]
pub struct IdPatternError(String);

impl IdPattern {
    /// Reads an id. What stands before the first slash is a kind if it is called as kinds are, `<service>.<resource>`.
    ///
    /// # Errors
    /// If it is empty, or nothing stands behind the kind.
    pub fn parse(text: &str) -> Result<Self, IdPatternError> {
        let (kind, id) = match text.split_once('/') {
            Some((kind, id)) if is_kind(kind) => (Some(Arc::from(kind)), id),
            _ => (None, text),
        };
        if id.trim().is_empty() {
            return Err(IdPatternError(text.to_owned()));
        }
        Ok(Self {
            kind,
            id: Arc::from(id),
        })
    }

    /// All that fit a thing.
    fn of(thing: &ThingRef) -> [Self; 2] {
        let id = thing.id.clone();
        let kind = Some(thing.kind.clone());
        [
            Self {
                kind: None,
                id: id.clone(),
            },
            Self { kind, id },
        ]
    }
}

fn is_kind(text: &str) -> bool {
    let is_word = |word: &str| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        word.starts_with(|c: char| c.is_ascii_lowercase()) && word.bytes().all(fits)
    };
    text.split_once('.')
        .is_some_and(|(service, resource)| is_word(service) && is_word(resource))
}

impl TryFrom<String> for IdPattern {
    type Error = IdPatternError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<IdPattern> for String {
    fn from(pattern: IdPattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for IdPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Some(kind) => write!(formatter, "{kind}/{}", self.id),
            None => formatter.write_str(&self.id),
        }
    }
}

/// A tag, or all values of a key: `nightly`, `owner=ci`; `owner` is both the bare tag and any value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TagPattern(String);

/// A text that no tag can be.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no tag: give it as KEY or KEY=VALUE")]
pub struct TagPatternError(String);

impl TagPattern {
    /// Reads a tag.
    ///
    /// # Errors
    /// If it is empty, or has no key.
    pub fn parse(text: &str) -> Result<Self, TagPatternError> {
        let key = text.split_once('=').map_or(text, |(key, _)| key);
        if key.trim().is_empty() {
            return Err(TagPatternError(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether a tag is meant.
    pub fn matches(&self, tag: &str) -> bool {
        let key = tag.split_once('=').map_or(tag, |(key, _)| key);
        *tag == self.0 || *key == self.0
    }
}

impl TryFrom<String> for TagPattern {
    type Error = TagPatternError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<TagPattern> for String {
    fn from(pattern: TagPattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for TagPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_the_whole_name_or_what_it_says() {
        for (pattern, name, fits) in [
            ("web-*", "web-1", true),
            ("web-*", "my-web-1", false),
            ("web-*", "web-1\nweb", true),
            ("web-?", "web-ä", true),
            ("web-?", "web-12", false),
            ("vm[1]", "vm[1]", true),
            ("vm[1]", "vm1", false),
            (r"a\*b", "a*b", true),
            (r"a\*b", "axb", false),
            ("web", "WEB", false),
            ("regex:web-[0-9]+$", "my-web-12", true),
            ("regex:^web$", "web\n", false),
            ("exact:web-*", "web-*", true),
            ("exact:web-*", "web-1", false),
            ("exact:regex:a", "regex:a", true),
        ] {
            let pattern = NamePattern::parse(pattern).unwrap();
            assert_eq!(pattern.matches(name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_in_one_line() {
        for (text, why) in [
            ("", "it is empty"),
            ("regex:", "it is empty"),
            ("exact:", "it is empty"),
            ("a\\", "ends in a backslash"),
            ("regex:(", "unclosed group"),
            ("regex:(?:a{1000}){1000}", "size limit"),
        ] {
            let error = NamePattern::parse(text).unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn an_id_may_have_a_kind_and_slashes() {
        for (text, kind, id) in [
            ("4f5c", None, "4f5c"),
            ("network.port/4f5c", Some("network.port"), "4f5c"),
            ("box/a.b", None, "box/a.b"),
            (
                "object_store.object/box/a/b",
                Some("object_store.object"),
                "box/a/b",
            ),
        ] {
            let pattern = IdPattern::parse(text).unwrap();
            assert_eq!((pattern.kind.as_deref(), &*pattern.id), (kind, id));
            assert_eq!(pattern.to_string(), text);
        }
        for text in ["", " ", "network.port/", "network.port/ "] {
            assert!(IdPattern::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_stands_for_all_its_values_and_for_itself() {
        for (pattern, tag, fits) in [
            ("owner", "owner", true),
            ("owner", "owner=ci", true),
            ("owner", "owners=ci", false),
            ("owner=ci", "owner=ci", true),
            ("owner=ci", "owner=ci2", false),
            ("owner=ci", "owner", false),
            ("a=b=c", "a=b=c", true),
        ] {
            assert_eq!(
                TagPattern::parse(pattern).unwrap().matches(tag),
                fits,
                "{pattern} {tag}"
            );
        }
        assert!(TagPattern::parse("").is_err() && TagPattern::parse("=x").is_err());
    }
}
