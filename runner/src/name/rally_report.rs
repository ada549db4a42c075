//! What `rally task report --json` says of tasks: which workloads they had, whose ids Rally writes into names.
//!
//! The invariant: what is asked of a report is never more than the report says; one without workloads is refused.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;

/// What some editors and shells put in front of a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Numbers as Python's `json.dumps` writes them.
const ODD_NUMBERS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// A report, or several that belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RallyReport {
    tasks: Vec<ReportedTask>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct ReportedTask {
    uuid: String,
    subtasks: Vec<ReportedSubtask>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct ReportedSubtask {
    uuid: String,
    workloads: Vec<ReportedWorkload>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct ReportedWorkload {
    uuid: String,
}

/// Why a text is no report to go by.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RallyReportError {
    /// Not what `rally task report --json` writes.
    #[error("it is not what `rally task report --json` writes: {0}")]
    Form(#[from] serde_json::Error),
    /// What another command of Rally's writes, which has nothing to go by.
    #[error(
        "it is a list, as `rally task results` writes it, and that has no ids of workloads, so it says nothing about names"
    )]
    Results,
    /// Nothing to go by.
    #[error("no task in it has a workload, so it says nothing about names")]
    NoWorkload,
}

impl RallyReport {
    /// Takes over what a report says.
    ///
    /// Python writes numbers that JSON does not know; since none of them matters here, they are read as others.
    ///
    /// # Errors
    /// If the text is no report, or has no workload.
    pub fn add(&mut self, text: &str) -> Result<(), RallyReportError> {
        #[derive(Deserialize)]
        struct Report {
            tasks: Vec<ReportedTask>,
        }
        let text = text.trim_start_matches(BYTE_ORDER_MARK);
        if text.trim_start().starts_with('[') {
            return Err(RallyReportError::Results);
        }
        let Report { tasks } = serde_json::from_str(&without_odd_numbers(text))?;
        if tasks
            .iter()
            .flat_map(ReportedTask::workloads)
            .next()
            .is_none()
        {
            return Err(RallyReportError::NoWorkload);
        }
        self.tasks.extend(tasks);
        Ok(())
    }

    /// The ids that names may carry: of everything in the report, if nothing was asked for; else of what was asked for, where a
    /// task or a subtask of the report stands for its workloads. A task's own id stays among them, for the objects that Rally's
    /// `swift_objects` context makes.
    pub fn ids(&self, asked: &[String]) -> Vec<String> {
        let mut ids: Vec<String> = match asked {
            [] => self.tasks.iter().flat_map(ReportedTask::ids).collect(),
            _ => asked.iter().flat_map(|id| self.ids_of(id)).collect(),
        };
        let mut known = BTreeSet::new();
        ids.retain(|id| known.insert(id.clone()));
        ids
    }

    fn ids_of(&self, id: &str) -> Vec<String> {
        if let Some(task) = self.tasks.iter().find(|task| task.uuid == id) {
            return task.ids();
        }
        let mut subtasks = self.tasks.iter().flat_map(|task| &task.subtasks);
        match subtasks.find(|subtask| subtask.uuid == id) {
            Some(subtask) => subtask.workloads().collect(),
            None => vec![id.to_owned()],
        }
    }
}

/// The same text with a zero in the place of each number that Python writes and JSON does not know. Every other character
/// stays where it is, so that errors name the right place.
fn without_odd_numbers(text: &str) -> Cow<'_, str> {
    if !ODD_NUMBERS.iter().any(|odd| text.contains(odd)) {
        return text.into();
    }
    let mut rest = text;
    let mut read = String::new();
    let mut is_in_string = false;
    // Whether a value may begin here.
    let mut is_due = true;
    while let Some(next) = rest.chars().next() {
        let odd = ODD_NUMBERS.iter().find(|odd| rest.starts_with(**odd));
        let taken = match odd {
            Some(odd) if is_due && !is_in_string => {
                read.push_str(&format!("{:<1$}", "0", odd.len()));
                is_due = false;
                odd.len()
            }
            _ => {
                // What is escaped ends no string.
                let escaped = rest.chars().nth(1).filter(|_| is_in_string && next == '\\');
                let taken = next.len_utf8() + escaped.map_or(0, char::len_utf8);
                read.push_str(rest.get(..taken).unwrap_or_default());
                is_in_string ^= next == '"';
                is_due = matches!(next, ':' | ',' | '[') || is_due && next.is_ascii_whitespace();
                taken
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    read.into()
}

impl ReportedTask {
    fn workloads(&self) -> impl Iterator<Item = String> {
        self.subtasks.iter().flat_map(ReportedSubtask::workloads)
    }

    fn ids(&self) -> Vec<String> {
        self.workloads().chain([self.uuid.clone()]).collect()
    }
}

impl ReportedSubtask {
    fn workloads(&self) -> impl Iterator<Item = String> {
        self.workloads.iter().map(|workload| workload.uuid.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"{
        "info": {"rally_version": "5.1.1", "format_version": "1.2"},
        "tasks": [
            {"uuid": "t1", "title": "", "subtasks": [
                {"uuid": "s1", "title": "a", "workloads": [{"uuid": "w1", "runner": {}}, {"uuid": "w2"}]},
                {"uuid": "s2", "title": "b", "workloads": [{"uuid": "w3"}]}
            ]},
            {"uuid": "t2", "title": "", "subtasks": [{"uuid": "s3", "workloads": [{"uuid": "w4"}]}]}
        ]
    }"#;

    fn ids(asked: &[&str]) -> Vec<String> {
        let mut report = RallyReport::default();
        report.add(REPORT).unwrap();
        let asked: Vec<String> = asked.iter().map(|id| (*id).to_owned()).collect();
        report.ids(&asked)
    }

    #[test]
    fn what_is_asked_for_stands_for_its_workloads() {
        for (asked, expected) in [
            (&[][..], &["w1", "w2", "w3", "t1", "w4", "t2"][..]),
            (&["t1"], &["w1", "w2", "w3", "t1"]),
            (&["s2"], &["w3"]),
            (&["w2"], &["w2"]),
            (&["t1", "s1", "w4"], &["w1", "w2", "w3", "t1", "w4"]),
            (&["elsewhere"], &["elsewhere"]),
        ] {
            assert_eq!(ids(asked), expected, "{asked:?}");
        }
    }

    #[test]
    fn numbers_as_python_writes_them_are_read() {
        for (text, expected) in [
            ("{}", "{}"),
            (r#"{"a": NaN}"#, r#"{"a": 0  }"#),
            (
                "[NaN,\n-Infinity , Infinity]",
                "[0  ,\n0         , 0       ]",
            ),
            (
                r#"{"NaN": "Infinity", "a": ["NaN", ", NaN"]}"#,
                r#"{"NaN": "Infinity", "a": ["NaN", ", NaN"]}"#,
            ),
            (
                r#"{"a": "\", NaN", "b\\": NaN}"#,
                r#"{"a": "\", NaN", "b\\": 0  }"#,
            ),
            (r#"{"é": NaN}"#, r#"{"é": 0  }"#),
            // No number of Python's either.
            ("[1NaN, -NaN, NaNNaN]", "[1NaN, -NaN, 0  NaN]"),
        ] {
            assert_eq!(without_odd_numbers(text), expected, "{text}");
        }
        let odd = REPORT.replace(
            r#""runner": {}"#,
            r#""statistics": {"a": NaN, "b": [Infinity, -Infinity]}"#,
        );
        assert_ne!(odd, REPORT);
        let (mut report, mut plain) = (RallyReport::default(), RallyReport::default());
        report.add(&odd).unwrap();
        plain.add(REPORT).unwrap();
        assert_eq!(report, plain);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_report() {
        let (mut report, mut plain) = (RallyReport::default(), RallyReport::default());
        report.add(&format!("\u{feff}{REPORT}")).unwrap();
        plain.add(REPORT).unwrap();
        assert_eq!(report, plain);
    }

    #[test]
    fn a_list_of_results_is_refused_for_what_it_is() {
        for text in [
            "[]",
            " [{\"result\": [], \"key\": {\"name\": \"a\"}}]",
            "\u{feff}[]",
        ] {
            let refused = RallyReport::default().add(text).unwrap_err();
            assert!(matches!(refused, RallyReportError::Results), "{text}");
            assert!(refused.to_string().contains("no ids"), "{refused}");
        }
    }

    #[test]
    fn what_says_nothing_about_names_is_refused() {
        let mut report = RallyReport::default();
        for text in [
            "",
            "{}",
            r#"{"tasks": {}}"#,
            r#"{"tasks": [{"uuid": "t"}]}"#,
        ] {
            let refused = report.add(text);
            assert!(matches!(refused, Err(RallyReportError::Form(_))), "{text}");
        }
        for text in [
            r#"{"tasks": []}"#,
            r#"{"tasks": [{"uuid": "t", "subtasks": []}]}"#,
        ] {
            let refused = report.add(text);
            assert!(
                matches!(refused, Err(RallyReportError::NoWorkload)),
                "{text}"
            );
        }
        assert_eq!(report, RallyReport::default());
    }
}
