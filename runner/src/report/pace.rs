//! How far a run is and what it waits for, in a line, as its events tell it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use tokio::time::Instant;

use crate::event::{Event, Phase, Tally};
use crate::resource::ThingRef;

/// How far a run is. Time is tokio's, which tests pause.
#[derive(Debug, Default)]
pub(super) struct Pace {
    phase: Option<(Phase, Instant)>,
    tally: Tally,
    /// Things on the pages of this phase.
    seen: usize,
    /// Listings under way, by kind.
    listings: BTreeMap<Arc<str>, usize>,
    /// Things that the cloud was asked to delete and of which nobody knows yet what came of it.
    asked: BTreeSet<ThingRef>,
}

impl Pace {
    pub(super) fn take(&mut self, event: &Event) {
        self.tally.take(event);
        match event {
            Event::Phase { phase } => {
                self.phase = Some((*phase, Instant::now()));
                self.seen = 0;
                self.asked.clear();
            }
            Event::Listed { things, .. } => self.seen += things,
            Event::ListingBegun { kind, .. } => {
                *self.listings.entry(kind.clone()).or_default() += 1;
            }
            Event::ListingEnded { kind, .. } => {
                if let Some(under_way) = self.listings.get_mut(kind) {
                    *under_way = under_way.saturating_sub(1);
                }
            }
            Event::Asked { thing, .. } => {
                self.asked.insert(thing.clone());
            }
            Event::Gone { thing } | Event::Failed { thing, .. } => {
                self.asked.remove(thing);
            }
            _ => {}
        }
    }

    /// Phase, figures, rate, time left, and what is waited for most. `None`: nothing has begun.
    pub(super) fn line(&self) -> Option<String> {
        let (phase, since) = self.phase?;
        let seconds = since.elapsed().as_secs();
        let tally = &self.tally;
        let mut line = format!("{}, {seconds} s: ", phase.as_str());
        let _ = match phase {
            Phase::Survey => write!(line, "{} things found", self.seen),
            Phase::Purge => write!(
                line,
                "{} of {} deleted, {} waiting, {} failed{}",
                tally.deleted,
                tally.matched,
                tally.open(),
                tally.failed,
                self.rate(seconds)
            ),
            Phase::Verify => write!(line, "{} deleted, {} failed", tally.deleted, tally.failed),
        };
        if !tally.unlisted.is_empty() {
            let _ = write!(line, ", {} listings failed", tally.unlisted.len());
        }
        if let Some(most) = self.waits_for() {
            let _ = write!(line, "; waits for {most}");
        }
        Some(line)
    }

    /// What is waited for: deletions in a purge, else listings; and of which kind most.
    pub(super) fn waits_for(&self) -> Option<String> {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        let mut what = "deletion";
        for thing in &self.asked {
            *kinds.entry(&thing.kind).or_default() += 1;
        }
        if kinds.is_empty() {
            what = "listing";
            let under_way = self.listings.iter().filter(|(_, count)| **count > 0);
            kinds = under_way.map(|(kind, count)| (&**kind, *count)).collect();
        }
        let all: usize = kinds.values().sum();
        // Of several the first by name, so that the line does not jump.
        let (kind, count) = kinds.into_iter().rev().max_by_key(|(_, count)| *count)?;
        Some(match all {
            1 => format!("a {what} of {kind}"),
            _ => format!("{all} {what}s, most of them {kind} ({count})"),
        })
    }

    /// How many go a minute, and how long the rest takes at that.
    fn rate(&self, seconds: u64) -> String {
        let deleted = u64::try_from(self.tally.deleted).unwrap_or(u64::MAX);
        let open = u64::try_from(self.tally.open()).unwrap_or(u64::MAX);
        if deleted == 0 || seconds == 0 {
            return String::new();
        }
        let a_minute = deleted.saturating_mul(60) / seconds;
        let left = open.saturating_mul(seconds) / deleted;
        format!(", {a_minute} a minute, about {left} s left")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::Ending;

    fn thing(id: &str) -> ThingRef {
        ThingRef::new("network.port", id)
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_says_phase_figures_and_what_is_waited_for() {
        let mut pace = Pace::default();
        assert_eq!(pace.line(), None);
        let phase = Phase::Survey;
        pace.take(&Event::Phase { phase });
        let (a, b): (Arc<str>, Arc<str>) = ("a.x".into(), "b.y".into());
        let scope = || "everywhere".to_owned();
        for kind in [&a, &b, &b] {
            let kind = kind.clone();
            pace.take(&Event::ListingBegun {
                kind,
                scope: scope(),
            });
        }
        pace.take(&Event::Listed {
            kind: b.clone(),
            things: 7,
        });
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(
            pace.line().unwrap(),
            "survey, 30 s: 7 things found; waits for 3 listings, most of them b.y (2)"
        );
        pace.take(&Event::ListingEnded {
            kind: a,
            scope: scope(),
        });
        assert_eq!(
            pace.waits_for().unwrap(),
            "2 listings, most of them b.y (2)"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_purge_has_a_rate() {
        let mut pace = Pace::default();
        pace.take(&Event::Planned {
            found: 20,
            matched: 10,
            blocked: 1,
            kept: BTreeMap::new(),
        });
        let phase = Phase::Purge;
        pace.take(&Event::Phase { phase });
        for id in ["1", "2", "3", "4"] {
            pace.take(&Event::Asked {
                thing: thing(id),
                attempt: 1,
            });
        }
        tokio::time::advance(Duration::from_secs(60)).await;
        for id in ["1", "2"] {
            pace.take(&Event::Gone { thing: thing(id) });
        }
        pace.take(&Event::Failed {
            thing: thing("3"),
            ending: Ending::Failed,
            why: "409".to_owned(),
        });
        assert_eq!(
            pace.line().unwrap(),
            "purge, 60 s: 2 of 10 deleted, 6 waiting, 1 failed, 2 a minute, about 180 s left; waits for a deletion of network.port"
        );
    }
}
