//! One run as a value: survey → plan → confirm → purge → verify → outcome.
//!
//! The command line, a simulator and whoever embeds the runner drive the same [`Run`], over any [`Rule`]. Nothing here reads a
//! file, opens a socket or looks at a clock of the real world: it runs in tokio's time, which tests pause.
//!
//! ```text
//! run.look() ──► Look ──► run.show(look, aim) ─────────► Outcome
//!                   └───► run.execute(look, guards) ───► Outcome ──► exit()
//! ```
//!
//! The invariant: a run that was interrupted before its plan was whole, or that a guard refused, has sent no change.

mod chronicle;
mod guard;
mod ledger;
mod outcome;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::engine::{Engine, Survey, Verification};
use crate::outcome::Unlooked;
use crate::plan::{Inventory, Kept, Plan, Sieve};
use crate::rule::Rule;

pub use chronicle::{Chronicle, Collected};
pub use guard::{Broad, Confirm, Guards, Question, Refusal, Unconfirmed, Yes};
pub use ledger::Ledger;
pub use outcome::{Aim, Outcome};

/// A sweep that is ready to begin.
pub struct Run<R> {
    engine: Engine<R>,
    sieve: Sieve,
    chronicle: Arc<Chronicle>,
    cancel: CancellationToken,
    ledger: Box<dyn Ledger>,
    unlooked: Vec<Unlooked>,
}

/// What a look at the cloud has shown, and what is to be done about it.
#[derive(Debug)]
pub struct Look {
    /// What is to go.
    pub plan: Plan,
    /// What stays.
    pub kept: Vec<Kept>,
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
            unlooked: Vec::new(),
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
    pub async fn apply(&self, saved: &Plan, guards: &Guards<'_>) -> Outcome {
        let look = self.look().await.reduced_to(saved);
        self.execute(look, guards).await
    }

    /// Lists everything and makes the plan.
    pub async fn look(&self) -> Look {
        let survey = self.survey().await;
        self.plan(survey)
    }

    /// Lists everything. What was interrupted has found nothing.
    pub async fn survey(&self) -> Survey {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Survey {
                inventory: Inventory::for_scope(self.sieve.scope()),
                ..Survey::default()
            },
            survey = self.engine.survey(&self.sieve) => survey,
        }
    }

    /// Makes the plan of what was found.
    pub fn plan(&self, survey: Survey) -> Look {
        self.chronicle.note_failures(survey.failures.clone());
        let (plan, kept) = self.engine.plan(survey, &self.sieve);
        Look {
            broad: Broad::of(&plan.scope),
            plan,
            kept,
            refusal: None,
        }
    }

    /// Ends a run that was to change nothing.
    pub fn show(&self, look: Look, aim: Aim) -> Outcome {
        self.outcome(look, aim)
    }

    /// Asks, deletes, looks again, and keeps records of it.
    pub async fn execute(&self, look: Look, guards: &Guards<'_>) -> Outcome {
        let refusal = self.permit(&look, guards).await.err();
        let mut outcome = self.outcome(look, Aim::Delete);
        outcome.refusal = refusal;
        if outcome.refusal.is_none() && !outcome.interrupted {
            self.delete(&mut outcome).await;
        }
        if let Err(trouble) = self.ledger.end(&outcome).await {
            outcome.trouble.get_or_insert(trouble);
        }
        outcome
    }

    /// The last questions before anything is changed.
    async fn permit(&self, look: &Look, guards: &Guards<'_>) -> Result<(), Refusal> {
        if let Some(refusal) = &look.refusal {
            return Err(refusal.clone());
        }
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Ok(()),
            permitted = guards.check(&look.plan, look.broad) => permitted,
        }
    }

    /// Purges and verifies.
    async fn delete(&self, outcome: &mut Outcome) {
        if let Err(trouble) = self.ledger.begin(&outcome.plan).await {
            outcome.trouble = Some(trouble);
            return;
        }
        outcome.interrupted = self.cancel.is_cancelled();
        if outcome.interrupted {
            return;
        }
        let plan = &outcome.plan;
        let fates = self.engine.purge(plan).await;
        let verification = if plan.items.is_empty() {
            Verification::default()
        } else {
            self.engine.verify(plan, &fates, &self.sieve).await
        };
        self.chronicle.note_failures(verification.failures);
        outcome.failures = self.chronicle.collected().failures();
        outcome.left = verification.left;
        outcome.fates = Some(fates);
        outcome.interrupted = self.cancel.is_cancelled();
    }

    fn outcome(&self, look: Look, aim: Aim) -> Outcome {
        let collected = self.chronicle.collected();
        Outcome {
            run: self.chronicle.run().clone(),
            aim,
            plan: look.plan,
            kept: look.kept,
            fates: None,
            left: Vec::new(),
            failures: collected.failures(),
            skipped: collected.skipped,
            unlooked: self.unlooked.clone(),
            interrupted: self.cancel.is_cancelled(),
            refusal: None,
            trouble: None,
        }
    }
}

impl Look {
    /// Reduces what would be done to what a saved plan names.
    #[must_use]
    pub fn reduced_to(self, saved: &Plan) -> Self {
        let is_saved = |kept: &&Kept| saved.items.iter().any(|item| item.thing == kept.thing);
        let changed = self.kept.iter().find(is_saved);
        let changed = changed.map(|kept| format!("{} is now {}", kept.thing, kept.reason));
        let (plan, drift) = match self.plan.clone().only(saved) {
            Ok(plan) => (plan, changed),
            Err(drift) => (self.plan, Some(drift)),
        };
        Self {
            plan,
            broad: None,
            refusal: drift.map(Refusal::Drifted),
            ..self
        }
    }
}
