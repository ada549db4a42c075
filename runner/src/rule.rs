//! The seam between the engine and whatever knows a kind of resource: a sandboxed component, or a script in a test.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::resource::{Kind, ListScope, Seen, Thing, ThingRef};

/// A page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The things on it, with all that their rule says about them.
    pub things: Vec<Seen>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// Where a listing that does not end is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListingLimits {
    /// Pages of one listing.
    pub pages_max: usize,
    /// Things of one listing.
    pub things_max: usize,
    /// Bytes of all owners and steps of one listing.
    pub relation_bytes_max: usize,
}

/// What came of a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is gone.
    Gone,
    /// The cloud has begun to delete it.
    Accepted,
    /// Other things stand in the way, those named if known.
    Blocked(Vec<ThingRef>),
    /// It will not go, for this reason.
    Refused(String),
}

/// Why a rule's call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The thing does not exist.
    NotFound,
    /// The cloud refused because of the thing's state or of what depends on it.
    Conflict(String),
    /// The credentials do not suffice.
    Denied(String),
    /// Too many requests, retries included.
    Throttled(String),
    /// No answer, or a server error, retries included.
    Unavailable(String),
    /// The answer is not what the API is documented to send.
    Malformed(String),
    /// What the rule said, which fits no other case.
    Other(String),
    /// The rule crashed. The text is its own last words, where it left any.
    Crashed(String),
    /// The rule used up a limit: the limit's name and value.
    Limit(String),
    /// The rule said or asked for something that it must not: it lied, or it sent a request that nobody approved.
    Misbehaved(String),
    /// The rule was switched off.
    Off(String),
}

/// A failed call of a rule: which rule, which function, about what, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule}, {function} of {about}: {cause}")]
pub struct RuleError {
    /// The component's name.
    pub rule: Arc<str>,
    /// The function of the contract.
    pub function: &'static str,
    /// The kind or the thing.
    pub about: String,
    /// What happened.
    pub cause: Cause,
    /// Whether a request that changes something may have left before it failed.
    pub has_asked: bool,
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => formatter.write_str("not found"),
            Self::Conflict(text) => write!(formatter, "conflict: {text}"),
            Self::Denied(text) => write!(formatter, "denied: {text}"),
            Self::Throttled(text) => write!(formatter, "throttled: {text}"),
            Self::Unavailable(text) => write!(formatter, "unavailable: {text}"),
            Self::Malformed(text) => write!(formatter, "malformed answer: {text}"),
            Self::Other(text) => formatter.write_str(text),
            Self::Crashed(text) => write!(formatter, "the rule crashed: {text}"),
            Self::Limit(text) => write!(formatter, "the rule used up {text}"),
            Self::Misbehaved(text) => write!(formatter, "the rule misbehaved: {text}"),
            Self::Off(text) => write!(formatter, "the rule is switched off: {text}"),
        }
    }
}

/// Whatever lists, names and deletes the things of some kinds.
///
/// Calls may run side by side. Dropping a future abandons the call; a request that has left is not taken back.
pub trait Rule: Send + Sync {
    /// Its name, for people.
    fn name(&self) -> &Arc<str>;

    /// Its kinds.
    fn kinds(&self) -> &[Arc<Kind>];

    /// How long its listings may be.
    fn listing_limits(&self) -> ListingLimits;

    /// One page of a kind's things.
    fn list(
        &self,
        kind: &Arc<Kind>,
        scope: &ListScope,
        cursor: Option<String>,
    ) -> impl Future<Output = Result<Page, RuleError>> + Send;

    /// Deletes a thing.
    fn delete(
        &self,
        kind: &Arc<Kind>,
        thing: &Thing,
    ) -> impl Future<Output = Result<Outcome, RuleError>> + Send;

    /// Whether things of this kind can be deleted against resistance.
    fn can_force(&self, kind: &Kind) -> bool;

    /// Deletes a thing that `delete` could not: resets its state, takes its protection off.
    fn force(
        &self,
        kind: &Arc<Kind>,
        thing: &Thing,
    ) -> impl Future<Output = Result<Outcome, RuleError>> + Send;

    /// Whether a deleted thing that is still listed counts as gone.
    fn is_gone(
        &self,
        kind: &Arc<Kind>,
        thing: &Thing,
    ) -> impl Future<Output = Result<bool, RuleError>> + Send;
}
