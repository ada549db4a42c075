//! Guards of every sweep with this configuration. Flags make them stricter, never looser.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Guards of every sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GuardConfig {
    /// The most things that one run may delete. Without it: any number.
    pub max_deletions: Option<usize>,
    /// The most that one run may delete, in percent of what was found in the swept projects. Without it: all.
    pub max_percent: Option<u8>,
    /// Nothing is taken from a project whose name holds one of these words, in small letters or capitals.
    pub blocked_words: BTreeSet<String>,
}

impl GuardConfig {
    /// The stricter of what is configured and what a flag says.
    pub fn deletions_max(&self, flag: Option<usize>) -> Option<usize> {
        flag.into_iter().chain(self.max_deletions).min()
    }

    /// The stricter of what is configured and what a flag says, in percent.
    pub fn percent_max(&self, flag: Option<u8>) -> Option<u8> {
        flag.into_iter().chain(self.max_percent).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_makes_a_guard_stricter_and_never_looser() {
        let none = GuardConfig::default();
        let some: GuardConfig = toml::from_str("max_deletions = 5\nmax_percent = 50\n").unwrap();
        for (flag, without, with) in [
            (None, None, Some(5)),
            (Some(3), Some(3), Some(3)),
            (Some(9), Some(9), Some(5)),
        ] {
            assert_eq!(none.deletions_max(flag), without);
            assert_eq!(some.deletions_max(flag), with);
        }
        assert_eq!(some.percent_max(Some(80)), Some(50));
        assert_eq!(some.percent_max(Some(20)), Some(20));
        assert_eq!(none.percent_max(None), None);
    }
}
