//! The figures of a run in Prometheus's text form (0.0.4), for the textfile collector of the node exporter.
//!
//! All are gauges: they say what the last run came to. Each has the cloud as a label, for the files of several clouds may lie in one
//! folder.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

use super::Report;

/// The text, as it is to lie in a file `*.prom`. `at` is when the run was over.
pub fn of(report: &Report, at: Timestamp) -> String {
    let cloud = [("cloud", report.cloud.as_str())];
    let mut text = Text::default();
    text.run(&cloud, report.exit_code, report.summary.seconds, at);
    text.gauge(
        "runner_dry_run",
        "Whether the last run was to change nothing.",
    );
    text.sample("runner_dry_run", &cloud, u8::from(report.dry_run));
    text.gauge(
        "runner_requests",
        "Requests that the last run sent to the cloud.",
    );
    text.sample("runner_requests", &cloud, report.summary.requests);
    text.gauge(
        "runner_things_found",
        "Things that the last run found, of all makers.",
    );
    text.sample("runner_things_found", &cloud, report.summary.found);
    type IsMeant = fn(&str) -> bool;
    let things: [(_, _, IsMeant); 4] = [
        ("matched", "Things that were to go.", |_| true),
        ("deleted", "Things that are gone.", |result| {
            result == "gone"
        }),
        (
            "failed",
            "Things that could not be deleted, or that were not tried.",
            |result| ["failed", "abandoned", "untried"].contains(&result),
        ),
        (
            "blocked",
            "Things that something is in the way of that is kept.",
            |result| result == "blocked",
        ),
    ];
    for (what, help, is_meant) in things {
        let meant = report.items.iter().filter(|row| is_meant(row.result));
        let kinds = meant.map(|row| &*row.thing.kind);
        text.by(
            "kind",
            &format!("runner_things_{what}"),
            help,
            &cloud,
            kinds,
        );
    }
    let left = report.left.iter().map(|left| &*left.thing.kind);
    let help = "Things that should be gone, and were still there at the last look.";
    text.by("kind", "runner_things_left", help, &cloud, left);
    text.gauge("runner_things_kept", "Things that are kept, by the reason.");
    for (reason, count) in &report.summary.kept {
        let labels = [("cloud", report.cloud.as_str()), ("reason", reason)];
        text.sample("runner_things_kept", &labels, count);
    }
    let unlisted = report.listing_failures.iter().map(|it| &*it.kind);
    let help = "Listings that failed, so that nobody can say what of these kinds is there.";
    text.by("kind", "runner_listing_failures", help, &cloud, unlisted);
    let unlooked = report.unlooked.iter().filter(|it| it.is_failure);
    let help = "Services that a rule asks for and that could not be reached.";
    let services = unlooked.map(|it| it.service.as_str());
    text.by(
        "service",
        "runner_services_not_looked_at",
        help,
        &cloud,
        services,
    );
    text.0
}

/// The text of a run that has failed before it had anything to report.
pub fn of_failure(exit_code: u8, took: Duration, at: Timestamp) -> String {
    let mut text = Text::default();
    text.run(&[], exit_code, took.as_secs_f64(), at);
    text.0
}

type Labels<'a> = [(&'a str, &'a str)];

#[derive(Default)]
struct Text(String);

impl Text {
    /// What is to be said of any run.
    fn run(&mut self, labels: &Labels<'_>, exit_code: u8, seconds: f64, at: Timestamp) {
        self.gauge("runner_exit_code", "The code that the last run ended with.");
        self.sample("runner_exit_code", labels, exit_code);
        self.gauge(
            "runner_last_run_timestamp_seconds",
            "When the last run was over.",
        );
        self.sample("runner_last_run_timestamp_seconds", labels, at.as_second());
        self.gauge("runner_duration_seconds", "How long the last run took.");
        self.sample("runner_duration_seconds", labels, seconds);
    }

    fn gauge(&mut self, name: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} gauge"));
    }

    fn sample(&mut self, name: &str, labels: &Labels<'_>, value: impl std::fmt::Display) {
        let labels = labels.iter();
        let labels: Vec<String> = labels
            .map(|(label, text)| format!("{label}=\"{}\"", escaped(text)))
            .collect();
        match labels.as_slice() {
            [] => self.line(format_args!("{name} {value}")),
            labels => self.line(format_args!("{name}{{{}}} {value}", labels.join(","))),
        }
    }

    /// A gauge that counts words: one sample for each that there is.
    fn by<'a>(
        &mut self,
        label: &str,
        name: &str,
        help: &str,
        cloud: &Labels<'_>,
        words: impl Iterator<Item = &'a str>,
    ) {
        self.gauge(name, help);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        words.for_each(|word| *counts.entry(word).or_default() += 1);
        for (word, count) in counts {
            self.sample(name, &[cloud, &[(label, word)]].concat(), count);
        }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // A text takes all that is written to it.
        let _ = writeln!(self.0, "{line}");
    }
}

/// A label's value, as the form wants it.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    text.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{hostile, report};

    /// What a line of the form may be: a comment, or a sample with its labels.
    fn is_sound(line: &str) -> bool {
        let sample = r#"^[a-z_]+(\{[a-z]+="([^"\\\n]|\\[\\"n])*"(,[a-z]+="([^"\\\n]|\\[\\"n])*")*\})? [0-9.]+$"#;
        let comment = "^# (HELP [a-z_]+ [^\n]+|TYPE [a-z_]+ gauge)$";
        let fits = |pattern: &str| regex::Regex::new(pattern).unwrap().is_match(line);
        fits(sample) || fits(comment)
    }

    #[test]
    fn figures_are_gauges_with_the_cloud() {
        let text = of(&report(), Timestamp::UNIX_EPOCH);
        for line in [
            "runner_exit_code{cloud=\"lab\"} 4",
            "runner_last_run_timestamp_seconds{cloud=\"lab\"} 0",
            "runner_things_matched{cloud=\"lab\",kind=\"network.port\"} 2",
            "runner_things_deleted{cloud=\"lab\",kind=\"network.port\"} 1",
            "runner_things_failed{cloud=\"lab\",kind=\"network.port\"} 1",
            "runner_things_left{cloud=\"lab\",kind=\"network.port\"} 1",
            "runner_things_kept{cloud=\"lab\",reason=\"other name\"} 7",
            "runner_listing_failures{cloud=\"lab\",kind=\"dns.zone\"} 1",
            "runner_services_not_looked_at{cloud=\"lab\",service=\"object-store\"} 1",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
        assert!(text.lines().all(is_sound), "{text}");
    }

    #[test]
    fn each_figure_is_told_of_once() {
        let text = of(&report(), Timestamp::UNIX_EPOCH);
        let helps = text.lines().filter(|line| line.starts_with("# TYPE"));
        let mut names: Vec<&str> = helps.collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "{text}");
    }

    #[test]
    fn no_name_of_a_cloud_breaks_out_of_its_label() {
        let mut report = report();
        for name in hostile() {
            report.cloud = name.to_owned();
            let text = of(&report, Timestamp::UNIX_EPOCH);
            assert!(text.lines().all(is_sound), "{text}");
        }
        assert_eq!(escaped("a\"b\\c\n"), "a\\\"b\\\\c\\n");
    }

    #[test]
    fn a_run_that_had_nothing_to_report_leaves_its_code() {
        let text = of_failure(5, Duration::from_millis(1_500), Timestamp::UNIX_EPOCH);
        assert!(text.contains("\nrunner_exit_code 5\n"), "{text}");
        assert!(text.contains("\nrunner_duration_seconds 1.5\n"), "{text}");
    }
}
