//! One sweep: survey → plan → purge → verify.
//!
//! The engine knows no service and no component. It asks [`Rule`]s, decides by the plan's pure functions, and says what happens
//! as [`Event`]s. Dry run and real run differ in what is done with the plan, not in how it is made.

mod listing;
mod purge;
mod survey;
mod verify;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::event::{Event, Listener};
use crate::plan::{Keep, Kept, Plan, Sieve, SweepScope};
use crate::resource::{DOMAIN_KIND, Kind, PROJECT_KIND, Thing, USER_KIND};
use crate::rule::Rule;

pub use purge::{Asking, Fate};
pub use survey::Survey;
pub use verify::{Left, STILL_LISTED, Verification};

/// How far the credentials reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reachable {
    /// Whether listings show all projects.
    pub is_admin: bool,
    /// The projects to which the sweep is narrowed. `None`: all.
    pub projects: Option<BTreeSet<Arc<str>>>,
    /// The own user, under whom a sweep without administrator's rights lists.
    pub user: Option<Arc<str>>,
}

/// Every limit of the engine, by name; in the configuration under `[sweep]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineLimits {
    /// Listings asked for at once.
    pub listings_max: usize,
    /// Deletions under way at once, over all services.
    pub deletions_max: usize,
    /// How long a purge may take, in seconds. What is not done by then is left.
    pub deadline_s: u64,
    /// How long a thing may take to disappear after the cloud has accepted its deletion, in seconds.
    pub disappear_s_max: u64,
    /// How often a deletion is tried that other things stand in the way of.
    pub attempts_max: u32,
    /// The same, while nothing else moves any more, so that nothing can get out of the way.
    pub idle_attempts_max: u32,
    /// Pause before the second attempt and before the second look, in milliseconds; it grows up to `pause_ms_max`.
    pub pause_ms_min: u64,
    /// Longest pause between attempts and between looks, in milliseconds.
    pub pause_ms_max: u64,
    /// How old the listing may be that showed a thing, in seconds, before the thing is looked at again ahead of its deletion.
    pub sight_s_max: u64,
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            listings_max: 16,
            deletions_max: 64,
            deadline_s: 3_600,
            disappear_s_max: 600,
            attempts_max: 20,
            idle_attempts_max: 6,
            pause_ms_min: 500,
            pause_ms_max: 8_000,
            sight_s_max: 120,
        }
    }
}

impl EngineLimits {
    /// The pause after so many attempts or looks.
    fn pause(&self, after: u32) -> Duration {
        self.pause_up_to(after, self.pause_ms_max)
    }

    /// The same, with another bound.
    fn pause_up_to(&self, after: u32, ms_max: u64) -> Duration {
        let factor = 1_u64 << after.saturating_sub(1).min(16);
        Duration::from_millis(self.pause_ms_min.saturating_mul(factor).min(ms_max))
    }
}

/// Why a set of rules cannot run together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RulesError {
    /// Two rules claim one kind.
    #[error("kind {kind} is claimed by two rules, {first} and {second}; take one of them away")]
    TwoRules {
        /// The kind.
        kind: Arc<str>,
        /// One rule.
        first: Arc<str>,
        /// The other one.
        second: Arc<str>,
    },
    /// Kinds wait for each other.
    #[error("these kinds wait for each other in a circle, so none of them could go first: {}", kinds.join(" → "))]
    Circle {
        /// The circle.
        kinds: Vec<String>,
    },
}

/// Rules at work.
pub struct Engine<R> {
    rules: Vec<R>,
    kinds: BTreeMap<Arc<str>, (usize, Arc<Kind>)>,
    reachable: Reachable,
    limits: EngineLimits,
    insists: bool,
    /// When each kind was last asked for, in the survey: what a plan says is no younger than that.
    sights: Mutex<BTreeMap<Arc<str>, Instant>>,
    listener: Arc<dyn Listener>,
    cancel: CancellationToken,
}

impl<R: Rule> Engine<R> {
    /// Puts rules together.
    ///
    /// # Errors
    /// If two claim one kind, or kinds wait for each other in a circle.
    pub fn new(
        rules: Vec<R>,
        reachable: Reachable,
        limits: EngineLimits,
        listener: Arc<dyn Listener>,
        cancel: CancellationToken,
    ) -> Result<Self, RulesError> {
        let mut kinds: BTreeMap<Arc<str>, (usize, Arc<Kind>)> = BTreeMap::new();
        for (number, rule) in rules.iter().enumerate() {
            for kind in rule.kinds() {
                if let Some((first, _)) = kinds.insert(kind.name.clone(), (number, kind.clone())) {
                    let first = rules
                        .get(first)
                        .map_or_else(|| rule.name().clone(), |rule| rule.name().clone());
                    return Err(RulesError::TwoRules {
                        kind: kind.name.clone(),
                        first,
                        second: rule.name().clone(),
                    });
                }
            }
        }
        let engine = Self {
            rules,
            kinds,
            reachable,
            limits,
            insists: false,
            sights: Mutex::default(),
            listener,
            cancel,
        };
        engine.check_order()?;
        Ok(engine)
    }

    /// Whether a purge insists on what an ordinary deletion does not move, as far as rules can.
    pub fn insisting(self, insists: bool) -> Self {
        Self { insists, ..self }
    }

    /// The kinds of all rules, by name.
    pub fn kinds(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.kinds.values().map(|(_, kind)| kind)
    }

    /// The rules.
    pub fn rules(&self) -> &[R] {
        &self.rules
    }

    /// Makes the plan of what a survey found.
    pub fn plan(&self, survey: Survey, sieve: &Sieve) -> (Plan, Vec<Kept>) {
        self.plan_sparing(survey, sieve, &|_| None)
    }

    /// The same, but for what is spared.
    pub fn plan_sparing(
        &self,
        survey: Survey,
        sieve: &Sieve,
        spare: &dyn Fn(&Thing) -> Option<Keep>,
    ) -> (Plan, Vec<Kept>) {
        let Survey { inventory, .. } = survey;
        let scope = SweepScope {
            force: self.insists,
            ..sieve.scope().clone()
        };
        let (plan, kept) = Plan::sparing(inventory, scope, self.kind_order(), spare);
        self.notice(Event::Planned {
            found: plan.found,
            matched: plan.items.len(),
            blocked: plan.blocked().count(),
            kept: plan.kept.clone(),
        });
        (plan, kept)
    }

    fn notice(&self, event: Event) {
        self.listener.notice(&event);
    }

    /// Tells of a listing that failed. One that ended because the run was interrupted has not: nobody waited for it.
    fn notice_unlisted(&self, failure: &ListingFailure) {
        if self.cancel.is_cancelled() {
            return;
        }
        let ListingFailure { kind, scope, why } = failure.clone();
        self.notice(Event::ListingFailed { kind, scope, why });
    }

    fn are_of_one_rule(&self, one: &str, other: &str) -> bool {
        let rule = |kind: &str| self.kinds.get(kind).map(|(rule, _)| *rule);
        rule(one).is_some() && rule(one) == rule(other)
    }

    /// Whether things of a kind are deleted over what is in them.
    fn is_container(&self, kind: &str) -> bool {
        let declared = self.kinds.get(kind);
        let declared = declared.is_some_and(|(_, kind)| kind.effects.is_container);
        declared || [PROJECT_KIND, DOMAIN_KIND, USER_KIND].contains(&kind)
    }

    /// Whether what was asked for then is too old a sight to go by.
    fn is_old_sight(&self, asked: Instant) -> bool {
        asked.elapsed() > Duration::from_secs(self.limits.sight_s_max)
    }

    fn sights(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Instant>> {
        self.sights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kind(&self, name: &str) -> Option<(&R, &Arc<Kind>)> {
        let (rule, kind) = self.kinds.get(name)?;
        Some((self.rules.get(*rule)?, kind))
    }

    /// Kinds whose things wait for all things of other kinds.
    fn kind_order(&self) -> BTreeMap<Arc<str>, BTreeSet<Arc<str>>> {
        let kinds = self.kinds.values().map(|(_, kind)| kind);
        let after = kinds.map(|kind| (kind.name.clone(), kind.after.iter().cloned().collect()));
        after
            .filter(|(_, after): &(_, BTreeSet<_>)| !after.is_empty())
            .collect()
    }

    fn check_order(&self) -> Result<(), RulesError> {
        self.check_circles(&|kind| kind.after.iter().collect())?;
        self.check_circles(&|kind| kind.reach.parent().into_iter().collect())
    }

    fn check_circles(&self, firsts: &Firsts) -> Result<(), RulesError> {
        let mut done = BTreeSet::new();
        for name in self.kinds.keys() {
            self.visit(name, firsts, &mut Vec::new(), &mut done)?;
        }
        Ok(())
    }

    fn visit(
        &self,
        name: &Arc<str>,
        firsts: &Firsts,
        path: &mut Vec<Arc<str>>,
        done: &mut BTreeSet<Arc<str>>,
    ) -> Result<(), RulesError> {
        if done.contains(name) {
            return Ok(());
        }
        if let Some(start) = path.iter().position(|visited| visited == name) {
            let circle = path.iter().skip(start).chain([name]);
            return Err(RulesError::Circle {
                kinds: circle.map(ToString::to_string).collect(),
            });
        }
        path.push(name.clone());
        if let Some((_, kind)) = self.kind(name) {
            for first in firsts(kind) {
                self.visit(first, firsts, path, done)?;
            }
        }
        path.pop();
        done.insert(name.clone());
        Ok(())
    }
}

/// The kinds that come before a kind.
type Firsts = dyn Fn(&Kind) -> Vec<&Arc<str>>;

/// A listing that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListingFailure {
    /// The kind.
    pub kind: Arc<str>,
    /// What it covered.
    pub scope: String,
    /// Why.
    pub why: String,
}
