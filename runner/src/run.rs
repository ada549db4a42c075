//! One run as a value: survey → plan → confirm → purge → verify → outcome.
//!
//! The command line, a simulator and whoever embeds the runner drive the same [`Run`], over any [`Rule`]. Nothing here reads a
//! file, opens a socket or looks at a clock of the real world: it runs in tokio's time, which tests pause.
//!
//! ```text
//! run.look() ──► Look ──► run.show(look, purpose) ─────────► Outcome
//!                   └───► run.execute(look, guards) ───► Outcome ──► exit()
//! ```
//!
//! The invariant: a run that was interrupted before its plan was whole, or that a guard refused, has sent no change.

mod chronicle;
mod guard;
mod ledger;
mod memory;
mod outcome;
mod reduced;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::engine::{Asking, Engine, Fate, Left, STILL_LISTED, Survey, Verification};
use crate::event::{Event, Listener};
use crate::plan::{Coverage, Inventory, Kept, Place, Plan, Remnant, Sieve};
use crate::resource::ThingRef;
use crate::rule::Rule;
use crate::unlooked::Unlooked;

pub use chronicle::{Chronicle, Collected};
pub use guard::{Broad, Confirm, Guards, Question, Refusal, Unconfirmed, Yes};
pub use ledger::Ledger;
pub use memory::Memory;
pub use outcome::{Outcome, Purpose};
pub use reduced::Spared;

use reduced::Whole;

/// A sweep that is ready to begin.
pub struct Run<R> {
    engine: Engine<R>,
    sieve: Sieve,
    chronicle: Arc<Chronicle>,
    cancel: CancellationToken,
    ledger: Box<dyn Ledger>,
    memory: Box<dyn Memory>,
    unlooked: Vec<Unlooked>,
    place: Option<Place>,
}

/// What a look at the cloud has shown, and what is to be done about it.
#[derive(Debug)]
pub struct Look {
    /// What is to go.
    pub plan: Plan,
    /// What stays.
    pub kept: Vec<Kept>,
    /// Whether everything was listed that could be. A plan that is not whole is empty, and not to be saved.
    pub is_whole: bool,
    /// Of what earlier runs were to delete: what there is nothing left to do about.
    settled: BTreeSet<ThingRef>,
    /// Of a saved plan: what it was reduced from.
    whole: Option<Whole>,
    /// Whether somebody has to be asked before the plan is executed.
    broad: Option<Broad>,
    /// Why a guard refuses it already.
    refusal: Option<Refusal>,
}

impl<R: Rule> Run<R> {
    /// Puts a run together. The engine must have been given this chronicle to listen and this token to be cancelled by.
    pub fn new(
        engine: Engine<R>,
        sieve: Sieve,
        chronicle: Arc<Chronicle>,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            engine,
            sieve,
            chronicle,
            cancel,
            ledger: Box::new(()),
            memory: Box::new(()),
            unlooked: Vec::new(),
            place: None,
        }
    }

    /// Says where the run is. Its plans are good for this place, and it takes no others.
    #[must_use]
    pub fn at(self, place: Place) -> Self {
        Self {
            place: Some(place),
            ..self
        }
    }

    /// Keeps records of what is changed.
    #[must_use]
    pub fn recorded_by(self, ledger: impl Ledger + 'static) -> Self {
        Self {
            ledger: Box::new(ledger),
            ..self
        }
    }

    /// Takes up what earlier runs did not come to delete, and remembers what this one may not.
    #[must_use]
    pub fn remembering(self, memory: impl Memory + 'static) -> Self {
        Self {
            sieve: self.sieve.remembering(memory.recall()),
            memory: Box::new(memory),
            ..self
        }
    }

    /// Takes note of what no rule looks at.
    #[must_use]
    pub fn without(self, unlooked: Vec<Unlooked>) -> Self {
        Self { unlooked, ..self }
    }

    /// The rules at work.
    pub fn engine(&self) -> &Engine<R> {
        &self.engine
    }

    /// What is swept, and by which names.
    pub fn sieve(&self) -> &Sieve {
        &self.sieve
    }

    /// What happens on the way.
    pub fn chronicle(&self) -> &Arc<Chronicle> {
        &self.chronicle
    }

    /// Sweeps: looks, asks, deletes, looks again.
    pub async fn sweep(&self, guards: &Guards<'_>) -> Outcome {
        let look = self.look().await;
        self.execute(look, guards).await
    }

    /// Executes a saved plan: looks, and deletes at most what that plan names.
    pub async fn apply(&self, saved: &Plan, age_s_max: u64, guards: &Guards<'_>) -> Outcome {
        let look = match self.suits(saved, age_s_max) {
            Ok(()) => match self.survey().await {
                Some(survey) => self.plan_within(survey, saved),
                None => self.unseen(),
            },
            Err(refusal) => Look {
                refusal: Some(refusal),
                ..self.unseen()
            },
        };
        self.execute(look, guards).await
    }

    /// Whether a saved plan was made here, and not too long ago.
    fn suits(&self, saved: &Plan, age_s_max: u64) -> Result<(), Refusal> {
        let (made, here) = match (&saved.place, &self.place) {
            (Some(made), Some(here)) => (made, here),
            (None, None) => return Ok(()),
            (None, Some(_)) => return Err(Refusal::Elsewhere("it does not say where".to_owned())),
            (Some(_), None) => {
                return Err(Refusal::Elsewhere("nobody knows where this is".to_owned()));
            }
        };
        if let Some(difference) = made.difference(here) {
            return Err(Refusal::Elsewhere(difference));
        }
        if made.is_older_than(age_s_max, self.chronicle.now()) {
            let made_at = made.made_at;
            return Err(Refusal::Old { made_at, age_s_max });
        }
        Ok(())
    }

    /// Lists everything and makes the plan. If it is interrupted meanwhile, the plan is empty, and not whole.
    pub async fn look(&self) -> Look {
        match self.survey().await {
            Some(survey) => self.plan(survey),
            None => self.unseen(),
        }
    }

    /// Lists everything. `None` if it is interrupted meanwhile.
    pub async fn survey(&self) -> Option<Survey> {
        let survey = tokio::select! {
            biased;
            () = self.cancel.cancelled() => return None,
            survey = self.engine.survey(&self.sieve) => survey,
        };
        // The engine may have heard of the interruption first, and have ended its listings.
        (!self.cancel.is_cancelled()).then(|| self.with_unlooked(survey))
    }

    /// Tells the plan what nobody looked at: whatever may hold things of it stays.
    fn with_unlooked(&self, mut survey: Survey) -> Survey {
        let coverage = survey.inventory.coverage_mut();
        for unlooked in self.unlooked.iter().filter(|it| it.holds_containers()) {
            coverage.note_unlooked(format!("{unlooked} was not looked at: {}", unlooked.why));
        }
        survey
    }

    /// What has been seen before anything is listed.
    fn unseen(&self) -> Look {
        let inventory = Inventory::new(self.sieve.scope(), Coverage::default());
        let (plan, kept) = Plan::new(inventory, self.sieve.scope().clone(), BTreeMap::new());
        Look {
            plan,
            kept,
            is_whole: false,
            settled: BTreeSet::new(),
            whole: None,
            broad: None,
            refusal: None,
        }
    }

    /// Makes the plan of what was found.
    pub fn plan(&self, survey: Survey) -> Look {
        self.chronicle.note_failures(survey.failures.clone());
        let remnants = self.sieve.remnants().iter();
        let settled = remnants.filter(|it| survey.inventory.is_settled(it));
        let settled = settled.map(|it| it.thing.clone()).collect();
        let (mut plan, kept) = self.engine.plan(survey, &self.sieve);
        plan.place = self.place.clone().map(|place| Place {
            made_at: self.chronicle.now(),
            ..place
        });
        Look {
            broad: Broad::of(&plan.scope),
            plan,
            kept,
            is_whole: true,
            settled,
            whole: None,
            refusal: None,
        }
    }

    /// Makes the plan of what was found, but of at most what a saved plan names and has not changed since.
    fn plan_within(&self, survey: Survey, saved: &Plan) -> Look {
        let whole = self.plan(survey.clone());
        let spared = Spared::of(&whole.plan, &whole.kept, saved);
        let (plan, _) = self
            .engine
            .plan_sparing(survey, &self.sieve, &|thing| spared.keep(thing));
        Look {
            plan: Plan {
                place: whole.plan.place.clone(),
                ..plan
            },
            kept: whole.kept.clone(),
            broad: None,
            whole: Some(spared.over(whole.plan)),
            ..whole
        }
    }

    /// Ends a run that was to change nothing.
    pub fn show(&self, look: Look, purpose: Purpose) -> Outcome {
        self.outcome(look, purpose).0
    }

    /// Asks, deletes, looks again, and keeps records of it.
    pub async fn execute(&self, look: Look, guards: &Guards<'_>) -> Outcome {
        let (broad, refusal) = (look.broad, look.refusal.clone());
        let settled = look.settled.clone();
        // While it is asked about, it is only shown.
        let (mut outcome, whole) = self.outcome(look, Purpose::Show);
        outcome.refusal = match refusal {
            Some(refusal) => Some(refusal),
            None => self.permit(&outcome, broad, guards).await.err(),
        };
        outcome.purpose = Purpose::Delete;
        outcome.interrupted = self.cancel.is_cancelled();
        if outcome.refusal.is_none() && !outcome.interrupted {
            let absent = self.delete(&mut outcome, whole).await;
            self.forget(&mut outcome, &settled, &absent);
        }
        if let Err(trouble) = self.ledger.end(&outcome).await {
            outcome.trouble.get_or_insert(trouble);
        }
        outcome
    }

    /// The last questions before anything is changed. Who is interrupted does not wait for the answer.
    async fn permit(
        &self,
        shown: &Outcome,
        broad: Option<Broad>,
        guards: &Guards<'_>,
    ) -> Result<(), Refusal> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Ok(()),
            permitted = guards.check(shown, broad) => permitted,
        }
    }

    /// Purges and verifies. Of what was reduced, all that it was reduced from is looked at again: what stays is to be said. Returns
    /// what was looked for in the end and was not there.
    async fn delete(&self, outcome: &mut Outcome, whole: Option<Whole>) -> BTreeSet<ThingRef> {
        let begun = match self.ledger.begin(&outcome.plan).await {
            Ok(()) => self.memory.keep(&outcome.plan.remnants()),
            Err(trouble) => Err(trouble),
        };
        if let Err(trouble) = begun {
            outcome.trouble = Some(trouble);
            return BTreeSet::new();
        }
        outcome.interrupted = self.cancel.is_cancelled();
        if outcome.interrupted {
            return BTreeSet::new();
        }
        let failed = Mutex::new(BTreeSet::new());
        let note = |thing: &ThingRef, what: Asking| match what {
            Asking::Begun => self.memory.note_asked(thing),
            Asking::Refused => self.memory.note_refused(thing),
            Asking::Failed => {
                let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                failed.insert(thing.clone());
            }
        };
        let mut fates = self.engine.purge(&outcome.plan, &self.sieve, &note).await;
        let verification = match &whole {
            None => self.verify(&outcome.plan, &fates).await,
            Some(whole) => {
                let all = whole.fates(&outcome.plan, &fates);
                self.verify(&whole.plan, &all).await
            }
        };
        let positions = whole.as_ref().map(|it| it.positions_in(&outcome.plan));
        let in_plan = |position: &usize| match &positions {
            None => Some(*position),
            Some(positions) => positions.get(position).copied(),
        };
        // What was left by the purge and is not there went some other way: with its owner, or by somebody else's hand.
        for position in verification.absent.iter().filter_map(in_plan) {
            self.believe_absent(&outcome.plan, &mut fates, position);
        }
        for position in verification.present.iter().filter_map(in_plan) {
            self.believe_present(&outcome.plan, &mut fates, position);
        }
        // Whatever an error said: what is still there was not deleted.
        let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        let there = verification.left.iter();
        for left in there.filter(|left| failed.contains(&left.thing)) {
            self.memory.note_refused(&left.thing);
        }
        let verified = whole.as_ref().map_or(&outcome.plan, |whole| &whole.plan);
        let absent = verification.absent.iter();
        let absent = absent.filter_map(|it| Some(verified.items.get(*it)?.thing.clone()));
        let absent: BTreeSet<ThingRef> = absent.collect();
        self.chronicle.note_failures(verification.failures);
        outcome.failures = self.chronicle.collected().failures();
        outcome.left = verification.left;
        if let Some(whole) = whole {
            whole.add_kept(&mut outcome.left);
        }
        self.tell_of_left(&outcome.left);
        outcome.fates = Some(fates);
        outcome.interrupted = self.cancel.is_cancelled();
        absent
    }

    /// Takes for gone what was looked for in the end and was not there, whatever the purge has made of it.
    fn believe_absent(&self, plan: &Plan, fates: &mut [Fate], position: usize) {
        let (Some(item), Some(fate)) = (plan.items.get(position), fates.get_mut(position)) else {
            return;
        };
        if !fate.is_open_to_doubt() {
            return;
        }
        if let Some((instead_of, _)) = fate.ending() {
            self.chronicle.notice(&Event::GoneAfterAll {
                thing: item.thing.clone(),
                instead_of,
            });
        }
        *fate = Fate::Gone;
    }

    /// Takes back that a thing is gone, which the last look has shown: no report may count it as both.
    fn believe_present(&self, plan: &Plan, fates: &mut [Fate], position: usize) {
        let (Some(item), Some(fate)) = (plan.items.get(position), fates.get_mut(position)) else {
            return;
        };
        if *fate != Fate::Gone {
            return;
        }
        self.chronicle.notice(&Event::ThereAfterAll {
            thing: item.thing.clone(),
            why: STILL_LISTED.to_owned(),
        });
        *fate = Fate::Failed(STILL_LISTED.to_owned());
    }

    fn tell_of_left(&self, left: &[Left]) {
        for Left { thing, name, why } in left.iter().cloned() {
            self.chronicle.notice(&Event::Left { thing, name, why });
        }
    }

    /// Tells, before anything is changed, what the plan that counts has, and what nobody has looked at.
    fn tell_of_plan(&self, plan: &Plan) {
        for unlooked in &self.unlooked {
            self.chronicle.notice(&Event::Unlooked {
                what: unlooked.to_string(),
                why: unlooked.why.clone(),
                is_failure: unlooked.is_failure,
            });
        }
        for item in &plan.items {
            self.chronicle.notice(&Event::Matched {
                thing: item.thing.clone(),
                name: item.name.clone(),
                project: item.project.clone(),
                why: item.reason.to_string(),
                blocked: item.why_blocked(),
            });
        }
    }

    /// Forgets what is done with of earlier runs and of this one: what was seen to be so, and not only said.
    fn forget(
        &self,
        outcome: &mut Outcome,
        settled: &BTreeSet<ThingRef>,
        absent: &BTreeSet<ThingRef>,
    ) {
        // An owner that is still there and was not asked to go speaks for its things itself.
        let left: BTreeSet<&ThingRef> = outcome.left.iter().map(|left| &left.thing).collect();
        let fates = outcome.fates.iter().flatten();
        let ended: BTreeMap<&ThingRef, &Fate> = outcome
            .plan
            .items
            .iter()
            .map(|it| &it.thing)
            .zip(fates)
            .collect();
        let stays = |remnant: &Remnant| {
            let is_left = remnant.owner().is_some_and(|owner| left.contains(owner));
            is_left && !remnant.is_under_way()
        };
        let is_settled = |remnant: &Remnant| match ended.get(&remnant.thing) {
            _ if stays(remnant) => true,
            Some(fate) => **fate == Fate::Gone && absent.contains(&remnant.thing),
            None => settled.contains(&remnant.thing),
        };
        if let Err(trouble) = self.memory.forget(&is_settled) {
            outcome.trouble.get_or_insert(trouble);
        }
    }

    /// Looks again. A run that is interrupted does not: what it would see is on its way.
    async fn verify(&self, plan: &Plan, fates: &[Fate]) -> Verification {
        let verification = tokio::select! {
            biased;
            () = self.cancel.cancelled() => return Verification::default(),
            verification = self.engine.verify(plan, fates, &self.sieve) => verification,
        };
        match self.cancel.is_cancelled() {
            true => Verification::default(),
            false => verification,
        }
    }

    fn outcome(&self, look: Look, purpose: Purpose) -> (Outcome, Option<Whole>) {
        self.tell_of_plan(&look.plan);
        let collected = self.chronicle.collected();
        let outcome = Outcome {
            run: self.chronicle.run().clone(),
            purpose,
            plan: look.plan,
            is_surveyed: look.is_whole,
            kept: look.kept,
            fates: None,
            left: Vec::new(),
            failures: collected.failures(),
            skipped: collected.skipped,
            unlooked: self.unlooked.clone(),
            interrupted: self.cancel.is_cancelled(),
            refusal: None,
            trouble: None,
        };
        (outcome, look.whole)
    }
}
