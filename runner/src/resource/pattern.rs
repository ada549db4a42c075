//! Names of kinds with wildcards, by which people choose kinds.

use std::fmt;

use regex::Regex;
use serde::{Deserialize, Serialize};

/// A name of a kind in which `*` stands for any characters: `network.*`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KindPattern {
    text: String,
    regex: Regex,
}

/// A text that no kind can be called.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} can be no kind: a kind is called <service>.<resource>, in small letters, and * stands for any part of that"
)]
pub struct PatternError(String);

impl KindPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// If it holds a character that no kind's name has.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._*".contains(c);
        let error = || PatternError(text.to_owned());
        if text.is_empty() || !text.chars().all(fits) {
            return Err(error());
        }
        let expression = regex::escape(text).replace(r"\*", ".*");
        let regex = Regex::new(&format!("^{expression}$")).map_err(|_| error())?;
        Ok(Self {
            text: text.to_owned(),
            regex,
        })
    }

    /// Whether a kind is meant.
    pub fn matches(&self, kind: &str) -> bool {
        self.regex.is_match(kind)
    }
}

impl PartialEq for KindPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for KindPattern {}

impl TryFrom<String> for KindPattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<KindPattern> for String {
    fn from(pattern: KindPattern) -> Self {
        pattern.text
    }
}

impl fmt::Display for KindPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_part_of_a_name() {
        for (pattern, kind, fits) in [
            ("network.port", "network.port", true),
            ("network.port", "network.port_binding", false),
            ("network.port", "networkxport", false),
            ("network.*", "network.port", true),
            ("*.quota", "block_storage.quota", true),
            ("*", "identity.user", true),
            ("net*", "block_storage.network", false),
        ] {
            let pattern = KindPattern::parse(pattern).unwrap();
            assert_eq!(pattern.matches(kind), fits, "{pattern} {kind}");
        }
    }

    #[test]
    fn what_no_kind_is_called_is_refused() {
        for text in ["", "Network.port", "network port", "network.[a-z]+"] {
            assert!(KindPattern::parse(text).is_err(), "{text}");
        }
    }
}
