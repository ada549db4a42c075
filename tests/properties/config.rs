//! A configuration is read as it is written or refused: a key that nobody knows is refused wherever it stands, and no rule is
//! granted what the file does not grant it.

use arbitrary::{Arbitrary, Result, Unstructured};
use runner::config::{Config, Trust};
use runner::name::built_in;
use toml::Value;

use super::draw;

const README: &str = include_str!("../../README.md");

const WORDS: &[&str] = &[
    "0",
    "9",
    "-",
    "1",
    "\"",
    "\n",
    "[",
    "]",
    "= ",
    "[rules.a]\n",
    "trust = [\"unusual-fields\"]\n",
    "only = [\"*\"]\n",
    "[[formats]]\n",
    "XXX",
    "limits = { cpu_ms_max = 1 }\n",
    "[http]\n",
    "x = 1\n",
    "true",
    "'",
    "{}",
    "é",
    "#",
    "9223372036854775807",
];

/// A file, and a place for a key that nobody knows.
#[derive(Debug)]
pub struct Case {
    text: String,
    place: usize,
}

/// The file that the documentation shows: every key, with its default.
fn documented() -> &'static str {
    let (_, rest) = README.split_once("```toml\n").expect("an example");
    rest.split("```").next().unwrap_or_default()
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self {
            text: draw::document(bytes, &[documented(), ""], WORDS)?,
            place: bytes.int_in_range(0..=20)?,
        })
    }
}

pub fn holds(case: Case) {
    let Ok(config) = toml::from_str::<Config>(&case.text) else {
        return;
    };
    let limits = config.http_limits();
    assert_eq!(
        limits.connect_timeout.as_secs(),
        config.http.connect_timeout_s
    );
    if let Ok(formats) = config.name_formats() {
        assert_eq!(formats.len(), built_in().len() + config.formats.len());
        assert!(formats.starts_with(&built_in()));
    }
    for (name, rule) in &config.rules {
        let grants = config.grants(name);
        assert_eq!(
            grants.unusual_fields,
            rule.trust.contains(&Trust::UnusualFields)
        );
        assert_eq!((&grants.only, &grants.except), (&rule.only, &rule.except));
        assert_eq!(
            &grants.limits,
            rule.limits.as_ref().unwrap_or(&config.limits)
        );
    }
    let stranger = config.grants("nobody has heard of it");
    assert!(
        !stranger.unusual_fields && stranger.only.is_none() && stranger.limits == config.limits
    );
    let mut spoilt: Value = toml::from_str(&case.text).expect("TOML");
    let mut places = Vec::new();
    fixed_tables(&spoilt, &[], &mut places);
    let place = &places[case.place % places.len()];
    let table = place
        .iter()
        .fold(&mut spoilt, |table, step| match step.parse::<usize>() {
            Ok(index) if table.is_array() => &mut table[index],
            _ => &mut table[step.as_str()],
        });
    let table = table.as_table_mut().expect("a table");
    table.insert("zz_unknown".to_owned(), Value::from(1));
    let spoilt = toml::to_string(&spoilt).expect("a table can be written");
    assert!(
        toml::from_str::<Config>(&spoilt).is_err(),
        "an unknown key passes in {spoilt}"
    );
}

/// All tables but the two whose keys are names that the operator gives.
fn fixed_tables(value: &Value, path: &[String], found: &mut Vec<Vec<String>>) {
    let below = |step: String| [path, &[step]].concat();
    match value {
        Value::Table(members) => {
            if path != ["rules"] && path != ["services"] {
                found.push(path.to_vec());
            }
            for (name, value) in members {
                fixed_tables(value, &below(name.clone()), found);
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                fixed_tables(value, &below(index.to_string()), found);
            }
        }
        _ => {}
    }
}
