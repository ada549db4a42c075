//! Of a thing its rule is shown what stands at a declared pointer, to the letter, and nothing else: in the object itself, and in every
//! answer that shows it.

use arbitrary::{Arbitrary, Result, Unstructured};
use runner::resource::{Kind, MemberPointer};
use serde_json::Value;

/// Names of members, with what a pointer writes for them.
const NAMES: &[(&str, &str)] = &[
    ("a", "a"),
    ("b", "b"),
    ("0", "0"),
    ("a/b", "a~1b"),
    ("~1", "~01"),
    ("*", "*"),
    ("links", "links"),
    ("next", "next"),
];

/// A step to a member or to an element.
#[derive(Clone, Debug)]
enum Step {
    Member(String),
    Element(usize),
    /// To a member after which there is another one of its name: no pointer leads there.
    Earlier,
}

/// A text that stands nowhere else, and the way to it.
type Mark = (String, Vec<Step>);

/// A thing's object.
#[derive(Debug)]
struct Thing {
    text: String,
    marks: Vec<Mark>,
}

/// Things, as an answer shows them.
#[derive(Debug)]
pub struct Case {
    pointers: Vec<Vec<&'static str>>,
    things: Vec<Thing>,
    is_wrapped: bool,
    is_bare: bool,
}

/// Writes objects that are full of marks.
struct Writer<'a, 'b> {
    bytes: &'a mut Unstructured<'b>,
    marks: Vec<Mark>,
    written: usize,
}

impl Writer<'_, '_> {
    fn mark(&mut self, form: &str, at: &[Step]) -> String {
        self.written += 1;
        let text = form.replace('#', &format!("{:05}", self.written));
        self.marks.push((text.clone(), at.to_vec()));
        text
    }

    fn value(&mut self, at: &[Step], depth: usize) -> Result<String> {
        let forms = if depth == 0 { 0 } else { 2 };
        Ok(match self.bytes.int_in_range(0..=forms)? {
            0 => {
                let forms = [
                    "\"m#\"",
                    "\"\\u006d#\"",
                    "-7#.50",
                    "7#e-2",
                    "7#00000000000000000000",
                ];
                let form = *self.bytes.choose(&forms)?;
                self.mark(form, at)
            }
            1 => {
                let elements = 0..self.bytes.int_in_range(0..=3)?;
                let elements = elements.map(|position: usize| {
                    let at = further(at, Step::Element(position));
                    self.value(&at, depth - 1)
                });
                format!("[{}]", elements.collect::<Result<Vec<_>>>()?.join(" ,"))
            }
            _ => self.object(at, depth - 1, Vec::new())?,
        })
    }

    fn object(&mut self, at: &[Step], depth: usize, mut members: Vec<String>) -> Result<String> {
        for (name, _) in NAMES {
            match self.bytes.int_in_range(0..=3)? {
                0 | 1 => continue,
                2 => {}
                _ => {
                    let value = self.value(&further(at, Step::Earlier), depth)?;
                    members.push(format!("{}:{value}", Value::from(*name)));
                }
            }
            let at = further(at, Step::Member((*name).to_owned()));
            let value = self.value(&at, depth)?;
            members.push(format!("{} : {value}", Value::from(*name)));
        }
        if self.bytes.arbitrary()? {
            let at = further(at, Step::Member("unlike any other".to_owned()));
            let name = self.mark("\"n#\"", &at);
            let value = self.value(&at, depth)?;
            members.push(format!("{name}:{value}"));
        }
        Ok(format!("{{ {} }}", members.join(", ")))
    }
}

fn further(at: &[Step], step: Step) -> Vec<Step> {
    at.iter().cloned().chain([step]).collect()
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let pointers = 0..bytes.int_in_range(1..=4)?;
        let pointers = pointers.map(|_: u8| {
            let steps = 0..bytes.int_in_range(1..=4)?;
            let steps = steps.map(|_: u8| Ok(bytes.choose(NAMES)?.1));
            steps.collect::<Result<Vec<_>>>()
        });
        let mut pointers = pointers.collect::<Result<Vec<_>>>()?;
        pointers.retain(|steps| steps.first() != Some(&"*"));
        let mut writer = Writer {
            bytes,
            marks: Vec::new(),
            written: 0,
        };
        let mut things = Vec::new();
        for _ in 0..writer.bytes.int_in_range(1..=3)? {
            let id = [Step::Member("id".to_owned())];
            let id = writer.mark("\"i#\"", &id);
            let text = writer.object(&[], 3, vec![format!("\"id\": {id}")])?;
            let marks = std::mem::take(&mut writer.marks);
            things.push(Thing { text, marks });
        }
        Ok(Self {
            pointers,
            things,
            is_wrapped: bytes.arbitrary()?,
            is_bare: bytes.arbitrary()?,
        })
    }
}

impl Case {
    fn kind(&self) -> Kind {
        let pointers = self.pointers.iter();
        let sees = pointers.map(|steps| format!("/{}", steps.join("/")));
        // Something has to be declared that is there anyhow.
        let sees = sees.chain(["/id".to_owned()]);
        Kind {
            sees: sees
                .map(|it| MemberPointer::parse(&it).expect("a pointer"))
                .collect(),
            ..super::page::kind()
        }
    }

    fn is_declared(&self, at: &[Step]) -> bool {
        let is_id = matches!(at, [Step::Member(name), ..] if name == "id");
        let leads = |pointer: &Vec<&str>| {
            let mut steps = pointer.iter().zip(at);
            pointer.len() <= at.len() && steps.all(|(step, at)| is_at(step, at))
        };
        is_id || self.pointers.iter().any(leads)
    }

    /// What is declared of a thing is in the text, and nothing else.
    fn check(&self, thing: &Thing, shown: &str) {
        for (mark, at) in &thing.marks {
            let is_declared = self.is_declared(at);
            assert_eq!(shown.contains(mark), is_declared, "{mark} in {shown}");
        }
        let read: Result<Value, _> = serde_json::from_str(shown);
        assert!(read.is_ok(), "{shown}");
    }
}

fn is_at(step: &str, at: &Step) -> bool {
    match at {
        Step::Member(name) => step != "*" && step.replace("~1", "/").replace("~0", "~") == *name,
        Step::Element(position) => step == "*" || step == position.to_string(),
        Step::Earlier => false,
    }
}

pub fn holds(case: Case) {
    let view = case.kind().view();
    for thing in &case.things {
        case.check(thing, &view.of_thing(&thing.text));
        case.check(thing, &view.of_answer(thing.text.clone()));
    }
    let texts: Vec<&str> = case.things.iter().map(|it| it.text.as_str()).collect();
    let list = format!("[{}]", texts.join(", "));
    let envelope = format!(
        "{{\"ports\": {list}, \"port\": {}, \"undeclared\": \"hidden\", \"next\": \"/on\"}}",
        texts.first().expect("a thing")
    );
    let answer = match (case.is_bare, case.is_wrapped) {
        (true, _) => list,
        (false, true) => format!("{{\"data\": {envelope}}}"),
        (false, false) => envelope,
    };
    let shown = view.of_answer(answer);
    assert!(!shown.contains("hidden"), "{shown}");
    assert!(
        case.is_bare || shown.contains("\"next\":\"/on\""),
        "{shown}"
    );
    for thing in &case.things {
        case.check(thing, &shown);
    }
}
