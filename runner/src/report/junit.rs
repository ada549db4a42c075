//! A run as a JUnit report, for CI gates: is anything left, and could anybody look?
//!
//! | case | is |
//! |---|---|
//! | `the run` | an error if it was interrupted, refused, or its records are not whole |
//! | a thing that is left, or of which nobody knows that it has gone | a failure, with the reason |
//! | in a dry run: a thing that would be deleted | a failure: it was left by whoever should have cleaned it |
//! | a kind of which everything has gone | passed, once, however many there were |
//! | a listing that failed, a service that could not be reached | an error: nobody can say that it is clean |
//! | a kind that was left out, what nobody looked at by the operator's word or for want of a rule | skipped |
//!
//! What is kept has no case. The service is the suite; kind and name tell a case from all others.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event as Xml};

use crate::resource::ThingRef;
use crate::text::plain;

use super::{Report, Row};

/// What became of a case.
enum Verdict {
    Passed,
    Failure(String),
    Error(String),
    Skipped(String),
}

struct Case {
    class: String,
    name: String,
    verdict: Verdict,
}

/// Cases by suite.
#[derive(Default)]
struct Suites(BTreeMap<String, Vec<Case>>);

/// The document. `at` is when the run was over.
///
/// # Errors
/// None that is known.
pub fn of(report: &Report, at: Timestamp) -> Result<String, String> {
    let mut suites = Suites::default();
    suites.add_run(report);
    suites.add_things(report);
    suites.add_unlisted(report);
    suites.write(report, at).map_err(|error| error.to_string())
}

impl Suites {
    fn add(&mut self, class: &str, name: &str, verdict: Verdict) {
        let service = class.split('.').next().unwrap_or(class);
        self.0.entry(plain(service)).or_default().push(Case {
            class: format!("runner.{}", plain(class)),
            name: plain(name),
            verdict,
        });
    }

    fn add_run(&mut self, report: &Report) {
        let why = match (&report.error, report.interrupted) {
            (_, true) => Some("the run was interrupted".to_owned()),
            (error, false) => error.clone(),
        };
        let verdict = why.map_or(Verdict::Passed, Verdict::Error);
        self.add("run", "the run", verdict);
    }

    /// What is left and what has gone. A thing that is left and was in the plan has one case.
    fn add_things(&mut self, report: &Report) {
        let mut told: BTreeSet<&ThingRef> = BTreeSet::new();
        for left in &report.left {
            if told.insert(&left.thing) {
                let name = case_name(&left.thing, left.name.as_deref());
                self.add(&left.thing.kind, &name, Verdict::Failure(left.why.clone()));
            }
        }
        let mut clean: BTreeMap<&str, bool> = BTreeMap::new();
        for row in &report.items {
            let has_gone = row.result == "gone";
            *clean.entry(&row.thing.kind).or_insert(true) &= has_gone;
            if !has_gone && told.insert(&row.thing) {
                let name = case_name(&row.thing, row.name.as_deref());
                self.add(&row.thing.kind, &name, Verdict::Failure(said(row)));
            }
        }
        let left: BTreeSet<&str> = report.left.iter().map(|it| &*it.thing.kind).collect();
        for (kind, _) in clean
            .iter()
            .filter(|(kind, clean)| **clean && !left.contains(*kind))
        {
            self.add(kind, "nothing is left", Verdict::Passed);
        }
    }

    fn add_unlisted(&mut self, report: &Report) {
        for failure in &report.listing_failures {
            let name = format!("is listed {}", failure.scope);
            self.add(&failure.kind, &name, Verdict::Error(failure.why.clone()));
        }
        for unlooked in &report.unlooked {
            let why = unlooked.why.clone();
            let verdict = match unlooked.is_failure {
                true => Verdict::Error(why),
                false => Verdict::Skipped(why),
            };
            self.add(
                &unlooked.service,
                &format!("{unlooked} is looked at"),
                verdict,
            );
        }
        for (kind, why) in &report.skipped {
            self.add(kind, "is listed", Verdict::Skipped(why.clone()));
        }
    }

    fn write(&self, report: &Report, at: Timestamp) -> std::io::Result<String> {
        let all: Vec<&Case> = self.0.values().flatten().collect();
        let mut to = Writer::new_with_indent(Vec::new(), b' ', 2);
        to.write_event(Xml::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let mut root = BytesStart::new("testsuites");
        root.push_attribute(("name", "runner"));
        count(&mut root, &all);
        root.push_attribute(("time", report.summary.seconds.to_string().as_str()));
        to.write_event(Xml::Start(root))?;
        for (name, cases) in &self.0 {
            let mut suite = BytesStart::new("testsuite");
            suite.push_attribute(("name", name.as_str()));
            count(&mut suite, &cases.iter().collect::<Vec<_>>());
            let skipped = cases
                .iter()
                .filter(|it| matches!(it.verdict, Verdict::Skipped(_)));
            suite.push_attribute(("skipped", skipped.count().to_string().as_str()));
            suite.push_attribute(("time", "0"));
            // The schema knows no fractions and no zone.
            let at = at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            suite.push_attribute(("timestamp", at.as_str()));
            to.write_event(Xml::Start(suite))?;
            cases.iter().try_for_each(|case| case.write(&mut to))?;
            to.write_event(Xml::End(BytesEnd::new("testsuite")))?;
        }
        to.write_event(Xml::End(BytesEnd::new("testsuites")))?;
        let text = String::from_utf8(to.into_inner()).map_err(std::io::Error::other)?;
        Ok(text + "\n")
    }
}

fn count(element: &mut BytesStart<'_>, cases: &[&Case]) {
    let of = |is: fn(&Verdict) -> bool| cases.iter().filter(|it| is(&it.verdict)).count();
    let counts = [
        ("tests", cases.len()),
        ("failures", of(|it| matches!(it, Verdict::Failure(_)))),
        ("errors", of(|it| matches!(it, Verdict::Error(_)))),
    ];
    for (name, count) in counts {
        element.push_attribute((name, count.to_string().as_str()));
    }
}

impl Case {
    fn write(&self, to: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        let mut case = BytesStart::new("testcase");
        case.push_attribute(("name", writable(&self.name).as_str()));
        case.push_attribute(("classname", writable(&self.class).as_str()));
        case.push_attribute(("time", "0"));
        let (element, why) = match &self.verdict {
            Verdict::Passed => return to.write_event(Xml::Empty(case)),
            Verdict::Failure(why) => ("failure", why),
            Verdict::Error(why) => ("error", why),
            Verdict::Skipped(why) => ("skipped", why),
        };
        let why = writable(&plain(why));
        to.write_event(Xml::Start(case))?;
        let mut verdict = BytesStart::new(element);
        verdict.push_attribute(("message", why.as_str()));
        // GitLab shows the text, Jenkins the message; of what was skipped the schema allows the message alone.
        if element == "skipped" {
            to.write_event(Xml::Empty(verdict))?;
        } else {
            verdict.push_attribute(("type", element));
            to.write_event(Xml::Start(verdict))?;
            to.write_event(Xml::Text(BytesText::new(&why)))?;
            to.write_event(Xml::End(BytesEnd::new(element)))?;
        }
        to.write_event(Xml::End(BytesEnd::new("testcase")))
    }
}

/// A text without the two characters that no XML document can hold and that are left in what people are shown.
fn writable(text: &str) -> String {
    text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

/// Names may be many things' and may be missing; the id is always there.
fn case_name(thing: &ThingRef, name: Option<&str>) -> String {
    match name.filter(|name| !thing.id.ends_with(name)) {
        Some(name) => format!("{name} ({})", thing.id),
        None => thing.id.to_string(),
    }
}

/// What is said of a thing of the plan that has not gone.
fn said(row: &Row) -> String {
    match (row.result, &row.detail) {
        ("delete", _) => format!("was left, and would be deleted: {}", row.why),
        (result, Some(detail)) => format!("{result}: {detail}"),
        (result, None) => result.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use quick_xml::Reader;

    use super::*;
    use crate::report::tests::{hostile, report};

    /// Elements in their order, with depth and attributes, as a parser reads them.
    fn elements(document: &str) -> Vec<(usize, String, BTreeMap<String, String>)> {
        let mut reader = Reader::from_str(document);
        let (mut depth, mut found) = (0, Vec::new());
        loop {
            let event = reader.read_event().unwrap();
            let is_start = matches!(event, Xml::Start(_));
            match event {
                Xml::Eof => return found,
                Xml::Start(element) | Xml::Empty(element) => {
                    let name = String::from_utf8(element.name().as_ref().to_vec()).unwrap();
                    let attributes = element.attributes().map(Result::unwrap).map(|it| {
                        let key = String::from_utf8(it.key.as_ref().to_vec()).unwrap();
                        let raw = String::from_utf8(it.value.to_vec()).unwrap();
                        (key, quick_xml::escape::unescape(&raw).unwrap().into_owned())
                    });
                    found.push((depth, name, attributes.collect()));
                    depth += usize::from(is_start);
                }
                Xml::End(_) => depth -= 1,
                _ => {}
            }
        }
    }

    /// The rules of the schema that Jenkins publishes (its xunit plug-in's `junit-10.xsd`), as far as they bear on what is written
    /// here: which element may be in which, with which attributes, and that the counts are right.
    fn expect_sound(document: &str) {
        let counts = ["tests", "failures", "errors"];
        let allowed: &[(&str, usize, &[&str])] = &[
            (
                "testsuites",
                0,
                &["name", "time", "tests", "failures", "errors"],
            ),
            (
                "testsuite",
                1,
                &[
                    "name",
                    "tests",
                    "failures",
                    "errors",
                    "skipped",
                    "time",
                    "timestamp",
                ],
            ),
            ("testcase", 2, &["name", "classname", "time"]),
            ("failure", 3, &["message", "type"]),
            ("error", 3, &["message", "type"]),
            ("skipped", 3, &["message"]),
        ];
        let all = elements(document);
        for (depth, name, attributes) in &all {
            let (_, at, known) = allowed.iter().find(|(it, ..)| it == name).unwrap();
            assert_eq!(depth, at, "{name}");
            let has: BTreeSet<&str> = attributes.keys().map(String::as_str).collect();
            assert_eq!(has, known.iter().copied().collect(), "{name}");
        }
        let number = |name: &str| {
            all.iter()
                .filter(|(_, it, _)| it == name)
                .count()
                .to_string()
        };
        let expected = [number("testcase"), number("failure"), number("error")];
        let said: Vec<&String> = counts.iter().map(|it| &all[0].2[*it]).collect();
        assert_eq!(said, expected.iter().collect::<Vec<_>>());
        let in_suites = all.iter().filter(|(depth, ..)| *depth == 1);
        let in_suites = in_suites.map(|(.., it)| it["tests"].parse::<usize>().unwrap());
        assert_eq!(in_suites.sum::<usize>().to_string(), number("testcase"));
    }

    fn cases(document: &str) -> Vec<(String, String)> {
        let mut cases = Vec::new();
        for (depth, name, attributes) in elements(document) {
            match depth {
                2 => cases.push((attributes["name"].clone(), "passed".to_owned())),
                3 => cases.last_mut().unwrap().1 = format!("{name}: {}", attributes["message"]),
                _ => {}
            }
        }
        cases
    }

    #[test]
    fn what_is_left_fails_and_what_was_not_listed_is_an_error() {
        let document = of(&report(), Timestamp::UNIX_EPOCH).unwrap();
        expect_sound(&document);
        let case = |name: &str, verdict: &str| (name.to_owned(), verdict.to_owned());
        assert_eq!(
            cases(&document),
            [
                case("is listed everywhere", "error: unavailable: 503"),
                case("s_rally_two (p2)", "failure: refused: in use"),
                case("object-store is looked at", "error: no endpoint"),
                case("the run", "passed"),
            ]
        );
    }

    #[test]
    fn what_is_clean_passes_once_for_each_kind_and_a_dry_run_fails_for_what_it_finds() {
        let mut report = report();
        report.left.clear();
        report.listing_failures.clear();
        report.unlooked.clear();
        for row in &mut report.items {
            (row.result, row.detail) = ("gone", None);
        }
        let document = of(&report, Timestamp::UNIX_EPOCH).unwrap();
        expect_sound(&document);
        let passed = |name: &str| (name.to_owned(), "passed".to_owned());
        assert_eq!(
            cases(&document),
            [passed("nothing is left"), passed("the run")]
        );
        for row in &mut report.items {
            row.result = "delete";
        }
        let document = of(&report, Timestamp::UNIX_EPOCH).unwrap();
        expect_sound(&document);
        assert!(document.contains("failures=\"2\""), "{document}");
    }

    #[test]
    fn no_name_breaks_out_of_the_document() {
        for name in hostile() {
            let mut report = report();
            report.left[0].name = Some(name.to_owned());
            report.left[0].why = name.to_owned();
            let document = of(&report, Timestamp::UNIX_EPOCH).unwrap();
            expect_sound(&document);
            let is_control = |c: char| c.is_control() && c != '\n';
            assert!(!document.contains(is_control), "{document:?}");
            assert!(!document.contains(['\u{fffe}', '\u{ffff}']), "{document:?}");
        }
    }

    #[test]
    fn an_interrupted_run_is_an_error() {
        let mut report = report();
        report.interrupted = true;
        let document = of(&report, Timestamp::UNIX_EPOCH).unwrap();
        expect_sound(&document);
        assert!(document.contains("the run was interrupted"), "{document}");
    }
}
