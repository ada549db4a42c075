//! The negative filter: what bears no name of the task goes, and what bears one stays, with all that it speaks for.
//!
//! Here keeping spreads along owners, where otherwise deleting does: a part stays with its whole whatever it is called, a
//! nameless thing stays with its owner. What nobody can place stays, and so does every project. A thing is decided once all that it
//! hangs on is, so each is looked at once, and what hangs on itself in a circle is never decided and stays.

use std::collections::HashMap;

use crate::resource::{PROJECT_KIND, ThingRef};

use super::super::inventory::Entry;
use super::super::sieve::{Standing, SweepScope};
use super::super::ties::{Namer, Ties};
use super::spread::{Recalled, recalled};
use super::{CHAIN_MAX, Decision, Keep, Reason, Support, Verdict, keep};

/// Decides on every thing of an inventory, in the order of its entries.
pub(super) fn decide(ties: &Ties, scope: &SweepScope) -> Vec<Decision> {
    let entries = ties.inventory.entries();
    let mut negative = Negative {
        ties,
        scope,
        verdicts: vec![None; entries.len()],
    };
    let hangs_on: Vec<Vec<usize>> = entries
        .iter()
        .enumerate()
        .map(|(position, entry)| owners(ties, position, entry))
        .collect();
    let mut open: Vec<usize> = hangs_on.iter().map(Vec::len).collect();
    let mut followers: HashMap<usize, Vec<usize>> = HashMap::new();
    for (position, owners) in hangs_on.iter().enumerate() {
        for &owner in owners {
            followers.entry(owner).or_default().push(position);
        }
    }
    let mut ready: Vec<usize> = (0..entries.len())
        .filter(|&position| open.get(position) == Some(&0))
        .collect();
    while let Some(position) = ready.pop() {
        negative.settle(position);
        for &follower in followers.get(&position).into_iter().flatten() {
            if let Some(open) = open.get_mut(follower) {
                *open -= 1;
                if *open == 0 {
                    ready.push(follower);
                }
            }
        }
    }
    let decided = negative.verdicts.into_iter().zip(entries).zip(hangs_on);
    decided
        .enumerate()
        .map(|(position, ((verdict, entry), owners))| Decision {
            verdict: verdict.unwrap_or_else(|| Verdict::Keep(keep(ties, position, entry))),
            support: match owners.is_empty() {
                true => Support::Itself,
                false => Support::All(owners),
            },
        })
        .collect()
}

/// What a thing's fate hangs on: its wholes, what it was made for and called after, and where it has no name, its owner.
fn owners(ties: &Ties, position: usize, entry: &Entry) -> Vec<usize> {
    let mut owners: Vec<usize> = ties.wholes(entry).map(|(_, whole, _)| whole).collect();
    owners.extend(ties.maker(position));
    if entry.standing == Standing::Nameless
        && let Namer::Known(owner, _) = ties.namer(position, entry)
    {
        owners.push(owner);
    }
    owners.sort_unstable();
    owners.dedup();
    owners
}

struct Negative<'a> {
    ties: &'a Ties<'a>,
    scope: &'a SweepScope,
    verdicts: Vec<Option<Verdict>>,
}

impl Negative<'_> {
    fn settle(&mut self, position: usize) {
        let Some(entry) = self.ties.inventory.entries().get(position) else {
            return;
        };
        let mut verdict = self.verdict(position, entry);
        if verdict.is_delete() && !self.scope.takes(&entry.thing.at.kind) {
            verdict = self.left_out(position, verdict);
        }
        if let Some(slot) = self.verdicts.get_mut(position) {
            *slot = Some(verdict);
        }
    }

    fn left_out(&self, position: usize, verdict: Verdict) -> Verdict {
        match verdict {
            Verdict::Delete(reason) => super::spread::left_out(self.ties, position, reason),
            kept @ Verdict::Keep(_) => kept,
        }
    }

    fn verdict(&self, position: usize, entry: &Entry) -> Verdict {
        let by_itself = || Verdict::Keep(keep(self.ties, position, entry));
        if &*entry.thing.at.kind == PROJECT_KIND {
            return by_itself();
        }
        let is_part_only = match entry.standing {
            Standing::Unmatched => false,
            Standing::Nameless => entry.thing.project.is_none(),
            Standing::OtherTask | Standing::OtherName => true,
            Standing::Matched { .. }
            | Standing::Spared
            | Standing::Protected { .. }
            | Standing::OutsideProject
            | Standing::OutsideAge { .. }
            | Standing::Unselected { .. }
            | Standing::Excluded { .. } => return by_itself(),
        };
        if entry.foreseen.is_shared && !self.scope.shared {
            return Verdict::Keep(Keep::Shared);
        }
        if let Some(owner) = self.ties.unknown_whole(entry) {
            let owner = owner.clone();
            return Verdict::Keep(Keep::OwnerUnknown { owner });
        }
        let mut goes_with = None;
        for (_, whole, at) in self.ties.wholes(entry) {
            match self.through(whole, at) {
                Ok(chain) => goes_with = goes_with.or(Some(chain)),
                Err(kept) => return Verdict::Keep(kept),
            }
        }
        if let Some(chain) = goes_with {
            return Verdict::Delete(Reason::Part { chain });
        }
        if let Some(kept) = self.kept_with_maker(position) {
            return Verdict::Keep(kept);
        }
        if entry.standing == Standing::Nameless
            && let Some(verdict) = self.nameless(position, entry)
        {
            return verdict;
        }
        if is_part_only {
            return by_itself();
        }
        // Of what has a name it is known already.
        match self.scope.choice.omission(&entry.thing) {
            Some(by) => Verdict::Keep(Keep::Unselected { by }),
            None => Verdict::Delete(Reason::Unmatched),
        }
    }

    /// Why a thing stays with what it was made for and called after, if that stays.
    fn kept_with_maker(&self, position: usize) -> Option<Keep> {
        let maker = self.ties.maker(position)?;
        let at = &self.ties.inventory.entries().get(maker)?.thing.at;
        self.through(maker, at).err()
    }

    /// What others say of a nameless thing; `None` if nobody says anything.
    fn nameless(&self, position: usize, entry: &Entry) -> Option<Verdict> {
        match self.ties.namer(position, entry) {
            Namer::Known(owner, at) => {
                return Some(match self.through(owner, at) {
                    Ok(chain) => Verdict::Delete(Reason::Owner { chain }),
                    Err(kept) => Verdict::Keep(kept),
                });
            }
            Namer::Unknown(owner) => {
                let owner = owner.clone();
                return Some(Verdict::Keep(Keep::OwnerUnknown { owner }));
            }
            Namer::Nobody => {}
        }
        if entry.thing.is_cloud_named {
            return Some(Verdict::Keep(Keep::CloudNamed));
        }
        let effects = self.ties.inventory.coverage().effects(&entry.thing.at.kind);
        if effects.is_none_or(|effects| !effects.nameless_stays) {
            return None;
        }
        Some(match recalled(self.ties, self.scope, position, entry) {
            Some(Recalled::OwnerGone(owner)) => Verdict::Delete(Reason::Remembered { owner }),
            Some(Recalled::Because(..)) | None => Verdict::Keep(Keep::NoNameAndNoOwner),
        })
    }

    /// The chain by which a thing goes with its owner; or, if that stays, why the thing does.
    fn through(&self, owner: usize, at: &ThingRef) -> Result<Vec<ThingRef>, Keep> {
        let kept = || Keep::OwnerKept { owner: at.clone() };
        match self.verdicts.get(owner).and_then(Option::as_ref) {
            None | Some(Verdict::Keep(_)) => Err(kept()),
            Some(Verdict::Delete(
                Reason::Owner { chain } | Reason::Part { chain } | Reason::Along { chain },
            )) if chain.len() + 1 < CHAIN_MAX => Ok([vec![at.clone()], chain.clone()].concat()),
            Some(Verdict::Delete(
                Reason::Owner { .. } | Reason::Part { .. } | Reason::Along { .. },
            )) => Err(kept()),
            Some(Verdict::Delete(_)) => Ok(vec![at.clone()]),
        }
    }
}
