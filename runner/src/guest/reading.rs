//! From what a rule points at to things: the runner reads the objects of a page itself, out of the responses that it relayed in
//! the very same call. A rule has no way to hand over an object that no response held.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::value::RawValue;

pub use super::capability::Relayed;
use super::limits::Limits;
use crate::resource::{Flaw, Kind, Thing, ThingRef};

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
    /// Neither an object nor an array of objects.
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
    /// More things than allowed.
    #[error("page_things_max = {0}")]
    TooMany(usize),
    /// More slices than responses could be.
    #[error("requests_max = {0}, with more slices than that in a page")]
    TooManySlices(u32),
    /// The same objects twice.
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
            Self::NoObjects { .. } | Self::TooMany(_) | Self::TooManySlices(_) => false,
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
    let mut places = BTreeSet::new();
    let mut things = Vec::new();
    for (number, at) in slices {
        let response = usize::try_from(number).ok().and_then(|it| relayed.get(it));
        let response = response.ok_or(PageFlaw::NoResponse(number))?;
        let no_objects = || PageFlaw::NoObjects {
            path: response.path.clone(),
            at: at.to_owned(),
        };
        if !places.insert((number, at)) {
            return Err(PageFlaw::Twice {
                path: response.path.clone(),
                at: at.to_owned(),
            });
        }
        let objects = objects_at(&response.body, at).ok_or_else(no_objects)?;
        if things.len() + objects.len() > limits.page_things_max {
            return Err(PageFlaw::TooMany(limits.page_things_max));
        }
        for text in objects {
            let object: Value = serde_json::from_str(text).map_err(|_| no_objects())?;
            let thing = kind.read(text, &object, parent, &response.path)?;
            things.push(Read { thing, object });
        }
    }
    Ok(things)
}

/// The texts of the objects at a pointer: the elements of an array, or the one object there.
fn objects_at<'a>(body: &'a str, pointer: &str) -> Option<Vec<&'a str>> {
    let mut found: &'a RawValue = serde_json::from_str(body).ok()?;
    if !pointer.is_empty() {
        for step in pointer.strip_prefix('/')?.split('/') {
            let members: std::collections::HashMap<String, &RawValue> =
                serde_json::from_str(found.get()).ok()?;
            found = members.get(step).copied()?;
        }
    }
    let text = found.get();
    match text.as_bytes().first()? {
        b'[' => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            elements
                .into_iter()
                .map(|element| element.get())
                .map(|it| it.starts_with('{').then_some(it))
                .collect()
        }
        b'{' => Some(vec![text]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
