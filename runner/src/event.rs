//! What happens in a sweep, as typed events. The engine says what happened; tables, progress and logs are mere listeners.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::resource::ThingRef;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    /// A phase begins.
    Phase {
        /// Which.
        phase: Phase,
    },
    /// A page of a listing has arrived.
    Listed {
        /// Kind that was listed.
        kind: Arc<str>,
        /// Things on the page.
        things: usize,
    },
    /// A listing failed: nobody can say what of this kind is there.
    ListingFailed {
        /// Kind that was listed.
        kind: Arc<str>,
        /// What the listing covered.
        scope: String,
        /// Why.
        why: String,
    },
    /// A kind is left out, for a reason that is no failure.
    KindSkipped {
        /// Which.
        kind: Arc<str>,
        /// Why.
        why: String,
    },
    /// A plan was made.
    Planned {
        /// Things found.
        found: usize,
        /// Things to be deleted.
        matched: usize,
        /// Of these, things that cannot go.
        blocked: usize,
    },
    /// The cloud was asked to delete a thing.
    Asked {
        /// Which.
        thing: ThingRef,
        /// Which attempt this is, from 1.
        attempt: u32,
    },
    /// Something stands in the way of a thing; it will be tried again.
    InTheWay {
        /// Which.
        thing: ThingRef,
        /// What was answered.
        why: String,
    },
    /// A thing is gone.
    Gone {
        /// Which.
        thing: ThingRef,
    },
    /// A thing will not go.
    Failed {
        /// Which.
        thing: ThingRef,
        /// Why.
        why: String,
    },
}

/// The phases of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Everything is listed.
    Survey,
    /// The plan is executed.
    Purge,
    /// Everything is listed again.
    Verify,
}

/// An event, with the run that it happened in and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dated {
    /// The run.
    pub run: Arc<str>,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Listens to events. Called from many tasks; it must not block.
pub trait Listener: Send + Sync {
    /// Takes note of an event.
    fn notice(&self, event: &Event);
}

/// Takes the events of runs, dated: a progress bar, a log, a stream. Called from many tasks; it must not block.
pub trait Sink: Send + Sync {
    /// Takes note of an event.
    fn take(&self, dated: &Dated);
}

/// Listens to nothing.
impl Listener for () {
    fn notice(&self, _event: &Event) {}
}
