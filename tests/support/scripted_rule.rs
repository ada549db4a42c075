//! A rule without a component, for tests of the engine: a small cloud in memory, which does what a test scripts.
//!
//! Nothing here sleeps by itself: what takes time takes tokio's time, which tests pause. Every call is recorded with its time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use runner::resource::{
    Effects, Fields, Foreseen, Kind, ListScope, Owner, PROJECT_KIND, Reach, Relation, Seen, Step,
    Thing, ThingRef,
};
use runner::rule::{Cause, ListingLimits, Outcome, Page, Rule, RuleError};
use tokio::time::Instant;

/// `network.port/4f…` as a reference.
pub(crate) fn at(text: &str) -> ThingRef {
    ThingRef::parse(text).expect("a thing is <kind>/<id>")
}

/// A kind that shows all projects' things.
pub(crate) fn kind(name: &str) -> Kind {
    Kind {
        name: name.into(),
        service: "scripted".to_owned(),
        reach: Reach::Projects,
        fields: Fields::default(),
        owners: Vec::new(),
        after: Vec::new(),
        requests: Vec::new(),
        reads: Vec::new(),
        sees: Vec::new(),
        failed_states: vec!["ERROR".to_owned()],
        effects: Effects::default(),
    }
}

/// A thing of the cloud, and how it goes.
#[derive(Clone, Debug)]
pub(crate) struct Scripted {
    seen: Seen,
    /// How long the call of `delete` takes.
    latency: Duration,
    /// How long it takes to disappear after its deletion was accepted. Zero: it is gone with the call.
    lingers: Duration,
    /// How much longer listings show it.
    lags: Duration,
    /// Deletion is a conflict while one of these exists.
    held_by: Vec<ThingRef>,
    /// It disappears when this does, so much later.
    vanishes_with: Option<(ThingRef, Duration)>,
    /// The state in which it stays after its deletion was accepted.
    stays_in: Option<String>,
    /// What the first deletions come to, instead.
    answers: VecDeque<Result<Outcome, Cause>>,
    /// What the rule says when it is asked whether this is gone.
    is_gone: bool,
    has_no_token: bool,
    gone_at: Option<Instant>,
}

/// A thing of the project `demo`, which goes at once.
pub(crate) fn thing(text: &str) -> Scripted {
    let thing = Thing {
        at: at(text),
        name: None,
        is_cloud_named: false,
        project: Some("demo".into()),
        parent: None,
        created_at: None,
        status: Some("ACTIVE".to_owned()),
        tags: Some(Vec::new()),
        object: "{}".to_owned(),
    };
    Scripted {
        seen: Seen {
            thing,
            owners: Vec::new(),
            steps: Vec::new(),
            foreseen: Foreseen::default(),
        },
        latency: Duration::ZERO,
        lingers: Duration::ZERO,
        lags: Duration::ZERO,
        held_by: Vec::new(),
        vanishes_with: None,
        stays_in: None,
        answers: VecDeque::new(),
        is_gone: false,
        has_no_token: false,
        gone_at: None,
    }
}

impl Scripted {
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.seen.thing.name = Some(name.to_owned());
        self
    }

    pub(crate) fn named_by_the_cloud(mut self) -> Self {
        self.seen.thing.is_cloud_named = true;
        self
    }

    pub(crate) fn of_project(mut self, project: Option<&str>) -> Self {
        self.seen.thing.project = project.map(Arc::from);
        self
    }

    pub(crate) fn under(mut self, parent: &str) -> Self {
        self.seen.thing.parent = Some(at(parent));
        self
    }

    pub(crate) fn in_state(mut self, status: &str) -> Self {
        self.seen.thing.status = Some(status.to_owned());
        self
    }

    pub(crate) fn owned(mut self, relation: Relation, owner: &str) -> Self {
        let owner = at(owner);
        self.seen.owners.push(Owner { relation, owner });
        self
    }

    pub(crate) fn after(mut self, other: &str) -> Self {
        self.seen.steps.push(Step::After(at(other)));
        self
    }

    pub(crate) fn before(mut self, other: &str) -> Self {
        self.seen.steps.push(Step::Before(at(other)));
        self
    }

    pub(crate) fn taking(mut self, other: &str) -> Self {
        self.seen.foreseen.takes.push(at(other));
        self
    }

    pub(crate) fn latency_ms(mut self, ms: u64) -> Self {
        self.latency = Duration::from_millis(ms);
        self
    }

    pub(crate) fn lingers_ms(mut self, ms: u64) -> Self {
        self.lingers = Duration::from_millis(ms);
        self
    }

    pub(crate) fn lags_ms(mut self, ms: u64) -> Self {
        self.lags = Duration::from_millis(ms);
        self
    }

    pub(crate) fn held_by(mut self, other: &str) -> Self {
        self.held_by.push(at(other));
        self
    }

    pub(crate) fn vanishes_with(mut self, owner: &str, later_ms: u64) -> Self {
        self.vanishes_with = Some((at(owner), Duration::from_millis(later_ms)));
        self
    }

    pub(crate) fn stays_in(mut self, status: &str) -> Self {
        self.stays_in = Some(status.to_owned());
        self
    }

    pub(crate) fn answers(mut self, answer: Result<Outcome, Cause>, times: usize) -> Self {
        self.answers.extend(std::iter::repeat_n(answer, times));
        self
    }

    /// There is no token for its deletion, so that no request leaves.
    pub(crate) fn without_token(mut self) -> Self {
        self.has_no_token = true;
        self
    }

    pub(crate) fn counts_as_gone(mut self) -> Self {
        self.is_gone = true;
        self
    }

    fn exists(&self, now: Instant) -> bool {
        self.gone_at.is_none_or(|at| now < at)
    }

    fn is_listed(&self, now: Instant) -> bool {
        self.gone_at.is_none_or(|at| now < at + self.lags)
    }
}

/// A call of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    List(String, ListScope),
    Delete(String),
    Force(String),
    IsGone(String),
}

#[derive(Default)]
struct Inner {
    things: BTreeMap<ThingRef, Scripted>,
    /// Failures of the next listings, by kind.
    faults: BTreeMap<String, VecDeque<Cause>>,
    calls: Vec<(Instant, Call)>,
    page_things: usize,
    /// How long a page is on its way. It shows what was there when it was asked for.
    page_latency: Duration,
    /// Kinds whose last page links to the first.
    endless: BTreeSet<String>,
    deleting: usize,
    deleting_max: usize,
}

/// A cloud in memory. Clones are the same cloud.
#[derive(Clone, Default)]
pub(crate) struct ScriptedCloud(Arc<Mutex<Inner>>);

impl ScriptedCloud {
    pub(crate) fn with(things: impl IntoIterator<Item = Scripted>) -> Self {
        let cloud = Self::default();
        for thing in things {
            cloud.add(thing);
        }
        cloud
    }

    pub(crate) fn add(&self, thing: Scripted) {
        let at = thing.seen.thing.at.clone();
        self.inner().things.insert(at, thing);
    }

    /// Makes the next listings of a kind fail.
    pub(crate) fn fail_listings(&self, kind: &str, cause: Cause, times: usize) {
        let mut inner = self.inner();
        let faults = inner.faults.entry(kind.to_owned()).or_default();
        faults.extend(std::iter::repeat_n(cause, times));
    }

    /// Lets listings come in pages of so many things.
    pub(crate) fn page_by(&self, things: usize) {
        self.inner().page_things = things;
    }

    /// Lets every page of a listing take so long.
    pub(crate) fn list_slowly(&self, ms: u64) {
        self.inner().page_latency = Duration::from_millis(ms);
    }

    /// Lets the last page of a kind link to the first.
    pub(crate) fn never_end(&self, kind: &str) {
        self.inner().endless.insert(kind.to_owned());
    }

    pub(crate) fn exists(&self, thing: &str) -> bool {
        let now = Instant::now();
        let inner = self.inner();
        let thing = inner.things.get(&at(thing));
        thing.is_some_and(|thing| thing.exists(now))
    }

    pub(crate) fn calls(&self) -> Vec<(Instant, Call)> {
        self.inner().calls.clone()
    }

    /// The things whose deletion was asked for, in order, with repetitions.
    pub(crate) fn deleted(&self) -> Vec<String> {
        let calls = self.inner().calls.clone();
        calls
            .into_iter()
            .filter_map(|(_, call)| match call {
                Call::Delete(thing) => Some(thing),
                Call::List(..) | Call::Force(_) | Call::IsGone(_) => None,
            })
            .collect()
    }

    /// The scopes in which a kind was listed, in order; each page counts.
    pub(crate) fn listed(&self, kind: &str) -> Vec<String> {
        let calls = self.inner().calls.clone();
        calls
            .into_iter()
            .filter_map(|(_, call)| match call {
                Call::List(listed, scope) if listed == kind => Some(scope.to_string()),
                Call::List(..) | Call::Delete(_) | Call::Force(_) | Call::IsGone(_) => None,
            })
            .collect()
    }

    pub(crate) fn forget_calls(&self) {
        self.inner().calls.clear();
    }

    /// The most deletions that were under way at once.
    pub(crate) fn deleting_max(&self) -> usize {
        self.inner().deleting_max
    }

    /// A rule for some kinds of this cloud, whose things say themselves in which order they go.
    pub(crate) fn rule(&self, name: &str, kinds: impl IntoIterator<Item = Kind>) -> ScriptedRule {
        ScriptedRule {
            name: name.into(),
            kinds: kinds.into_iter().map(Arc::new).collect(),
            cloud: self.clone(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this was a project and is none any more.
    fn has_lost(&self, project: &Arc<str>) -> bool {
        let now = Instant::now();
        let inner = self.inner();
        let known = inner
            .things
            .get(&ThingRef::new(PROJECT_KIND, project.clone()));
        known.is_some_and(|known| !known.exists(now))
    }

    fn note(&self, call: Call) {
        self.inner().calls.push((Instant::now(), call));
    }

    /// What is asked of a deletion when it arrives: how long it takes.
    fn begin(&self, at: &ThingRef) -> Duration {
        self.note(Call::Delete(at.to_string()));
        let mut inner = self.inner();
        inner.deleting += 1;
        inner.deleting_max = inner.deleting_max.max(inner.deleting);
        inner
            .things
            .get(at)
            .map(|thing| thing.latency)
            .unwrap_or_default()
    }

    /// What insisting comes to: whatever holds the thing, and whatever its deletion would have come to, it goes.
    fn force(&self, at: &ThingRef) -> Result<Outcome, Cause> {
        let mut inner = self.inner();
        match inner.things.get_mut(at) {
            Some(thing) if !thing.lingers.is_zero() => {
                thing.gone_at = Some(Instant::now() + thing.lingers);
                Ok(Outcome::Accepted)
            }
            _ => {
                let gone = inner.things.remove(at);
                gone.map(|_| Outcome::Gone).ok_or(Cause::NotFound)
            }
        }
    }

    /// Whether no request for its deletion leaves any more: what it answers first did.
    fn has_no_token(&self, at: &ThingRef) -> bool {
        let inner = self.inner();
        let thing = inner.things.get(at);
        thing.is_some_and(|thing| thing.has_no_token && thing.answers.is_empty())
    }

    /// What the deletion comes to when its time is over.
    fn finish(&self, at: &ThingRef) -> Result<Outcome, Cause> {
        let now = Instant::now();
        let mut inner = self.inner();
        inner.deleting -= 1;
        let exists = |other: &ThingRef| {
            let other = inner.things.get(other);
            other.is_some_and(|other| other.exists(now))
        };
        let thing = inner.things.get(at).filter(|_| exists(at));
        let thing = thing.ok_or(Cause::NotFound)?;
        let holder = thing.held_by.iter().find(|other| exists(other)).cloned();
        let Some(thing) = inner.things.get_mut(at) else {
            return Err(Cause::NotFound);
        };
        if let Some(answer) = thing.answers.pop_front() {
            return answer;
        }
        if thing.has_no_token {
            return Err(Cause::Unavailable("no token".to_owned()));
        }
        if let Some(holder) = holder {
            return Err(Cause::Conflict(format!("{holder} is there")));
        }
        if let Some(status) = thing.stays_in.clone() {
            thing.seen.thing.status = Some(status);
            return Ok(Outcome::Accepted);
        }
        let (gone_at, lingers) = (now + thing.lingers, thing.lingers);
        thing.gone_at.get_or_insert(gone_at);
        inner.take_along(at, gone_at);
        Ok(if lingers.is_zero() {
            Outcome::Gone
        } else {
            Outcome::Accepted
        })
    }

    fn page(&self, kind: &str, scope: &ListScope, cursor: Option<String>) -> Result<Page, Cause> {
        self.note(Call::List(kind.to_owned(), scope.clone()));
        let now = Instant::now();
        let mut inner = self.inner();
        if let Some(cause) = inner.faults.get_mut(kind).and_then(VecDeque::pop_front) {
            return Err(cause);
        }
        let is_in_scope = |thing: &Thing| match scope {
            ListScope::All => true,
            ListScope::Project(project) => thing.project.as_ref() == Some(project),
            ListScope::Under(parent) => thing.parent.as_ref() == Some(&parent.at),
        };
        let things = inner
            .things
            .values()
            .filter(|thing| &*thing.seen.thing.at.kind == kind && thing.is_listed(now))
            .map(|thing| thing.seen.clone())
            .filter(|seen| is_in_scope(&seen.thing));
        let start: usize = cursor
            .and_then(|cursor| cursor.parse().ok())
            .unwrap_or_default();
        let limit = if inner.page_things == 0 {
            usize::MAX
        } else {
            inner.page_things
        };
        let rest: Vec<Seen> = things.skip(start).collect();
        let has_more = rest.len() > limit;
        let things: Vec<Seen> = rest.into_iter().take(limit).collect();
        let next = if has_more {
            Some((start + things.len()).to_string())
        } else {
            inner.endless.contains(kind).then(|| "0".to_owned())
        };
        Ok(Page { things, next })
    }
}

impl Inner {
    /// Ends what vanishes with a thing that has an end.
    fn take_along(&mut self, owner: &ThingRef, gone_at: Instant) {
        for thing in self.things.values_mut() {
            if let Some((_, later)) = thing
                .vanishes_with
                .as_ref()
                .filter(|(with, _)| with == owner)
            {
                thing.gone_at.get_or_insert(gone_at + *later);
            }
        }
    }
}

/// The rule of some kinds of a cloud.
pub(crate) struct ScriptedRule {
    name: Arc<str>,
    kinds: Vec<Arc<Kind>>,
    cloud: ScriptedCloud,
}

impl ScriptedRule {
    fn error(&self, function: &'static str, about: &ThingRef, cause: Cause) -> RuleError {
        RuleError {
            rule: self.name.clone(),
            function,
            about: about.to_string(),
            cause,
            has_asked: false,
        }
    }
}

impl Rule for ScriptedRule {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn kinds(&self) -> &[Arc<Kind>] {
        &self.kinds
    }

    fn listing_limits(&self) -> ListingLimits {
        ListingLimits {
            pages_max: 50,
            relation_bytes_max: usize::MAX,
            things_max: 100_000,
        }
    }

    async fn list(
        &self,
        kind: &Arc<Kind>,
        scope: &ListScope,
        cursor: Option<String>,
    ) -> Result<Page, RuleError> {
        let page = match scope {
            ListScope::Project(project)
                if kind.reach == Reach::EachProject && self.cloud.has_lost(project) =>
            {
                Err(Cause::Denied(format!("no token for project `{project}`")))
            }
            _ => self.cloud.page(&kind.name, scope, cursor),
        };
        let latency = self.cloud.inner().page_latency;
        tokio::time::sleep(latency).await;
        page.map_err(|cause| RuleError {
            rule: self.name.clone(),
            function: "list",
            about: kind.name.to_string(),
            cause,
            has_asked: false,
        })
    }

    async fn delete(&self, _kind: &Arc<Kind>, thing: &Thing) -> Result<Outcome, RuleError> {
        let latency = self.cloud.begin(&thing.at);
        tokio::time::sleep(latency).await;
        let has_asked = !self.cloud.has_no_token(&thing.at);
        let result = self.cloud.finish(&thing.at);
        result.map_err(|cause| RuleError {
            has_asked,
            ..self.error("delete", &thing.at, cause)
        })
    }

    fn can_force(&self, kind: &Kind) -> bool {
        kind.can_be_forced()
    }

    async fn force(&self, _kind: &Arc<Kind>, thing: &Thing) -> Result<Outcome, RuleError> {
        self.cloud.note(Call::Force(thing.at.to_string()));
        let result = self.cloud.force(&thing.at);
        result.map_err(|cause| self.error("force", &thing.at, cause))
    }

    async fn is_gone(&self, _kind: &Arc<Kind>, thing: &Thing) -> Result<bool, RuleError> {
        self.cloud.note(Call::IsGone(thing.at.to_string()));
        let inner = self.cloud.inner();
        let known = inner.things.get(&thing.at);
        Ok(known.is_some_and(|known| known.is_gone))
    }
}
