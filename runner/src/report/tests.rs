//! A report for the tests of all its forms.

use std::time::Duration;

use super::*;
use crate::run::Purpose;

/// Names that somebody gives who wants to break out of a document.
pub(super) fn hostile() -> [&'static str; 8] {
    [
        "</failure></testcase><script>alert(1)</script>",
        "\" onload=\"alert(1)",
        "]]>&amp;<!--",
        "a\u{1b}[2J\u{0}\r\nb",
        "\\\"} 1\nrunner_exit_code 0",
        "\u{202e}\u{fffe}\u{ffff}",
        "<img src=//example.org/x onerror=alert(1)>",
        "ordinary",
    ]
}

fn row(id: &str, name: &str, result: &'static str, detail: Option<&str>) -> Row {
    let reason = Reason::Unmatched;
    Row {
        thing: ThingRef::new("network.port", id),
        name: Some(name.to_owned()),
        project: Some("demo".into()),
        why: reason.to_string(),
        reason,
        result,
        detail: detail.map(ToOwned::to_owned),
        blocked_by: Vec::new(),
    }
}

/// A run that has deleted one port and left another, and could neither list zones nor reach the object store.
pub(super) fn report() -> Report {
    let outcome = Outcome {
        run: "r".into(),
        purpose: Purpose::Delete,
        plan: Plan::new(Default::default(), Default::default(), BTreeMap::new()).0,
        is_surveyed: true,
        kept: Vec::new(),
        fates: Some(Vec::new()),
        left: vec![Left {
            thing: ThingRef::new("network.port", "p2"),
            name: Some("s_rally_two".to_owned()),
            why: "refused: in use".to_owned(),
        }],
        failures: vec![ListingFailure {
            kind: "dns.zone".into(),
            scope: "everywhere".to_owned(),
            why: "unavailable: 503".to_owned(),
        }],
        skipped: BTreeMap::new(),
        unlooked: vec![Unlooked {
            service: "object-store".to_owned(),
            region: None,
            interface: None,
            why: "no endpoint".to_owned(),
            is_failure: true,
            by_word: false,
        }],
        interrupted: false,
        refusal: None,
        trouble: None,
    };
    let about = About {
        cloud: "lab".to_owned(),
        user: "admin".to_owned(),
        scope: "the whole system".to_owned(),
        requests: 12,
        took: Duration::from_millis(1_250),
    };
    let mut report = Report::of(&outcome, about, false);
    report.items = vec![
        row("p1", "s_rally_one", "gone", None),
        row("p2", "s_rally_two", "failed", Some("refused: in use")),
    ];
    report.summary.kept = BTreeMap::from([("other name".to_owned(), 7)]);
    report
}
