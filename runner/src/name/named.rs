//! The formats that are known: Rally's own, and those that the configuration file adds.
//!
//! A format is data. Nothing here decides about a name, nor which formats a sweep takes.
//!
//! The invariant: a format that cannot be meant as it is written is refused, never guessed at.

use serde::{Deserialize, Serialize};

use super::presets::{PRESETS, Preset};
use super::{
    Alphabet, FormatError, NameForm, NameFormat, NameTemplate, TaskId, TemplateError,
    TemplateMisfit,
};

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
    pub format: NameForm,
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

    /// Why such names can carry the id of none of these tasks: then the format finds nothing of theirs.
    pub fn misfit(&self, tasks: &[TaskId]) -> Option<TemplateMisfit> {
        let mut misfits = tasks.iter().map(|task| self.format.task_part(task).err());
        let first = misfits.next()??;
        misfits.all(|misfit| misfit.is_some()).then_some(first)
    }
}

/// A format as the configuration file writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormatConfig {
    /// Who makes such names, as shown in reasons. A preset's own name when absent.
    #[serde(default)]
    pub label: String,
    /// The format, such as `ci-XXXXXXXX-XXXXXXXX`. This, `template` or `preset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The template, such as `ci-{task:number}-*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The maker whose template is known, such as `kubernetes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
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
        let preset = config.preset.as_deref().map(preset).transpose()?;
        let label = match (config.label.trim(), &preset) {
            ("", Some(preset)) => preset.name,
            (label, _) => label,
        };
        if label.is_empty() {
            return Err(FormatConfigError::NoLabel {
                format: config.format.or(config.template).unwrap_or_default(),
            });
        }
        let label = label.to_owned();
        let form = match (&config.format, &config.template, &preset) {
            (Some(format), None, None) => runs(&label, format, config.alphabet.as_deref())?.into(),
            (None, Some(template), None) => self::template(&label, template)?.into(),
            (None, None, Some(preset)) => self::template(&label, preset.template)?.into(),
            _ => return Err(FormatConfigError::NotOneForm { label }),
        };
        if config.alphabet.is_some() && config.format.is_none() {
            return Err(FormatConfigError::IdleAlphabet { label });
        }
        let kinds = match preset {
            Some(preset) if config.kinds.is_empty() => {
                preset.kinds.iter().map(|it| (*it).to_owned()).collect()
            }
            Some(_) | None => config.kinds,
        };
        Ok(Self {
            label,
            origin: config.origin,
            kinds,
            format: form,
        })
    }
}

fn preset(name: &str) -> Result<&'static Preset, FormatConfigError> {
    let found = PRESETS.iter().find(|preset| preset.name == name);
    found.ok_or_else(|| FormatConfigError::NoPreset {
        name: name.to_owned(),
    })
}

fn runs(
    label: &str,
    format: &str,
    alphabet: Option<&str>,
) -> Result<NameFormat, FormatConfigError> {
    if let Some(range) = ["a-z", "A-Z", "0-9"]
        .into_iter()
        .find(|range| alphabet.unwrap_or_default().contains(range))
    {
        return Err(FormatConfigError::Range {
            label: label.to_owned(),
            range,
        });
    }
    let format = match alphabet {
        Some(characters) => Alphabet::parse(characters)
            .and_then(|alphabet| NameFormat::with_alphabet(format, alphabet)),
        None => NameFormat::parse(format),
    };
    format.map_err(|source| FormatConfigError::Format {
        label: label.to_owned(),
        source,
    })
}

/// Reads a template, and refuses one that begins as the built-in formats do: what these say is another task's, it could take.
fn template(label: &str, text: &str) -> Result<NameTemplate, FormatConfigError> {
    let label = || label.to_owned();
    let template = NameTemplate::parse(text).map_err(|source| FormatConfigError::Template {
        label: label(),
        source,
    })?;
    let begins_alike = |named: &NamedFormat| template.prefix().starts_with(named.format.prefix());
    match built_in().into_iter().find(begins_alike) {
        None => Ok(template),
        Some(named) => Err(FormatConfigError::BuiltIn {
            label: label(),
            built_in: named.label,
        }),
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
    /// No form, or several.
    #[error(
        "name format {label:?} needs one of format (XXXXXXXX for parts of the id), template ({{task}} for the whole id) and preset"
    )]
    NotOneForm {
        /// The format's label.
        label: String,
    },
    /// An alphabet that nothing is made of.
    #[error(
        "name format {label:?} has an alphabet, which only the runs of X of a format are made of: take it out"
    )]
    IdleAlphabet {
        /// The format's label.
        label: String,
    },
    /// A maker that nobody here knows.
    #[error(
        "there is no preset {name:?}: there are {}; write a template for other makers",
        PRESETS.iter().map(|preset| preset.name).collect::<Vec<_>>().join(", ")
    )]
    NoPreset {
        /// The word given.
        name: String,
    },
    /// The template itself is wrong.
    #[error("the template of name format {label:?} cannot be used")]
    Template {
        /// The format's label.
        label: String,
        /// What is wrong with it.
        source: TemplateError,
    },
    /// A template that begins as names do which are known to the letter.
    #[error(
        "the template of name format {label:?} begins as the names of {built_in:?} do, which are built in and matched to the letter: take \
         it out"
    )]
    BuiltIn {
        /// The format's label.
        label: String,
        /// The format whose names begin so.
        built_in: String,
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
            format: NameFormat::with_alphabet(text, alphabet).ok()?.into(),
            kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        })
    });
    formats.collect()
}

#[cfg(test)]
mod tests {
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
        let part = named.format.task_part(&task).unwrap();
        assert_eq!(
            named.format.carried("ci-0a1b2c3d-00ff"),
            Some(part.text.as_str())
        );
        assert_eq!(named.format.carried("ci-0a1b2c3d-00fg"), None);

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
                format: Some(format.to_owned()),
                template: None,
                preset: None,
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

    fn read(text: &str) -> Result<NamedFormat, FormatConfigError> {
        NamedFormat::try_from(toml::from_str::<FormatConfig>(text).unwrap())
    }

    #[test]
    fn a_template_is_a_form_of_its_own_and_a_preset_has_one() {
        let ours = read("label = 'ci'\ntemplate = 'ci-{task:number}-*'").unwrap();
        assert_eq!(ours.format.carried("ci-4711-web"), Some("4711"));
        for preset in PRESETS {
            let named = read(&format!("preset = '{}'", preset.name)).unwrap();
            assert_eq!(named.label, preset.name);
            assert_eq!(named.format.to_string(), preset.template);
            assert_eq!(named.kinds, preset.kinds);
            let named = read(&format!(
                "preset = '{}'\nlabel = 'mine'\nkinds = ['dns.*']",
                preset.name
            ));
            let named = named.unwrap();
            assert_eq!((named.label.as_str(), &*named.kinds[0]), ("mine", "dns.*"));
        }
    }

    #[test]
    fn names_of_other_makers_carry_their_ids() {
        for (preset, name, id) in [
            ("kubernetes", "kube_service_prod-7_default_web", "prod-7"),
            (
                "tempest",
                "tempest-0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d-ServersTest-server-154876201",
                "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
            ),
            (
                "gitlab-runner",
                "runner-xs6vzpvo-project-4711-concurrent-0",
                "4711",
            ),
            ("ansible-test", "ansible-test-53268383-redhat", "53268383"),
        ] {
            let named = read(&format!("preset = '{preset}'")).unwrap();
            assert_eq!(named.format.carried(name), Some(id), "{name}");
        }
    }

    #[test]
    fn a_form_that_contradicts_itself_or_widens_what_is_built_in_is_refused() {
        for (text, words) in [
            ("label = 'ci'", "needs one of format"),
            (
                "label = 'ci'\nformat = 'XXX.XXX'\ntemplate = 'ci-{task}'",
                "needs one of format",
            ),
            (
                "preset = 'kubernetes'\ntemplate = 'ci-{task}'",
                "needs one of format",
            ),
            (
                "label = 'ci'\ntemplate = 'ci-{task}'\nalphabet = 'ab'",
                "has an alphabet",
            ),
            ("template = 'ci-{task}'", "needs a label"),
            ("preset = 'terraform'", "there are kubernetes, tempest"),
            ("label = 'ci'\ntemplate = '*'", "cannot be used"),
            (
                "label = 'ci'\ntemplate = 's_rally_{task}_*'",
                "begins as the names of \"rally scenario\" do",
            ),
            (
                "label = 'ci'\ntemplate = 'rally_verify_{task}'",
                "begins as the names of \"rally\" do",
            ),
        ] {
            let refused = read(text).unwrap_err().to_string();
            assert!(refused.contains(words), "{text}: {refused}");
        }
    }
}
