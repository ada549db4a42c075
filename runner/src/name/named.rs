//! The formats that are known: Rally's own, and those that the configuration file adds.
//!
//! A format is data. Nothing here decides about a name, nor which formats a sweep takes.
//!
//! The invariant: a format that cannot be meant as it is written is refused, never guessed at.

use serde::{Deserialize, Serialize};

use super::{Alphabet, FormatError, NameFormat};

/// Which family of makers a format belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Made by the load itself. Some of Rally's contexts make their things through a scenario and so name them as
    /// scenarios do: servers, stacks, clusters, routers, zones and shares among them.
    Scenario,
    /// Made to prepare the load: projects, users, networks, keypairs, images, volumes.
    Context,
    /// Made by a verification, by another tool, or by nobody knows what part of it.
    #[default]
    Other,
}

/// Which origins a sweep takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OriginFilter {
    /// Every origin.
    #[default]
    All,
    /// This one alone.
    Only(Origin),
}

impl OriginFilter {
    /// Whether names of this origin are wanted.
    pub fn allows(self, origin: Origin) -> bool {
        match self {
            Self::All => true,
            Self::Only(wanted) => wanted == origin,
        }
    }
}

/// A format with the words by which people know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFormat {
    /// Who makes such names, as shown in reasons: `rally scenario`.
    pub label: String,
    /// The family of makers.
    pub origin: Origin,
    /// What the names look like.
    pub format: NameFormat,
    /// The kinds whose things bear such names: `dns.zone`, or `dns.*`. Empty: any.
    pub kinds: Vec<String>,
}

impl NamedFormat {
    /// Whether things of this kind bear such names.
    pub fn is_for(&self, kind: &str) -> bool {
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some(start) => kind.starts_with(start),
            None => pattern == kind,
        };
        self.kinds.is_empty() || self.kinds.iter().any(fits)
    }
}

/// A format as the configuration file writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormatConfig {
    /// Who makes such names, as shown in reasons.
    pub label: String,
    /// The format, such as `ci-XXXXXXXX-XXXXXXXX`.
    pub format: String,
    /// Every character that may stand in the place of an `X`, in the order of the generating tool. Rally's letters
    /// and digits when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alphabet: Option<String>,
    /// The family of makers; `other` when absent.
    #[serde(default)]
    pub origin: Origin,
    /// The kinds whose things bear such names, `dns.*` for all of a service; any when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
}

impl TryFrom<FormatConfig> for NamedFormat {
    type Error = FormatConfigError;

    fn try_from(config: FormatConfig) -> Result<Self, Self::Error> {
        let label = config.label.trim();
        if label.is_empty() {
            return Err(FormatConfigError::NoLabel {
                format: config.format,
            });
        }
        let alphabet = config.alphabet.as_deref().unwrap_or_default();
        if let Some(range) = ["a-z", "A-Z", "0-9"]
            .into_iter()
            .find(|range| alphabet.contains(range))
        {
            return Err(FormatConfigError::Range {
                label: label.to_owned(),
                range,
            });
        }
        let format = match &config.alphabet {
            Some(characters) => Alphabet::parse(characters)
                .and_then(|alphabet| NameFormat::with_alphabet(&config.format, alphabet)),
            None => NameFormat::parse(&config.format),
        };
        Ok(Self {
            label: label.to_owned(),
            origin: config.origin,
            kinds: config.kinds,
            format: format.map_err(|source| FormatConfigError::Format {
                label: label.to_owned(),
                source,
            })?,
        })
    }
}

/// Why a format of the configuration file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatConfigError {
    /// Nothing to call it by in reports.
    #[error("name format {format:?} needs a label that says who makes such names")]
    NoLabel {
        /// The format as given.
        format: String,
    },
    /// A range, which would be taken as three characters and never match what was meant.
    #[error(
        "the alphabet of name format {label:?} holds the range {range}: write out every character"
    )]
    Range {
        /// The format's label.
        label: String,
        /// The range found.
        range: &'static str,
    },
    /// The format itself is wrong.
    #[error("name format {label:?} cannot be read")]
    Format {
        /// The format's label.
        label: String,
        /// What is wrong with it.
        source: FormatError,
    },
}

/// The formats that Rally 5.1.1, rally-openstack 4.1.0 and xrally-kubernetes give to their names.
///
/// Names with dashes are only those of the services that take no underscores: elsewhere people write them.
///
/// Ironic's stands before Designate's, which has the same text: a name of small letters alone is far more likely
/// Ironic's, whose alphabet has no other.
pub fn built_in() -> Vec<NamedFormat> {
    let small = Alphabet::lower_case_and_digits;
    let all = Alphabet::default;
    let rows: [(&str, Origin, &str, Alphabet, &[&str]); 8] = [
        (
            "rally scenario",
            Origin::Scenario,
            "s_rally_XXXXXXXX_XXXXXXXX",
            all(),
            &[],
        ),
        (
            "rally context",
            Origin::Context,
            "c_rally_XXXXXXXX_XXXXXXXX",
            all(),
            &[],
        ),
        (
            "rally",
            Origin::Other,
            "rally_XXXXXXXX_XXXXXXXX",
            all(),
            &[],
        ),
        (
            "rally verification",
            Origin::Other,
            "rally_verify_XXXXXXXX_XXXXXXXX",
            all(),
            &[],
        ),
        (
            "rally ironic scenario",
            Origin::Scenario,
            "s-rally-XXXXXXXX-XXXXXXXX",
            small(),
            &["baremetal.*"],
        ),
        (
            "rally designate scenario",
            Origin::Scenario,
            "s-rally-XXXXXXXX-XXXXXXXX",
            all(),
            &["dns.*"],
        ),
        (
            "rally kubernetes scenario",
            Origin::Scenario,
            "rally-XXXXXXXX-XXXXXXXX",
            small(),
            &[],
        ),
        (
            "rally kubernetes context",
            Origin::Context,
            "c-rally-XXXXXXXX-XXXXXXXX",
            small(),
            &[],
        ),
    ];
    let formats = rows.into_iter();
    let formats = formats.filter_map(|(label, origin, text, alphabet, kinds)| {
        Some(NamedFormat {
            label: label.to_owned(),
            origin,
            format: NameFormat::with_alphabet(text, alphabet).ok()?,
            kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        })
    });
    formats.collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Match, TaskId};
    use super::*;

    #[test]
    fn every_built_in_format_is_there() {
        let shown: Vec<String> = built_in()
            .iter()
            .map(|named| {
                let kinds = named.kinds.join(" ");
                format!(
                    "{}: {:?}, {} {kinds}",
                    named.label, named.origin, named.format
                )
            })
            .map(|line| line.trim_end().to_owned())
            .collect();
        assert_eq!(
            shown,
            [
                "rally scenario: Scenario, s_rally_XXXXXXXX_XXXXXXXX",
                "rally context: Context, c_rally_XXXXXXXX_XXXXXXXX",
                "rally: Other, rally_XXXXXXXX_XXXXXXXX",
                "rally verification: Other, rally_verify_XXXXXXXX_XXXXXXXX",
                "rally ironic scenario: Scenario, s-rally-XXXXXXXX-XXXXXXXX baremetal.*",
                "rally designate scenario: Scenario, s-rally-XXXXXXXX-XXXXXXXX dns.*",
                "rally kubernetes scenario: Scenario, rally-XXXXXXXX-XXXXXXXX",
                "rally kubernetes context: Context, c-rally-XXXXXXXX-XXXXXXXX",
            ]
        );
    }

    #[test]
    fn formats_come_from_the_configuration_file() {
        let config: FormatConfig = toml::from_str(
            "label = ' nightly '\nformat = 'ci-XXXXXXXX-XXXX'\nalphabet = '0123456789abcdef'\norigin = 'scenario'",
        )
        .unwrap();
        let named = NamedFormat::try_from(config).unwrap();
        let task = TaskId::parse("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d").unwrap();
        assert_eq!(
            (named.label.as_str(), named.origin),
            ("nightly", Origin::Scenario)
        );
        assert!(
            named
                .format
                .matches("ci-0a1b2c3d-00ff", Some(&task), Match::Exact)
        );
        assert!(
            !named
                .format
                .matches("ci-0a1b2c3d-00fg", Some(&task), Match::Exact)
        );

        let plain: FormatConfig = toml::from_str("label = 'ci'\nformat = 'XXX.XXX'").unwrap();
        assert_eq!(plain.origin, Origin::Other);
        let plain = NamedFormat::try_from(plain).unwrap();
        assert!(plain.is_for("network.network"));
        let bound: FormatConfig =
            toml::from_str("label = 'ci'\nformat = 'XXX.XXX'\nkinds = ['dns.*', 'image.image']")
                .unwrap();
        let bound = NamedFormat::try_from(bound).unwrap();
        for (kind, expected) in [
            ("dns.zone", true),
            ("image.image", true),
            ("image.images", false),
            ("dnsx.zone", false),
            ("network.network", false),
        ] {
            assert_eq!(bound.is_for(kind), expected, "{kind}");
        }
        assert!(
            toml::from_str::<FormatConfig>("label = 'ci'\nformat = 'XXX.XXX'\norgin = 'other'")
                .is_err()
        );
    }

    #[test]
    fn formats_that_cannot_be_meant_are_refused() {
        let refuse = |label: &str, format: &str, alphabet: Option<&str>| {
            let config = FormatConfig {
                label: label.to_owned(),
                format: format.to_owned(),
                alphabet: alphabet.map(str::to_owned),
                origin: Origin::Other,
                kinds: Vec::new(),
            };
            NamedFormat::try_from(config).unwrap_err()
        };
        assert!(matches!(
            refuse(" ", "XXX.XXX", None),
            FormatConfigError::NoLabel { .. }
        ));
        assert!(matches!(
            refuse("ci", "XXX.XXX", Some("a-z0-9")),
            FormatConfigError::Range { range: "a-z", .. }
        ));
        assert!(matches!(
            refuse("ci", "XXX.XXX", Some("")),
            FormatConfigError::Format {
                source: FormatError::NoAlphabet,
                ..
            }
        ));
        assert!(matches!(
            refuse("ci", "ci-XXX", None),
            FormatConfigError::Format {
                source: FormatError::NoPlaceholders { .. },
                ..
            }
        ));
    }
}
