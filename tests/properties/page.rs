//! The things of a page are those objects of the answers to which it points, all of them and no others; and a rule's words are one
//! line that moves no cursor.

use arbitrary::{Arbitrary, Result, Unstructured};
use runner::guest::Limits;
use runner::guest::reading::{PageFlaw, Relayed, read};
use runner::resource::{Effects, Fields, Kind, Reach, Template};
use runner::text::plain;
use serde_json::{Value, json};

use super::draw;

const NAMES: &[&str] = &["ports", "id", "name", "links", "", "a/b"];
const STRINGS: &[&str] = &["a", "b", "c", "é"];
const POINTERS: &[&str] = &[
    "/ports", "/port", "", "/", "/links", "/id", "/a/b", "/ports/0", "ports", "/a~1b",
];
const SPOILS: &[&str] = &[
    "\"id\":\"b\",",
    "{",
    "}",
    ",",
    "[",
    "]",
    "\"ports\":",
    " ",
    "\\u0061",
];
const WORDS: &[&str] = &[
    "error: ",
    "\n",
    "\r",
    "\r\n",
    "\u{1b}[2J",
    "\u{202e}",
    "\u{200b}",
    "é",
    "\u{85}",
    "\u{2028}",
    " ",
    "\u{feff}",
];

/// What a rule hands back.
#[derive(Debug)]
pub struct Case {
    relayed: Vec<Relayed>,
    slices: Vec<(u32, String)>,
    things_max: usize,
    words: String,
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let relayed = 0..bytes.int_in_range(0..=3)?;
        let relayed = relayed.map(|_: u8| {
            let body = match bytes.arbitrary()? {
                true => json!({"ports": ports(bytes)?, "port": port(bytes)?, "id": "d"}),
                false => draw::json(bytes, NAMES, STRINGS, 3)?,
            };
            let mut body = body.to_string();
            if bytes.ratio(1u8, 4)? {
                draw::spoil(bytes, &mut body, SPOILS)?;
            }
            let path = bytes.choose(&["/v2.0/ports", "/v2.0/ports/a"])?;
            Ok(Relayed {
                path: (*path).to_owned(),
                body,
            })
        });
        let relayed = relayed.collect::<Result<_>>()?;
        let slices = 0..bytes.int_in_range(0..=3)?;
        let slices = slices.map(|_: u8| {
            let at = bytes.choose(POINTERS)?;
            Ok((bytes.int_in_range(0..=2)?, (*at).to_owned()))
        });
        Ok(Self {
            relayed,
            slices: slices.collect::<Result<_>>()?,
            things_max: bytes.int_in_range(0..=12)?,
            words: draw::text(bytes, WORDS, 20)?.repeat(bytes.int_in_range(1..=200)?),
        })
    }
}

fn port(bytes: &mut Unstructured<'_>) -> Result<Value> {
    let mut port = draw::object(bytes, NAMES, STRINGS, 1)?;
    port.insert("id".to_owned(), Value::from(*bytes.choose(STRINGS)?));
    Ok(Value::Object(port))
}

fn ports(bytes: &mut Unstructured<'_>) -> Result<Vec<Value>> {
    let count = 0..bytes.int_in_range(0..=3)?;
    count.map(|_: u8| port(bytes)).collect()
}

pub(super) fn kind() -> Kind {
    Kind {
        name: "network.port".into(),
        service: "network".to_owned(),
        reach: Reach::Projects,
        fields: Fields {
            id: "/id".to_owned(),
            ..Fields::default()
        },
        owners: Vec::new(),
        after: Vec::new(),
        requests: vec![Template::parse("DELETE /v2.0/ports/{id}").expect("a template")],
        reads: Vec::new(),
        sees: Vec::new(),
        failed_states: Vec::new(),
        effects: Effects::default(),
    }
}

pub fn holds(case: Case) {
    let shown = plain(&case.words);
    let is_unfit =
        |c: char| c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c) || c == '\u{200b}';
    assert!(!shown.contains(is_unfit), "{shown:?}");
    assert!(shown.chars().count() <= 10 * 2_000 + 5);
    let limits = Limits {
        page_things_max: case.things_max,
        ..Limits::default()
    };
    let slices = case
        .slices
        .iter()
        .map(|(number, at)| (*number, at.as_str()));
    match read(&kind(), None, slices, &case.relayed, &limits) {
        Ok(things) => {
            assert!(things.len() <= case.things_max);
            let objects: Vec<Value> = things.iter().map(|it| it.object.clone()).collect();
            assert_eq!(objects, pointed_at(&case));
            for it in things {
                assert_eq!(
                    serde_json::from_str::<Value>(&it.thing.object).ok(),
                    Some(it.object)
                );
                assert!(
                    case.relayed
                        .iter()
                        .any(|from| from.body.contains(&it.thing.object))
                );
            }
        }
        Err(PageFlaw::NoResponse(number)) => assert!(number as usize >= case.relayed.len()),
        Err(_) => {}
    }
}

/// The objects, by another reader of JSON.
fn pointed_at(case: &Case) -> Vec<Value> {
    let mut found = Vec::new();
    for (number, at) in &case.slices {
        let body = &case.relayed[*number as usize].body;
        let body: Value =
            serde_json::from_str(body).expect("an answer in which something was found");
        match body.pointer(at).expect("what was found").clone() {
            Value::Array(objects) => found.extend(objects),
            object => found.push(object),
        }
    }
    found
}
