//! Which members of a thing its rule sees: those that its kind declares, as soon as it declares that it needs any.
//!
//! The runner itself reads the whole object. What a rule is shown is cut out of the answer's own text, along the declared pointers
//! and nowhere else: what stands at one of them stands there to the letter, and of the rest not a byte is left.
//!
//! | an answer | shows |
//! |---|---|
//! | with the kind's id in its place | the thing: its declared members |
//! | of a kind without ids | the one thing, bare or in a lone wrapper |
//! | any other object | its objects, and those in its arrays, as things; what leads to the next page; what it says itself at a declared pointer |
//! | an array | its objects, as things |
//!
//! An array that holds anything but objects is left out rather than emptied: nobody shall take it for one with nothing in it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::{RawValue, Value};

use super::{Kind, Template};

/// Members beside a listing's objects by which a rule finds the next page, or sees that something is missing. In lower case, without
/// `_` and `-`.
const PAGING: &[&str] = &[
    "continuation",
    "continuationtoken",
    "count",
    "cursor",
    "first",
    "hasmore",
    "last",
    "limit",
    "marker",
    "more",
    "next",
    "nextcursor",
    "nextmarker",
    "nextpage",
    "nextpagetoken",
    "offset",
    "page",
    "pages",
    "perpage",
    "prev",
    "previous",
    "self",
    "total",
    "totalcount",
    "totalpages",
    "truncated",
];

/// What a link in a list of links holds.
const LINK: [&str; 2] = ["href", "rel"];

/// A JSON pointer (RFC 6901) to a member that a rule needs, with all that stands there. `*` stands for each element of an array.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemberPointer(String);

/// Why a text is no such pointer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a valid pointer to a member: expected /member, with further /members or /* behind it, and `~0` for `~`, `~1` for `/` in a name"
)]
pub struct MemberPointerError(String);

impl MemberPointer {
    /// Reads a declared pointer.
    ///
    /// # Errors
    /// If it is not of the form `/parts/*/size`. It begins with a member, for a thing is no array.
    pub fn parse(text: &str) -> Result<Self, MemberPointerError> {
        let is_escaped = |step: &str| {
            let mut behind = step.split('~').skip(1);
            behind.all(|it| it.starts_with(['0', '1']))
        };
        let is_step = |step: &str| !step.is_empty() && is_escaped(step);
        let steps = text.strip_prefix('/').unwrap_or_default();
        let has_member = steps.split('/').next() != Some("*");
        match steps.split('/').all(is_step) && has_member {
            true => Ok(Self(text.to_owned())),
            false => Err(MemberPointerError(text.to_owned())),
        }
    }
}

impl fmt::Display for MemberPointer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl AsRef<str> for MemberPointer {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Kind {
    /// The pointers to all that its rule sees of a thing: what the declaration names anyhow, and what it `sees`. `None`: it declares
    /// nothing of the sort, and sees all.
    pub fn seen_members(&self) -> Option<BTreeSet<String>> {
        if self.sees.is_empty() {
            return None;
        }
        let named = self.pointers().into_iter().map(str::to_owned);
        let filled_in = self.requests.iter().flat_map(Template::pointers);
        let beside = self.effects.takes.iter().filter_map(|taken| {
            let (around, _) = taken.at.rsplit_once('/')?;
            let member = taken.only_where.as_ref()?;
            let member = member.replace('~', "~0").replace('/', "~1");
            Some(format!("{around}/{member}"))
        });
        let pointers = named.chain(filled_in).chain(beside);
        Some(pointers.filter(|it| it.starts_with('/')).collect())
    }

    /// What its rule sees of its things.
    pub fn view(&self) -> View {
        View(self.seen_members().map(|pointers| Members {
            id: self.fields.id.clone(),
            at: pointers.iter().map(String::as_str).collect(),
        }))
    }
}

/// What a rule sees of things of one kind, and of answers in calls about that kind.
#[derive(Clone, Debug)]
pub struct View(Option<Members>);

#[derive(Clone, Debug)]
struct Members {
    /// Where the id stands. Empty: the kind has one thing under each parent.
    id: String,
    at: Place,
}

impl View {
    /// Of a thing's object.
    pub fn of_thing(&self, object: &str) -> String {
        let Some(members) = &self.0 else {
            return object.to_owned();
        };
        members.of_thing(object)
    }

    /// Of an answer. One that cannot be read is not shown.
    pub fn of_answer(&self, body: String) -> String {
        let Some(members) = &self.0 else {
            return body;
        };
        let whole: Result<&RawValue, _> = serde_json::from_str(&body);
        let whole = whole.map(RawValue::get).unwrap_or_default();
        let shown = match whole.bytes().next() {
            Some(b'[') => members.of_list(whole),
            Some(b'{') => Some(members.of_object(whole)),
            _ => None,
        };
        shown.unwrap_or_default()
    }
}

impl Members {
    fn of_thing(&self, object: &str) -> String {
        cut(&[&self.at], object).unwrap_or_default()
    }

    /// Of an array of things. `None`: it is none.
    fn of_list(&self, array: &str) -> Option<String> {
        let things = elements(array)?;
        let things = things
            .iter()
            .map(|it| is_object(it.get()).then(|| self.of_thing(it.get())));
        let things: Option<Vec<String>> = things.collect();
        Some(array_of(&things?))
    }

    fn of_object(&self, object: &str) -> String {
        if self.id.is_empty() {
            return self.of_the_one_thing(object);
        }
        match self.is_thing(object) {
            true => self.of_thing(object),
            false => self.of_envelope(object, true),
        }
    }

    fn is_thing(&self, object: &str) -> bool {
        is_there(object, &self.id)
    }

    fn of_the_one_thing(&self, object: &str) -> String {
        match members(object).as_deref() {
            Some([(wrapper, thing)])
                if is_object(thing.get()) && !self.at.members.contains_key(wrapper) =>
            {
                object_of([(wrapper.as_str(), self.of_thing(thing.get()))])
            }
            _ => self.of_thing(object),
        }
    }

    /// Of what stands around things. A wrapper that is all there is may hold one more. Of an object that shows nothing the name goes
    /// too: it may be somebody's word.
    fn of_envelope(&self, object: &str, is_outermost: bool) -> String {
        let members = members(object).unwrap_or_default();
        let is_wrapper = is_outermost && members.len() == 1;
        let shown = members.iter().filter_map(|(name, value)| {
            let value = value.get();
            let shown = match value.bytes().next()? {
                b'[' => links_in(name, value).or_else(|| self.of_list(value)),
                b'{' if is_wrapper && !self.is_thing(value) => Some(self.of_envelope(value, false)),
                b'{' => links_by_name(name, value).or_else(|| Some(self.of_thing(value))),
                _ if is_paging(name) || self.at.is_whole_at(name) => Some(value.to_owned()),
                _ => None,
            };
            let shown = shown.filter(|it| it != "{}")?;
            Some((name.as_str(), shown))
        });
        object_of(shown)
    }
}

/// Where declared pointers lead, step by step.
#[derive(Clone, Debug, Default)]
struct Place {
    /// All that stands here was declared.
    is_whole: bool,
    members: BTreeMap<String, Place>,
    /// Each element of an array.
    elements: Option<Box<Place>>,
}

impl Place {
    fn add(&mut self, pointer: &str) {
        if !pointer.starts_with('/') {
            return;
        }
        let mut place = self;
        for step in steps(pointer) {
            place = match step.as_str() {
                "*" => place.elements.get_or_insert_default(),
                _ => place.members.entry(step).or_default(),
            };
        }
        place.is_whole = true;
    }

    fn is_whole_at(&self, member: &str) -> bool {
        self.members.get(member).is_some_and(|it| it.is_whole)
    }
}

impl<'a> FromIterator<&'a str> for Place {
    fn from_iter<T: IntoIterator<Item = &'a str>>(pointers: T) -> Self {
        let mut place = Self::default();
        for pointer in pointers {
            place.add(pointer);
        }
        place
    }
}

fn steps(pointer: &str) -> impl Iterator<Item = String> {
    let steps = pointer.split('/').skip(1);
    steps.map(|step| step.replace("~1", "/").replace("~0", "~"))
}

/// What of a value stands at these places, or on the way to them. `None`: nothing can.
fn cut(places: &[&Place], value: &str) -> Option<String> {
    if places.is_empty() {
        return None;
    }
    if places.iter().any(|it| it.is_whole) {
        return Some(value.to_owned());
    }
    match value.bytes().next()? {
        b'{' => {
            let members = members(value)?;
            let shown = members.iter().filter_map(|(name, value)| {
                let places = led_to(places, name);
                Some((name.as_str(), cut(&places, value.get())?))
            });
            Some(object_of(shown))
        }
        b'[' => {
            let each = || places.iter().filter_map(|it| it.elements.as_deref());
            let elements = elements(value)?.into_iter().enumerate();
            let shown = elements.map(|(position, element)| {
                // A pointer may also name one element by its number.
                let number = position.to_string();
                let mut places = led_to(places, &number);
                places.extend(each());
                cut(&places, element.get()).unwrap_or_else(|| "null".to_owned())
            });
            Some(array_of(&shown.collect::<Vec<_>>()))
        }
        _ => None,
    }
}

/// Where these places lead by a member's name.
fn led_to<'a>(places: &[&'a Place], name: &str) -> Vec<&'a Place> {
    let inner = places.iter().filter_map(|it| it.members.get(name));
    inner.collect()
}

/// The links in a list of nothing else.
fn links_in(name: &str, array: &str) -> Option<String> {
    let link = |link: &&RawValue| {
        let members = members(link.get()).filter(|it| !it.is_empty())?;
        let mut parts = members.iter();
        let is_link = parts.all(|(name, value)| LINK.contains(&&**name) && is_scalar(value.get()));
        let parts = members.iter();
        let parts = parts.map(|(name, value)| (name.as_str(), value.get().to_owned()));
        is_link.then(|| object_of(parts))
    };
    let links = elements(array).filter(|_| is_called_links(name))?;
    let links: Option<Vec<String>> = links.iter().map(link).collect();
    Some(array_of(&links?))
}

/// The links in an object that holds one under each name.
fn links_by_name(name: &str, object: &str) -> Option<String> {
    let links = members(object).filter(|_| is_called_links(name))?;
    let are_links = links.iter().all(|(_, value)| is_scalar(value.get()));
    let links = links.iter().filter(|(name, _)| is_paging(name));
    let links = links.map(|(name, value)| (name.as_str(), value.get().to_owned()));
    are_links.then(|| object_of(links))
}

fn is_called_links(name: &str) -> bool {
    name == "links" || name.ends_with("_links")
}

fn is_paging(name: &str) -> bool {
    let name = name.replace(['_', '-'], "").to_ascii_lowercase();
    PAGING.contains(&name.as_str())
}

fn is_object(value: &str) -> bool {
    value.starts_with('{')
}

fn is_scalar(value: &str) -> bool {
    !value.starts_with(['{', '['])
}

/// Whether anything stands at a pointer.
fn is_there(value: &str, pointer: &str) -> bool {
    let mut value = value;
    for step in steps(pointer) {
        let inner = members(value).unwrap_or_default();
        let inner = inner.into_iter().find(|(name, _)| *name == step);
        match inner {
            Some((_, inner)) => value = inner.get(),
            None => return false,
        }
    }
    true
}

fn elements(array: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(array).ok()
}

/// An object's members in their order. Of one that is in it twice the last one counts, as for everybody else.
fn members(object: &str) -> Option<Vec<(String, &RawValue)>> {
    let Ordered(members) = serde_json::from_str(object).ok()?;
    Some(members)
}

struct Ordered<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Ordered<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Ordered<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(String, &RawValue)> = Vec::new();
                let mut places: HashMap<String, usize> = HashMap::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    match places.get(&name).and_then(|place| members.get_mut(*place)) {
                        Some((_, earlier)) => *earlier = value,
                        None => {
                            places.insert(name.clone(), members.len());
                            members.push((name, value));
                        }
                    }
                }
                Ok(Ordered(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

fn object_of<'a>(members: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let members = members.into_iter();
    let members = members.map(|(name, value)| format!("{}:{value}", Value::from(name)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn array_of(elements: &[String]) -> String {
    format!("[{}]", elements.join(","))
}

#[cfg(test)]
mod tests;
