//! One thing of a plan on its way.

use std::collections::BTreeSet;

use crate::plan::{PlanItem, Support};
use crate::resource::ThingRef;

use super::State;

/// One thing of the plan: where it stands, and how it hangs together with others.
pub(super) struct Track {
    pub(super) thing: ThingRef,
    pub(super) state: State,
    /// How many of those that it waits for have not gone.
    pub(super) unmet: usize,
    /// What waits for it.
    pub(super) followers: Vec<usize>,
    /// What it waits for and is in the way of, by that one's own word.
    pub(super) taken_back: BTreeSet<usize>,
    pub(super) goes_with: Option<usize>,
    /// What has to go for it to go.
    pub(super) rests_on: Support,
    /// What rests on it.
    pub(super) resting: Vec<usize>,
    /// With whose deletion it goes along.
    pub(super) takers: Vec<usize>,
    /// What goes along with it.
    pub(super) takes: Vec<usize>,
    /// Why it has to stay by what was seen of others while it was being asked for.
    pub(super) stays: Option<String>,
    /// How it was seen to have changed itself while it was being asked for.
    pub(super) changed: Option<String>,
    /// Whether the cloud was ever asked for it. Attempts begin anew where the operator insists.
    pub(super) was_asked_for: bool,
    /// Whether the cloud has said that it will delete it, and was not seen to fail at it.
    pub(super) is_accepted: bool,
    /// Whether the last request was not answered.
    pub(super) is_doubtful: bool,
    pub(super) attempts: u32,
    pub(super) idle_attempts: u32,
    /// When something was in its way the last time.
    pub(super) put_off_at: Option<u64>,
}

impl Track {
    fn of(item: &PlanItem) -> Self {
        Self {
            thing: item.thing.clone(),
            state: State::Waiting,
            unmet: item.waits_for.len(),
            followers: Vec::new(),
            taken_back: BTreeSet::new(),
            goes_with: item.goes_with,
            rests_on: item.rests_on.clone(),
            resting: Vec::new(),
            takers: item.takers.clone(),
            takes: Vec::new(),
            stays: None,
            changed: None,
            was_asked_for: false,
            is_accepted: false,
            is_doubtful: false,
            attempts: 0,
            idle_attempts: 0,
            put_off_at: None,
        }
    }
}

/// The things of a plan, each knowing who waits for it, rests on it and goes along with it.
pub(super) fn linked(items: &[PlanItem]) -> Vec<Track> {
    let mut tracks: Vec<Track> = items.iter().map(Track::of).collect();
    for (position, item) in items.iter().enumerate() {
        let mut link = |to: &[usize], ends: fn(&mut Track) -> &mut Vec<usize>| {
            for &other in to {
                tracks
                    .get_mut(other)
                    .map(ends)
                    .into_iter()
                    .for_each(|it| it.push(position));
            }
        };
        link(&item.waits_for, |track| &mut track.followers);
        link(&item.takers, |track| &mut track.takes);
        link(item.rests_on.positions(), |track| &mut track.resting);
    }
    tracks
}
