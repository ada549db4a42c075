//! Recording a case: the rule lists a real cloud, and everything that it asked and was shown is taken down.

use std::sync::Arc;

use crate::guest::{Guest, Recorder};
use crate::resource::{Kind, ListScope, Thing};

use super::exchange::RecordedExchange;
use super::play::{delete, list};
use super::{Case, FoundThing};

/// Where and what to record.
pub struct Recording<'a> {
    /// The rule at work, taken down by `recorder`.
    pub guest: &'a Guest,
    /// Who takes it down.
    pub recorder: &'a Recorder,
    /// URLs of endpoints without a slash at the end, each with what stands in the recording instead.
    pub endpoints: &'a [(String, String)],
}

/// Lists a kind, deletes the things that `is_doomed` picks, and makes a case of it.
pub async fn record(
    recording: &Recording<'_>,
    kind: &Arc<Kind>,
    scope: &ListScope,
    is_doomed: impl Fn(&Thing) -> bool,
) -> Case {
    let Recording {
        guest, recorder, ..
    } = recording;
    let (mut things, mut error) = (Vec::new(), None);
    match list(guest, kind, scope).await {
        Ok(listed) => {
            for seen in &listed {
                let mut thing = FoundThing::from(seen);
                if is_doomed(&seen.thing) {
                    thing.delete = Some(delete(guest, kind, seen).await);
                }
                things.push(thing);
            }
        }
        Err(cause) => error = Some(cause.to_string()),
    }
    let taken = recorder.take();
    let exchanges = taken.iter().filter_map(|exchange| {
        let mut exchange = exchange.clone();
        if let Ok(response) = &mut exchange.outcome {
            response.body = recording.without_hosts(&response.body);
            for (_, value) in &mut response.headers {
                *value = recording.without_hosts(value);
            }
        }
        RecordedExchange::of(&exchange, &kind.service)
    });
    Case {
        kind: kind.name.to_string(),
        written_after: None,
        scope: scope.into(),
        exchanges: exchanges.collect(),
        things,
        error,
    }
}

impl Recording<'_> {
    fn without_hosts(&self, text: &str) -> String {
        let endpoints = self.endpoints.iter();
        endpoints.fold(text.to_owned(), |text, (url, recorded)| {
            text.replace(url, recorded)
        })
    }
}
