//! How small and how large each limit may be.
//!
//! Pure. The invariant: every number of the configuration's limits has a row here, so that none can stop the runner for good,
//! overflow, or be no limit at all.

use serde::Serialize;

use super::Config;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const HOUR_S: u64 = 3_600;
const DAY_S: u64 = 24 * HOUR_S;

/// A limit's name, and the least and the most it may be.
type Bounds = (&'static str, u64, u64);

const GUARD: &[Bounds] = &[("max_deletions", 1, 100_000_000), ("max_percent", 1, 100)];

const SWEEP: &[Bounds] = &[
    ("listings_max", 1, 1_024),
    ("deletions_max", 1, 4_096),
    ("deadline_s", 1, 30 * DAY_S),
    ("disappear_s_max", 1, DAY_S),
    ("attempts_max", 1, 1_000),
    ("idle_attempts_max", 1, 1_000),
    ("pause_ms_min", 1, 60_000),
    ("pause_ms_max", 1, 600_000),
    ("sight_s_max", 1, DAY_S),
    ("plan_age_s_max", 1, 365 * DAY_S),
];

const HTTP: &[Bounds] = &[
    ("connect_timeout_s", 1, 600),
    ("request_timeout_s", 1, HOUR_S),
    ("response_bytes_max", KIB, GIB),
    ("attempts_max", 1, 100),
    ("retry_after_s_max", 1, HOUR_S),
    ("in_flight_max", 1, 4_096),
    ("command_s_max", 1, 600),
];

const LIMITS: &[Bounds] = &[
    // A page of linear memory, and all that 32 bits can address.
    ("memory_bytes_max", 64 * KIB, 4 * GIB),
    ("table_elements_max", 1, 10_000_000),
    ("cpu_ms_max", 1, 1_000 * HOUR_S),
    ("call_s_max", 1, DAY_S),
    ("requests_max", 1, 1_000_000),
    ("answers_bytes_max", KIB, 16 * GIB),
    ("handover_bytes_max", KIB, GIB),
    ("page_things_max", 1, 1_000_000),
    ("pages_max", 1, 1_000_000),
    ("things_max", 1, 100_000_000),
    ("cursor_bytes_max", 1, MIB),
    ("relations_max", 1, 1_000_000),
    ("relation_bytes_max", KIB, 64 * GIB),
    ("objects_bytes_max", KIB, 256 * GIB),
    ("kinds_max", 1, 10_000),
    // Without a word a rule can do its work.
    ("log_bytes_max", 0, GIB),
    ("stderr_bytes_max", 0, 64 * MIB),
    ("instances_max", 1, 1_024),
    ("component_bytes_max", 1, GIB),
    ("compile_cpu_s_max", 1, HOUR_S),
    ("compile_memory_bytes_max", 64 * KIB, 64 * GIB),
    ("failures_max", 1, 1_000_000),
];

/// What cannot be meant, in words: the first limit that is out of its bounds, or an empty word that would protect nothing.
pub(super) fn flaw(config: &Config) -> Option<String> {
    let protect = [
        ("tags under [protect]", &config.protect.tags),
        ("projects under [protect]", &config.protect.projects),
        ("blocked_words under [guard]", &config.guard.blocked_words),
    ];
    let presets = config.presets.values();
    let mut protect_tags = presets.flat_map(|preset| &preset.protect_tag);
    if protect_tags.any(|tag| tag.trim().is_empty()) {
        return Some("protect_tag of a preset holds an empty text, which protects nothing: take it out, or say what it was to be".to_owned());
    }
    let mut empty = protect
        .into_iter()
        .filter(|(_, words)| words.iter().any(|word| word.trim().is_empty()));
    if let Some((key, _)) = empty.next() {
        return Some(format!(
            "{key} holds an empty text, which protects nothing: take it out, or say what it was to be"
        ));
    }
    let common = [
        ("[guard]".to_owned(), numbers(&config.guard), GUARD),
        ("[sweep]".to_owned(), numbers(&config.sweep), SWEEP),
        ("[http]".to_owned(), numbers(&config.http), HTTP),
        ("[limits]".to_owned(), numbers(&config.limits), LIMITS),
    ];
    let of_rules = config.rules.iter().filter_map(|(name, rule)| {
        let limits = rule.limits.as_ref()?;
        Some((format!("[rules.{name}.limits]"), numbers(limits), LIMITS))
    });
    let mut sections = common.into_iter().chain(of_rules);
    sections.find_map(|(section, numbers, bounds)| {
        let mut rows = bounds.iter().filter_map(|(key, min, max)| {
            let found = numbers.iter().find(|(name, _)| name == key);
            found.map(|(_, value)| (key, *value, *min, *max))
        });
        let (key, value, min, max) =
            rows.find(|(_, value, min, max)| !(min..=max).contains(&value))?;
        Some(format!(
            "{key} under {section} is {value}, and must be from {min} to {max}"
        ))
    })
}

/// The numbers of a section, by their keys.
fn numbers(section: &impl Serialize) -> Vec<(String, u64)> {
    let written = serde_json::to_value(section).unwrap_or_default();
    let members = written.as_object().into_iter().flatten();
    let numbers = members.filter_map(|(key, value)| Some((key.clone(), value.as_u64()?)));
    numbers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn every_limit_has_bounds_that_its_default_keeps() {
        let config = Config::default();
        assert_eq!(flaw(&config), None);
        for (numbers, bounds) in [
            (numbers(&config.sweep), SWEEP),
            (numbers(&config.http), HTTP),
            (numbers(&config.limits), LIMITS),
        ] {
            let known: Vec<&str> = bounds.iter().map(|(key, ..)| *key).collect();
            assert_eq!(numbers.len(), known.len(), "{known:?}");
            for (key, _) in numbers {
                assert!(known.contains(&key.as_str()), "{key} has no bounds");
            }
        }
    }

    #[test]
    fn what_would_protect_nothing_is_refused() {
        for text in [
            "[protect]\ntags = [\"a\", \"\"]\n",
            "[protect]\nprojects = [\" \"]\n",
            "[guard]\nblocked_words = [\"\"]\n",
        ] {
            let flaw = flaw(&config(text)).unwrap();
            assert!(flaw.contains("holds an empty text"), "{flaw}");
        }
    }

    #[test]
    fn a_limit_out_of_bounds_is_named_with_them() {
        for (section, bounds) in [
            ("guard", GUARD),
            ("sweep", SWEEP),
            ("http", HTTP),
            ("limits", LIMITS),
        ] {
            for (key, min, max) in bounds {
                let most = i64::MAX as u64;
                let low = min.checked_sub(1);
                for value in low.into_iter().chain([max + 1, most]) {
                    let config = toml::from_str(&format!("[{section}]\n{key} = {value}\n"));
                    // What does not fit the field at all is refused on reading.
                    let Ok(config) = config else { continue };
                    let said = flaw(&config).unwrap();
                    let expected = format!(
                        "{key} under [{section}] is {value}, and must be from {min} to {max}"
                    );
                    assert_eq!(said, expected);
                }
                for value in [min, max] {
                    assert_eq!(
                        flaw(&config(&format!("[{section}]\n{key} = {value}\n"))),
                        None
                    );
                }
            }
        }
        let said = flaw(&config("[rules.harbor]\nlimits = { pages_max = 0 }\n")).unwrap();
        assert!(
            said.starts_with("pages_max under [rules.harbor.limits] is 0"),
            "{said}"
        );
    }
}
