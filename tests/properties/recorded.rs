//! A file of recorded cases that is written and read is the same, and what was recorded plays as it was.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Result, Unstructured};
use runner::case::{Case as Recorded, RecordedExchange};
use runner::cloud::Exchange;

use super::draw;

const SAMPLES: &[&str] = &[
    r#"{"kind": "network.port", "scope": {"under": "network.router/r"}, "exchanges": [
{"request": "GET /v2.0/ports", "status": 200, "headers": {"Link": "<x>"}, "body": {"ports": [{"id": "a", "n": 1.5}]}},
{"request": "DELETE /v2.0/ports/a", "status": 204},
{"request": "PUT /v2.0/routers/r/x {\"port_id\": \"a\"}", "service": "network", "status": 409, "body": "no JSON"},
{"request": "GET /v2.0/x", "status": 200, "body": "\"x\""},
{"request": "GET /v3/users", "service": "identity", "error": "timeout"}
], "things": [{"id": "a", "name": "n", "project": "p", "owners": ["named-by network.router/r"], "order": ["before b.y/1"],
"delete": {"blocked": ["a.x/1"]}, "gone": false}]}"#,
    r#"{"kind": "a.x", "exchanges": [], "error": "it fails"}"#,
    r#"{"kind": "a.x", "scope": "all", "exchanges": [{"request": "HEAD /x", "status": 200, "body": "null"}], "things": [{"id": "1", "delete": "gone"}]}"#,
];
const WORDS: &[&str] = &[
    "{",
    "}",
    "\"",
    "\\\"",
    ",",
    "null",
    "1",
    "\"body\": null,",
    "\"body\": \"\\\"x\\\"\",",
    "\"body\": \"{}\",",
    "\"body\": \"\",",
    "\"error\": \"throttled\",",
    "\"status\": 503,",
    " ",
    "GET ",
    "\"headers\": {\"A\": \"1\", \"a\": \"2\"},",
    "é",
    "\n",
    "{\"project\": \"p\"}",
];

/// A file.
#[derive(Debug)]
pub struct Case(String);

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self(draw::document(bytes, SAMPLES, WORDS)?))
    }
}

pub fn holds(Case(text): Case) {
    let Ok(case) = serde_json::from_str::<Recorded>(&text) else {
        return;
    };
    let written = serde_json::to_string(&case).expect("a case can be written");
    assert_eq!(
        serde_json::from_str::<Recorded>(&written).expect("and read"),
        case
    );
    for exchange in &case.exchanges {
        let Ok(played) = exchange.playable("network") else {
            continue;
        };
        let Some(recorded) = RecordedExchange::of(&played, "network") else {
            panic!("what was played cannot be recorded: {played:?}");
        };
        let written = serde_json::to_string(&recorded).expect("an exchange can be written");
        let read: RecordedExchange = serde_json::from_str(&written).expect("and read");
        let again = read.playable("network").expect("what was recorded plays");
        assert_eq!(shown(again), shown(played));
    }
}

/// An exchange to compare. In a file headers have no order.
fn shown(mut exchange: Exchange) -> String {
    if let Ok(response) = &mut exchange.outcome {
        let by_name: BTreeMap<String, String> = response.headers.drain(..).collect();
        response.headers.extend(by_name);
    }
    format!("{exchange:?}")
}
