//! Verify: lists again. What the plan said would go and is still there is left, and so is anything that bears the task's name and has
//! appeared since.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;
use serde::Serialize;

use crate::event::{Event, Phase};
use crate::plan::{Plan, PlanItem, Reason, Sieve, Standing};
use crate::resource::{Kind, ListScope, PROJECT_KIND, Reach, Seen, Thing, ThingRef};
use crate::rule::Rule;

use super::listing::{Place, by_project};
use super::{Engine, Fate, ListingFailure};

/// How often things that were deleted and are still listed are looked for. A listing may lag behind a deletion.
const ROUNDS: u32 = 4;

/// Something that should be gone and is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// What.
    pub thing: ThingRef,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Why.
    pub why: String,
}

/// Why a thing is left whose deletion was seen to end.
pub const STILL_LISTED: &str = "it was deleted and is still listed";

/// What a second look showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// What is left.
    pub left: Vec<Left>,
    /// What could not be listed, so that nobody can say.
    pub failures: Vec<ListingFailure>,
    /// What was looked for and was not there, by its position in the plan.
    pub absent: BTreeSet<usize>,
    /// What counted as gone and is there all the same, by its position in the plan.
    pub present: BTreeSet<usize>,
    /// What is among what is left already.
    noted: BTreeSet<(ThingRef, Option<ThingRef>, Option<Arc<str>>)>,
}

impl Verification {
    /// Whether nothing is left, and all was listed that had to be.
    pub fn is_clean(&self) -> bool {
        self.left.is_empty() && self.failures.is_empty()
    }
}

impl<R: Rule> Engine<R> {
    /// Lists the kinds of a plan again, and compares with how its things ended.
    pub async fn verify(&self, plan: &Plan, fates: &[Fate], sieve: &Sieve) -> Verification {
        self.notice(Event::Phase {
            phase: Phase::Verify,
        });
        let mut verification = Verification::default();
        let mut open: BTreeMap<Arc<str>, Vec<usize>> = BTreeMap::new();
        for (position, item) in plan.items.iter().enumerate() {
            open.entry(item.thing.kind.clone())
                .or_default()
                .push(position);
        }
        for kind in self.to_look_for_more(plan) {
            open.entry(kind.name.clone()).or_default();
        }
        for round in 1..=ROUNDS {
            let looks: Vec<_> = stream::iter(open.iter().map(async |(kind, items)| {
                (
                    kind.clone(),
                    self.look_again(plan, fates, kind, items, sieve).await,
                )
            }))
            .buffer_unordered(self.limits.listings_max)
            .collect()
            .await;
            let is_last = round == ROUNDS || self.cancel.is_cancelled();
            for (kind, look) in looks {
                let again = match look {
                    Ok(there) => {
                        let shown = there.planned.iter().map(|(position, _)| *position);
                        let shown: BTreeSet<usize> = shown.collect();
                        let items = open.get(&kind).into_iter().flatten().copied();
                        let absent = items.filter(|item| !shown.contains(item));
                        verification.absent.extend(absent);
                        self.compare(plan, fates, there, is_last, &mut verification)
                            .await
                    }
                    Err(failure) => {
                        self.note_unlisted(failure, &mut verification);
                        Vec::new()
                    }
                };
                if again.is_empty() {
                    open.remove(&kind);
                } else {
                    open.insert(kind, again);
                }
            }
            if open.is_empty() || is_last {
                break;
            }
            tokio::time::sleep(self.limits.pause(round)).await;
        }
        verification.left.sort_by(|a, b| a.thing.cmp(&b.thing));
        verification
    }

    /// The kinds in which something of the task's may have appeared since the survey, though none of it was to go. A sight holds for
    /// a while; where nothing was to go, what has come since is all that counts.
    fn to_look_for_more(&self, plan: &Plan) -> Vec<&Arc<Kind>> {
        let sights = self.sights();
        let is_old = |kind: &Kind| {
            let asked = sights.get(&kind.name);
            asked.is_some_and(|asked| self.is_old_sight(*asked))
        };
        let kinds = self.kinds().filter(|kind| kind.reach.parent().is_none());
        let kinds = kinds.filter(|kind| plan.items.is_empty() || is_old(kind));
        kinds
            .filter(|kind| {
                let scopes = self.scopes(kind, &|_| Vec::new());
                scopes.is_ok_and(|scopes| !scopes.is_empty())
            })
            .collect()
    }

    fn note_unlisted(&self, failure: ListingFailure, verification: &mut Verification) {
        self.notice_unlisted(&failure);
        verification.failures.push(failure);
    }

    /// What is there of a kind: planned things by their position, and things that have appeared.
    async fn look_again(
        &self,
        plan: &Plan,
        fates: &[Fate],
        kind: &Arc<str>,
        items: &[usize],
        sieve: &Sieve,
    ) -> Result<There, ListingFailure> {
        let Some((_, declared)) = self.kind(kind) else {
            return Ok(There::default());
        };
        let of_kind = plan.items.iter().enumerate();
        let of_kind = of_kind.filter(|(_, item)| item.thing.kind == *kind);
        let planned: HashMap<(&str, Option<&str>), usize> = of_kind
            .map(|(position, item)| {
                let within = item.seen.as_ref().and_then(|thing| declared.within(thing));
                ((&*item.thing.id, within), position)
            })
            .collect();
        let open: BTreeSet<usize> = items.iter().copied().collect();
        // What appears in a project that is going away would be nobody's: a default group that Neutron has made again.
        let emptied: BTreeSet<&str> = plan
            .open()
            .filter(|(_, item)| &*item.thing.kind == PROJECT_KIND)
            .map(|(_, item)| &*item.thing.id)
            .collect();
        let is_ours = |thing: &Thing| {
            let may_go = sieve.scope().takes(&thing.at.kind);
            (may_go && matches!(sieve.standing(thing), Standing::Matched { .. }))
                || thing
                    .project
                    .as_deref()
                    .is_some_and(|project| emptied.contains(project))
        };
        let mut there = There::default();
        for scope in self.scopes_again(plan, fates, declared, items)? {
            let note = |seen: Vec<Seen>| {
                for Seen { thing, .. } in seen {
                    match planned.get(&(&*thing.at.id, declared.within(&thing))) {
                        Some(position) if open.contains(position) => {
                            there.planned.push((*position, thing));
                        }
                        // Settled by an earlier look.
                        Some(_) => {}
                        None if is_ours(&thing) => there.new.push(thing),
                        None => {}
                    }
                }
            };
            self.list(declared, &scope, note).await?;
        }
        Ok(there)
    }

    fn scopes_again(
        &self,
        plan: &Plan,
        fates: &[Fate],
        kind: &Kind,
        items: &[usize],
    ) -> Result<Vec<ListScope>, ListingFailure> {
        if let (Reach::Projects, Some(projects)) = (&kind.reach, &self.reachable.projects) {
            return Ok(by_project(projects.iter().collect()));
        }
        if kind.reach.parent().is_none()
            && let Ok(scopes) = self.scopes(kind, &|_| Vec::new())
            && !scopes.is_empty()
        {
            return Ok(scopes);
        }
        let things = items
            .iter()
            .filter_map(|&position| plan.items.get(position)?.seen.as_ref());
        let places: BTreeSet<Place> = things.map(Place::of).collect();
        let ended = plan.items.iter().zip(fates);
        let gone: BTreeSet<&ThingRef> = ended
            .filter(|(_, fate)| **fate == Fate::Gone)
            .map(|(item, _)| &item.thing)
            .collect();
        let needs_token = self.needs_project_token(kind);
        // There is no token any more for a project that has gone, and it went after all that was in it.
        let is_closed = |project: &Arc<str>| {
            needs_token && gone.contains(&ThingRef::new(PROJECT_KIND, project.clone()))
        };
        // What is under something that has gone, went with it; and some services answer a question about that with an error.
        let is_there = |place: &Place| {
            let parent = place.parent.as_ref();
            parent.is_none_or(|parent| !gone.contains(parent))
                && !place.project.as_ref().is_some_and(is_closed)
        };
        let there: BTreeSet<Place> = places.iter().filter(|it| is_there(it)).cloned().collect();
        if there.is_empty() && !places.is_empty() {
            return Ok(Vec::new());
        }
        self.scopes_of(kind, &there, 1)
    }

    /// Notes what is left, and returns the positions that are worth another look.
    async fn compare(
        &self,
        plan: &Plan,
        fates: &[Fate],
        there: There,
        is_last: bool,
        verification: &mut Verification,
    ) -> Vec<usize> {
        let mut again = Vec::new();
        for (position, thing) in there.planned {
            let item = plan.items.get(position);
            // It was only to be taken along. Where it was not, and its kind is left out, it stays as things of that are to.
            let is_along = |item: &PlanItem| matches!(item.reason, Reason::Along { .. });
            let is_to_stay = |item: &PlanItem| !plan.scope.takes(&item.thing.kind);
            if item.is_some_and(|item| is_along(item) && is_to_stay(item)) {
                continue;
            }
            let why = match fates.get(position) {
                Some(Fate::Gone) if self.counts_as_gone(&thing).await => continue,
                Some(Fate::Gone) if !is_last => {
                    again.push(position);
                    continue;
                }
                Some(Fate::Gone) | None => {
                    verification.present.insert(position);
                    STILL_LISTED.to_owned()
                }
                Some(Fate::Asked(why)) => {
                    format!("its deletion was asked for and not seen to end: {why}")
                }
                Some(Fate::Failed(why) | Fate::Abandoned(why) | Fate::Blocked(why)) => why.clone(),
            };
            let name = plan.items.get(position).and_then(|item| item.name.clone());
            note(verification, thing, name, why);
        }
        for thing in there.new {
            let name = thing.name.clone();
            let why = "it is not in the plan: it has appeared since, or was left out of it";
            note(verification, thing, name, why.to_owned());
        }
        again
    }

    /// Whether a deleted thing counts as gone although it is still listed.
    pub(super) async fn counts_as_gone(&self, thing: &Thing) -> bool {
        let Some((rule, kind)) = self.kind(&thing.at.kind) else {
            return false;
        };
        rule.is_gone(kind, thing).await.unwrap_or(false)
    }
}

/// What a look showed.
#[derive(Default)]
struct There {
    planned: Vec<(usize, Thing)>,
    new: Vec<Thing>,
}

/// Notes what is left, each once, whatever listing shows it.
fn note(verification: &mut Verification, thing: Thing, name: Option<String>, why: String) {
    let Thing {
        at,
        parent,
        project,
        ..
    } = thing;
    if verification.noted.insert((at.clone(), parent, project)) {
        verification.left.push(Left {
            thing: at,
            name,
            why,
        });
    }
}
