//! From what a rule points at to things: the runner reads the objects of a page itself, out of the responses that it relayed in
//! the very same call. A rule has no way to hand over an object that no response held.
//!
//! A slice is where an API shows things, and no deeper: what a thing mentions is no thing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;
use serde_json::value::RawValue;

pub use super::capability::Relayed;
use super::limits::Limits;
use crate::resource::selection::Selection;
use crate::resource::{Flaw, Kind, Thing, ThingRef, unreadable};

/// Steps to the objects of a slice: a wrapper, and a member of it.
const STEPS_MAX: usize = 2;

/// Longest pointer to objects. Members that hold them have names of one or two words.
const AT_BYTES_MAX: usize = 1 << 10;

/// Characters that are shown of one that is longer.
const AT_SHOWN: usize = 100;

/// A thing with its parsed object.
#[derive(Clone, Debug)]
pub struct Read {
    /// The thing.
    pub thing: Thing,
    /// Its object.
    pub object: Value,
}

/// What is wrong with a page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageFlaw {
    /// A response that is not of this call.
    #[error("a page points to response {0}, which this call did not receive")]
    NoResponse(u32),
    /// Neither an object nor an array of objects, or deeper than things are shown.
    #[error("the answer of {path} has no objects at {at:?}")]
    NoObjects {
        /// Path of the listing.
        path: String,
        /// Where the objects should be.
        at: String,
    },
    /// An object that is not what the kind declares.
    #[error(transparent)]
    Object(#[from] Flaw),
    /// An object that no reader of JSON takes.
    #[error("the answer of {path} has an object at {at:?} that cannot be read: {why}")]
    Unreadable {
        /// Path of the listing.
        path: String,
        /// Where the objects are.
        at: String,
        /// What is wrong with it, with its id if that can be read.
        why: String,
    },
    /// An object without a member that was asked for.
    #[error("the answer of {path} has an object without {member:?}, which it was asked for")]
    Hidden {
        /// Path of the listing.
        path: String,
        /// What it lacks.
        member: String,
    },
    /// More things than allowed.
    #[error("page_things_max = {0}")]
    TooMany(usize),
    /// More slices than responses could be.
    #[error("requests_max = {0}, with more slices than that in a page")]
    TooManySlices(u32),
    /// The same objects twice, or some and what is within them.
    #[error("a page points twice to {at:?} in the answer of {path}")]
    Twice {
        /// Path of the listing.
        path: String,
        /// Where the objects are.
        at: String,
    },
}

impl PageFlaw {
    /// Whether the rule is to blame, rather than the cloud's answer.
    pub fn is_misdeed(&self) -> bool {
        match self {
            Self::NoResponse(_) | Self::Twice { .. } => true,
            Self::Object(flaw) => !matches!(flaw, Flaw::NoId { .. }),
            Self::NoObjects { .. }
            | Self::Unreadable { .. }
            | Self::Hidden { .. }
            | Self::TooMany(_)
            | Self::TooManySlices(_) => false,
        }
    }
}

/// Reads the things of a page. A slice is the number of a response and a pointer into it.
///
/// # Errors
/// [`PageFlaw`], at the first object that is not what it should be.
pub fn read<'a>(
    kind: &Kind,
    parent: Option<&ThingRef>,
    slices: impl ExactSizeIterator<Item = (u32, &'a str)>,
    relayed: &[Relayed],
    limits: &Limits,
) -> Result<Vec<Read>, PageFlaw> {
    // Each slice costs a look through its response, which no CPU limit of the rule's counts.
    if slices.len() > usize::try_from(limits.requests_max).unwrap_or(usize::MAX) {
        return Err(PageFlaw::TooManySlices(limits.requests_max));
    }
    let slices: Vec<(u32, &str)> = slices.collect();
    if let Some((number, at)) = slices.iter().find(|(_, at)| !is_place(at)) {
        return Err(PageFlaw::NoObjects {
            path: without_query(&response(relayed, *number)?.path).to_owned(),
            at: at.chars().take(AT_SHOWN).collect(),
        });
    }
    lie_apart(&slices, relayed)?;
    let mut answers: BTreeMap<u32, Answer<'_>> = BTreeMap::new();
    let mut things = Vec::new();
    for (number, at) in slices {
        let response = response(relayed, number)?;
        let answer = answers
            .entry(number)
            .or_insert_with(|| Answer::of(&response.body));
        let shown = Shown {
            kind,
            parent,
            path: &response.path,
            at,
            selection: kind.check_selection(&response.path)?,
        };
        let objects = match kind.fields.id.is_empty() {
            true => answer.only_object(at).map(|only| vec![only]),
            false => answer.objects(at),
        };
        let objects = objects.ok_or_else(|| PageFlaw::NoObjects {
            path: shown.path().to_owned(),
            at: at.to_owned(),
        })?;
        if things.len() + objects.len() > limits.page_things_max {
            return Err(PageFlaw::TooMany(limits.page_things_max));
        }
        for text in objects {
            things.push(shown.read(text)?);
        }
    }
    Ok(things)
}

/// Whether things may be shown there at all, before anything is compared or looked for.
fn is_place(at: &str) -> bool {
    at.len() <= AT_BYTES_MAX && at.bytes().filter(|it| *it == b'/').count() <= STEPS_MAX
}

/// No slice may be in a response twice, nor lie within another one.
fn lie_apart(slices: &[(u32, &str)], relayed: &[Relayed]) -> Result<(), PageFlaw> {
    let mut places = BTreeSet::new();
    let twice = |number: u32, at: &str| match response(relayed, number) {
        Ok(response) => PageFlaw::Twice {
            path: without_query(&response.path).to_owned(),
            at: at.to_owned(),
        },
        Err(flaw) => flaw,
    };
    for (number, at) in slices {
        if !places.insert((*number, *at)) {
            return Err(twice(*number, at));
        }
    }
    for (number, at) in slices {
        let mut around = at.match_indices('/').filter_map(|(end, _)| at.get(..end));
        if around.any(|around| places.contains(&(*number, around))) {
            return Err(twice(*number, at));
        }
    }
    Ok(())
}

fn response(relayed: &[Relayed], number: u32) -> Result<&Relayed, PageFlaw> {
    let response = usize::try_from(number).ok().and_then(|it| relayed.get(it));
    response.ok_or(PageFlaw::NoResponse(number))
}

/// Objects of one slice, and as what they are read.
struct Shown<'a> {
    kind: &'a Kind,
    parent: Option<&'a ThingRef>,
    /// With the query.
    path: &'a str,
    at: &'a str,
    selection: Option<Selection>,
}

impl Shown<'_> {
    fn path(&self) -> &str {
        without_query(self.path)
    }

    fn read(&self, text: &str) -> Result<Read, PageFlaw> {
        let unreadable = |why: &str| PageFlaw::Unreadable {
            path: self.path().to_owned(),
            at: self.at.to_owned(),
            why: why.to_owned(),
        };
        let object: Value =
            serde_json::from_str(text).map_err(|error| unreadable(&error.to_string()))?;
        if let Some(why) = unreadable::said(&object) {
            return Err(unreadable(why));
        }
        if let Some(selection) = &self.selection
            && let Some(member) = self.kind.hidden_in(&object, self.path, selection)
        {
            return Err(PageFlaw::Hidden {
                path: self.path().to_owned(),
                member: member.to_owned(),
            });
        }
        let thing = self.kind.read(text, &object, self.parent, self.path())?;
        Ok(Read { thing, object })
    }
}

/// A path without its query.
pub(super) fn without_query(path: &str) -> &str {
    path.split_once('?').map_or(path, |(path, _)| path)
}

type Members<'a> = HashMap<String, &'a RawValue>;

/// An answer, opened as far as things are shown in one.
struct Answer<'a> {
    whole: Option<&'a RawValue>,
    members: Option<Members<'a>>,
}

impl<'a> Answer<'a> {
    fn of(body: &'a str) -> Self {
        let whole: Option<&RawValue> = serde_json::from_str(body).ok();
        let members = whole.and_then(members);
        Self { whole, members }
    }

    /// The texts of the objects at a pointer: the elements of an array, or the one object there. It is the answer itself, a member
    /// of it, or one behind a wrapper that is all there is.
    fn objects(&self, pointer: &str) -> Option<Vec<&'a str>> {
        let text = self.at(pointer)?.get();
        if text.starts_with('{') {
            return Some(vec![text]);
        }
        let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
        let texts = elements.into_iter().map(RawValue::get);
        texts.map(|it| it.starts_with('{').then_some(it)).collect()
    }

    /// The one object of an answer, bare or in a wrapper. What stands among other members is not all that is there.
    fn only_object(&self, pointer: &str) -> Option<&'a str> {
        let is_wrapped = self.members.as_ref()?.len() == 1 && pointer.matches('/').count() == 1;
        let text = self
            .at(pointer)
            .filter(|_| pointer.is_empty() || is_wrapped)?;
        Some(text.get()).filter(|text| text.starts_with('{'))
    }

    fn at(&self, pointer: &str) -> Option<&'a RawValue> {
        if pointer.is_empty() {
            return self.whole;
        }
        let step = pointer.strip_prefix('/')?;
        let outer = self.members.as_ref()?;
        match step.split_once('/') {
            None => outer.get(step).copied(),
            Some((wrapper, step)) if outer.len() == 1 => {
                let inner = members(outer.get(wrapper)?)?;
                inner.get(step).copied()
            }
            Some(_) => None,
        }
    }
}

fn members(object: &RawValue) -> Option<Members<'_>> {
    serde_json::from_str(object.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{Effects, Fields, Reach, Template};

    fn objects_at<'a>(body: &'a str, pointer: &str) -> Option<Vec<&'a str>> {
        Answer::of(body).objects(pointer)
    }

    #[test]
    fn objects_are_found_as_the_api_gave_them() {
        let body = r#"{"ports": [{"id":"a", "x": 1.0}, {"id":"b"}], "port": {"id":"c"}, "n": 1, "mixed": [{}, 2]}"#;
        assert_eq!(
            objects_at(body, "/ports").unwrap(),
            [r#"{"id":"a", "x": 1.0}"#, r#"{"id":"b"}"#]
        );
        assert_eq!(objects_at(body, "/port").unwrap(), [r#"{"id":"c"}"#]);
        assert_eq!(
            objects_at(r#"[{"name":"c1"}]"#, "").unwrap(),
            [r#"{"name":"c1"}"#]
        );
        for pointer in ["/nothing", "/n", "/mixed", "ports", "/ports/0"] {
            assert!(objects_at(body, pointer).is_none(), "{pointer}");
        }
        assert!(objects_at("<html>", "").is_none());
    }

    #[test]
    fn what_a_thing_mentions_is_no_thing() {
        const DEEP: &str = r#"{"image": {"id": "a", "base": {"id": "b"}}, "next": "/x"}"#;
        const WRAPPED: &str = r#"{"data": {"images": [{"id": "a", "bases": [{"id": "b"}]}]}}"#;
        for (body, at, is_shown) in [
            (DEEP, "/image", true),
            (DEEP, "/image/base", false),
            (WRAPPED, "/data/images", true),
            (WRAPPED, "/data", true),
            (WRAPPED, "/data/images/0", false),
            (WRAPPED, "/data/images/0/bases", false),
        ] {
            assert_eq!(objects_at(body, at).is_some(), is_shown, "{body} {at}");
        }
    }

    #[test]
    fn the_one_thing_is_all_that_an_answer_has() {
        for (body, at, is_shown) in [
            (r#"{"quota": {"cores": 1}}"#, "/quota", true),
            (r#"{"cores": 1}"#, "", true),
            (r#"{"quota": {"cores": 1}, "other": {}}"#, "/quota", false),
            (r#"{"quota": {"inner": {}}}"#, "/quota/inner", false),
            (r#"{"quota": [{}]}"#, "/quota", false),
            (r"[{}]", "", false),
        ] {
            let only = Answer::of(body).only_object(at);
            assert_eq!(only.is_some(), is_shown, "{body} {at}");
        }
    }

    fn flaw(body: &str, query: &str, slices: &[&str]) -> Option<String> {
        let kind = Kind {
            name: "network.port".into(),
            service: "network".to_owned(),
            reach: Reach::Projects,
            fields: Fields {
                id: "/id".to_owned(),
                project: "/project_id".to_owned(),
                ..Fields::default()
            },
            owners: Vec::new(),
            after: Vec::new(),
            requests: vec![Template::parse("DELETE /v2.0/ports/{id}").unwrap()],
            reads: Vec::new(),
            sees: Vec::new(),
            failed_states: Vec::new(),
            effects: Effects::default(),
        };
        let relayed = [Relayed {
            path: format!("/v2.0/ports{query}"),
            body: body.to_owned(),
        }];
        let slices = slices.iter().map(|at| (0, *at));
        let read = read(&kind, None, slices, &relayed, &Limits::default());
        read.err().map(|flaw| flaw.to_string())
    }

    #[test]
    fn slices_lie_apart() {
        let body = r#"{"id": "a", "ports": [{"id": "b"}], "more": [{"id": "c"}]}"#;
        assert_eq!(flaw(body, "", &["/ports", "/more"]), None);
        for slices in [&["/ports", "/ports"][..], &["", "/ports"], &["/ports", ""]] {
            let flaw = flaw(body, "", slices).unwrap();
            assert!(flaw.contains("points twice"), "{slices:?}: {flaw}");
        }
    }

    /// Comparing two of these, prefix by prefix, would take the runner an hour.
    #[test]
    fn a_pointer_without_end_is_no_place() {
        let slashes = "/".repeat(5_000_000);
        let long = format!("{slashes}a");
        let begin = std::time::Instant::now();
        for slices in [&[&*slashes, &*long][..], &["/ports", &"x".repeat(1 << 20)]] {
            let flaw = flaw(r#"{"ports": []}"#, "", slices).unwrap();
            assert!(flaw.contains("has no objects at"), "{flaw}");
            assert!(flaw.len() < 1_000, "{} bytes", flaw.len());
        }
        assert!(begin.elapsed() < std::time::Duration::from_secs(5));
    }

    #[test]
    fn what_was_not_asked_for_does_not_pass_for_absent() {
        let body = r#"{"ports": [{"id": "a"}]}"#;
        for (query, words) in [
            ("?limit=2", None),
            ("?fields=id", Some("not for \"project_id\"")),
            (
                "?fields=id&fields=project_id",
                Some("without \"project_id\""),
            ),
            ("?fields=id,project_id", Some("may read otherwise")),
        ] {
            let flaw = flaw(body, query, &["/ports"]);
            let says = words.is_none_or(|words| flaw.as_ref().is_some_and(|it| it.contains(words)));
            assert!(
                says && flaw.is_some() == words.is_some(),
                "{query}: {flaw:?}"
            );
        }
    }

    #[test]
    fn an_object_that_cannot_be_read_is_named() {
        let answer = r#"{"ports": [{"id": "a"}, {"id": "b", "x": 1e999}]}"#;
        let body = crate::resource::secrets::without_secrets(answer.to_owned());
        let flaw = flaw(&body, "", &["/ports"]).unwrap();
        let words =
            "cannot be read: number out of range at line 1 column 22, in what calls itself \"b\"";
        assert!(flaw.contains(words), "{flaw}");
    }

    /// Anybody may call his metadata so.
    #[test]
    fn an_object_that_says_so_itself_can_be_read() {
        let body = r#"{"ports": [{"id": "a", "metadata": {"runner:unreadable": "b: too deep"}}]}"#;
        assert_eq!(flaw(body, "", &["/ports"]), None);
    }
}
