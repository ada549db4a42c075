//! What happens in a sweep, as typed events. The engine says what happened; tables, progress and logs are mere listeners.
//!
//! The events of a run tell all that its figures are made of: whoever has them, from a file or on the way, has what the report counts
//! ([`Tally`]).

mod tally;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::resource::ThingRef;

pub use tally::Tally;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
#[non_exhaustive]
pub enum Event {
    /// A phase begins.
    Phase {
        /// Which.
        phase: Phase,
    },
    /// A kind is about to be listed.
    ListingBegun {
        /// Kind that is listed.
        kind: Arc<str>,
        /// What the listing covers.
        scope: String,
    },
    /// A listing has come to its end, or has failed.
    ListingEnded {
        /// Kind that was listed.
        kind: Arc<str>,
        /// What the listing covered.
        scope: String,
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
    /// Something of the cloud is looked at by nobody.
    Unlooked {
        /// The service, with region and interface where these tell it from another.
        what: String,
        /// Why.
        why: String,
        /// Whether the run cannot call the cloud clean because of it.
        is_failure: bool,
    },
    /// A plan was made. Where there are several, as of a saved plan that is laid over a fresh look, the last one counts.
    Planned {
        /// Things found.
        found: usize,
        /// Things to be deleted.
        matched: usize,
        /// Of these, things that cannot go.
        blocked: usize,
        /// Things kept, by reason.
        kept: BTreeMap<String, usize>,
    },
    /// A thing of the plan that counts.
    Matched {
        /// Which.
        thing: ThingRef,
        /// Its name, if it has one.
        name: Option<String>,
        /// Its project, if it has one.
        project: Option<Arc<str>>,
        /// Why it is to go.
        why: String,
        /// Why it cannot, if it cannot.
        blocked: Option<String>,
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
        /// What came of it.
        ending: Ending,
        /// Why.
        why: String,
    },
    /// A thing was said not to go, and the last look did not show it.
    GoneAfterAll {
        /// Which.
        thing: ThingRef,
        /// What was said of it.
        instead_of: Ending,
    },
    /// A thing was said to be gone, and the last look has shown it.
    ThereAfterAll {
        /// Which.
        thing: ThingRef,
        /// Why it counts as failed.
        why: String,
    },
    /// A thing should be gone, and the last look has shown it.
    Left {
        /// Which.
        thing: ThingRef,
        /// Its name, if it has one.
        name: Option<String>,
        /// Why.
        why: String,
    },
    /// The run is over. The last event of all.
    Ended {
        /// The code that the process ends with.
        exit_code: u8,
        /// Whether it was ended from outside.
        interrupted: bool,
        /// Why nothing was changed, or why the records of the run are not whole.
        error: Option<String>,
        /// Requests sent to the cloud, of all kinds, retries included.
        requests: u64,
        /// Time taken, in milliseconds.
        ms: u64,
    },
}

/// How a thing ended that has not gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// It could not be deleted.
    Failed,
    /// It was not tried, or the run was over before it was seen to go.
    Abandoned,
    /// It was not tried: something that is kept stands in the way.
    Blocked,
    /// The cloud has said that it would delete it, and nobody has seen that.
    Asked,
}

/// The phases of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Everything is listed.
    Survey,
    /// The plan is executed.
    Purge,
    /// Everything is listed again.
    Verify,
}

impl Phase {
    /// Its name, as people are told it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Survey => "survey",
            Self::Purge => "purge",
            Self::Verify => "verify",
        }
    }
}

/// An event, with the run that it happened in and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
