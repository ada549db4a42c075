//! A cloud in memory that does what its world says, and takes down all that is asked of it.
//!
//! It is a [`Rule`] for the engine, one for each service. Time is tokio's and paused. What a rule says of a thing comes from
//! the same table as what the cloud does, and the record has every change with all that it destroyed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use runner::plan::Remnant;
use runner::resource::{Foreseen, Kind, ListScope, Owner, Seen, Step, Thing, ThingRef};
use runner::rule::{Cause, ListingLimits, Outcome, Page, Rule, RuleError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::kinds::{self, Goes, K, KINDS, Listed, PROJECT, SERVER, Taken};
use crate::world::{Age, Bad, Fault, Happening, Item, N, Name, Trouble, World};

/// Calls after which a run is taken to go round in circles.
const CALLS_MAX: usize = 20_000;

/// The number of the phase in which things are deleted.
const PURGE: u8 = 2;

/// How something came to be destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// Its deletion was asked for.
    Asked,
    /// The cloud took it along.
    TakenAlong,
    /// What it was in has gone, and nobody can find it any more.
    LeftBehind,
}

/// A change of the cloud that a run has brought about.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) target: N,
    pub(crate) victims: Vec<(N, Lost)>,
    /// Since when the runner had not seen the target. `None`: never seen.
    pub(crate) sight_age: Option<Duration>,
    /// How much of [`Record::sights`] there was.
    pub(crate) sights: usize,
    /// Kinds of which a listing had failed when it was asked for, and what that covered.
    pub(crate) unlisted: Vec<(K, String)>,
}

/// What happened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub(crate) changes: Vec<Change>,
    /// Things as a listing showed them, where that was another way than before.
    pub(crate) sights: Vec<Item>,
    /// Deletions asked for, with those that came to nothing.
    pub(crate) asked: BTreeMap<N, u32>,
    pub(crate) listings: usize,
    /// Listings that failed and were not asked for again with success, while all was being listed, by the number of the phase.
    pub(crate) failed_listings: BTreeSet<(u8, K, String)>,
    pub(crate) is_endless: bool,
    /// A deletion was sent although the run had been interrupted before anything was to be deleted.
    pub(crate) asked_after_interruption: bool,
}

/// How a thing fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Fine,
    Stuck,
    Hidden,
}

#[derive(Clone, Debug)]
struct Live {
    item: Item,
    gone_at: Option<Instant>,
    state: Condition,
    asked: u32,
}

struct State {
    things: BTreeMap<N, Live>,
    last_sights: BTreeMap<N, (Instant, Item)>,
    record: Record,
    faults: Vec<Fault>,
    listed: BTreeMap<K, u16>,
    calls: usize,
    is_surveying: bool,
    phase: u8,
    is_revoked: bool,
    /// It was interrupted before anything was to be deleted.
    is_early_end: bool,
}

/// The records of all runs: of each, what it was about to delete.
pub(crate) type Notes = Arc<Mutex<Vec<Vec<Remnant>>>>;

/// A cloud. Clones are the same cloud.
#[derive(Clone)]
pub(crate) struct Cloud {
    state: Arc<Mutex<State>>,
    page: usize,
    pub(crate) cancel: CancellationToken,
    pub(crate) crash: CancellationToken,
    /// What runs have put on record. It is the operator's, and outlives them.
    pub(crate) notes: Notes,
}

impl Cloud {
    pub(crate) fn new(world: &World) -> Self {
        let live = |item: &Item| Live {
            item: item.clone(),
            gone_at: None,
            state: Condition::Fine,
            asked: 0,
        };
        Self {
            state: Arc::new(Mutex::new(State {
                things: world
                    .items
                    .iter()
                    .map(|item| (item.n, live(item)))
                    .collect(),
                last_sights: BTreeMap::new(),
                record: Record::default(),
                faults: world.faults.clone(),
                listed: BTreeMap::new(),
                calls: 0,
                is_surveying: true,
                phase: 0,
                is_revoked: false,
                is_early_end: false,
            })),
            page: world.page,
            cancel: CancellationToken::new(),
            crash: CancellationToken::new(),
            notes: Notes::default(),
        }
    }

    /// The same cloud for a new process, which has seen nothing yet. Nothing goes wrong any more.
    pub(crate) fn healed(&self) -> Self {
        let mut state = self.state();
        state.faults.clear();
        state.last_sights.clear();
        state.record = Record::default();
        state.is_revoked = false;
        state.is_surveying = true;
        state.is_early_end = false;
        state.phase = 0;
        state.calls = 0;
        for live in state.things.values_mut() {
            live.state = Condition::Fine;
        }
        drop(state);
        Self {
            state: self.state.clone(),
            page: self.page,
            cancel: CancellationToken::new(),
            crash: CancellationToken::new(),
            notes: self.notes.clone(),
        }
    }

    /// Whether everything is being listed, in the beginning or at the end.
    pub(crate) fn surveys(&self, is_surveying: bool) {
        let mut state = self.state();
        state.is_surveying = is_surveying;
        state.phase += 1;
    }

    pub(crate) fn record(&self) -> Record {
        self.state().record.clone()
    }

    /// What is there.
    pub(crate) fn items(&self) -> Vec<Item> {
        let now = Instant::now();
        let state = self.state();
        let there = state.things.values().filter(|live| live.exists(now));
        there.map(|live| live.item.clone()).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whatever happens at this call. Says whether the token still counts.
    fn step(&self) -> bool {
        let mut state = self.state();
        state.calls += 1;
        let now = u16::try_from(state.calls).unwrap_or(u16::MAX);
        for fault in state.faults.clone() {
            match fault {
                Fault::At(at, happening) if at == now => state.happens(happening),
                Fault::Revoked(at) if at == now => state.is_revoked = true,
                Fault::Cancelled(at) if at == now => {
                    state.is_early_end = state.phase < PURGE;
                    self.cancel.cancel();
                }
                Fault::Crashed(at) if at == now => self.crash.cancel(),
                _ => {}
            }
        }
        if state.calls > CALLS_MAX {
            state.record.is_endless = true;
            self.crash.cancel();
        }
        !state.is_revoked
    }

    fn page(
        &self,
        kind: K,
        scope: &ListScope,
        cursor: Option<&str>,
    ) -> Result<(Page, Vec<(Item, bool)>), Cause> {
        let now = Instant::now();
        let state = self.state();
        let is_gone = |kind: K, id: &str| {
            let live = id.parse().ok().and_then(|n: N| state.things.get(&n));
            live.is_some_and(|live| live.item.kind == kind && !live.exists(now))
        };
        let row = &KINDS[kind];
        if let ListScope::Project(project) = scope
            && row.listed == Listed::EachProject
            && is_gone(PROJECT, project)
        {
            return Err(Cause::Denied(format!("no token for project {project}")));
        }
        if let ListScope::Under(parent) = scope
            && kinds::by_name(&parent.at.kind).is_some_and(|kind| is_gone(kind, &parent.at.id))
        {
            return Err(Cause::NotFound);
        }
        let is_in_scope = |item: &Item| match scope {
            ListScope::All => true,
            ListScope::Project(project) => {
                item.project.is_some_and(|own| own.to_string() == **project)
            }
            ListScope::Under(parent) => row
                .parent()
                .and_then(|kind| item.tie_to(kind))
                .is_some_and(|to| to.to_string() == *parent.at.id),
        };
        let after: Option<N> = cursor.and_then(|it| it.parse().ok());
        let limit = if self.page == 0 {
            usize::MAX
        } else {
            self.page
        };
        let shown: Vec<&Item> = state
            .things
            .values()
            .filter(|live| live.item.kind == kind && live.exists(now) && is_in_scope(&live.item))
            .map(|live| &live.item)
            .filter(|item| after.is_none_or(|after| item.n > after))
            .take(limit)
            .collect();
        let next = shown.last().filter(|_| shown.len() == limit);
        let next = next.map(|item| item.n.to_string());
        let things = shown.iter().map(|item| {
            let live = &state.things[&item.n];
            seen(live, &state.things)
        });
        let page = Page {
            things: things.collect(),
            next,
        };
        let is_dying = |item: &Item| state.things[&item.n].gone_at.is_some();
        let items = shown
            .into_iter()
            .map(|item| (item.clone(), is_dying(item)))
            .collect();
        Ok((page, items))
    }

    fn listing_fault(&self, kind: K) -> Option<Cause> {
        let mut state = self.state();
        let number = state.listed.entry(kind).or_insert(0);
        *number += 1;
        let number = *number;
        state.record.listings += 1;
        let bad = state.faults.iter().find_map(|fault| match fault {
            Fault::Listing {
                kind: of,
                from,
                times,
                bad,
            } if *of == kind && (*from..from.saturating_add(*times)).contains(&number) => {
                Some(*bad)
            }
            _ => None,
        })?;
        let why = "made to fail".to_owned();
        Some(match bad {
            Bad::Denied => Cause::Denied(why),
            Bad::Unavailable => Cause::Unavailable(why),
            Bad::Malformed => Cause::Malformed(why),
            Bad::Throttled => Cause::Throttled(why),
        })
    }

    /// Carries out a deletion. `resists` is what an ordinary one runs into.
    fn delete(&self, n: N, is_forced: bool) -> (Duration, Result<Outcome, Cause>) {
        let now = Instant::now();
        let mut state = self.state();
        *state.record.asked.entry(n).or_insert(0) += 1;
        state.record.asked_after_interruption |= state.is_early_end;
        let soon = Duration::from_millis(20);
        let Some(live) = state.things.get_mut(&n).filter(|live| live.exists(now)) else {
            return (soon, Err(Cause::NotFound));
        };
        live.asked += 1;
        let asked = u16::try_from(live.asked).unwrap_or(u16::MAX);
        let trouble = state.faults.iter().find_map(|fault| match fault {
            Fault::Deletion {
                n: of,
                times,
                trouble,
            } if *of == n && asked <= *times => Some(*trouble),
            _ => None,
        });
        if !is_forced && let Some(holder) = state.holder(n, now) {
            return (soon, Err(Cause::Conflict(format!("{holder} is there"))));
        }
        let why = || "made to fail".to_owned();
        let usual = if n.is_multiple_of(2) { 0 } else { 1 };
        match trouble.filter(|_| !is_forced) {
            Some(Trouble::Conflict) => (soon, Err(Cause::Conflict(why()))),
            Some(Trouble::Throttled) => (soon, Err(Cause::Throttled(why()))),
            Some(Trouble::Unavailable) => (soon, Err(Cause::Unavailable(why()))),
            Some(Trouble::Denied) => (soon, Err(Cause::Denied(why()))),
            Some(Trouble::Refused) => (soon, Ok(Outcome::Refused(why()))),
            Some(Trouble::Never) => (soon, Ok(Outcome::Accepted)),
            Some(Trouble::Error) => {
                if let Some(live) = state.things.get_mut(&n) {
                    live.state = Condition::Stuck;
                }
                (soon, Ok(Outcome::Accepted))
            }
            Some(Trouble::Hides) => {
                if let Some(live) = state.things.get_mut(&n) {
                    live.state = Condition::Hidden;
                }
                (soon, Ok(Outcome::Accepted))
            }
            Some(Trouble::FailsAfter) => {
                state.destroy(n, 0, now);
                (soon, Err(Cause::Unavailable(why())))
            }
            Some(Trouble::Lost) => {
                state.destroy(n, 0, now);
                (Duration::from_secs(300), Err(Cause::Unavailable(why())))
            }
            Some(Trouble::Slow(seconds)) => {
                state.destroy(n, seconds.into(), now);
                (soon, Ok(Outcome::Accepted))
            }
            None => {
                state.destroy(n, usual, now);
                (
                    soon,
                    Ok(if usual == 0 {
                        Outcome::Gone
                    } else {
                        Outcome::Accepted
                    }),
                )
            }
        }
    }
}

impl Live {
    fn status(&self) -> &'static str {
        match self.state {
            Condition::Fine => "ACTIVE",
            Condition::Stuck => "ERROR",
            Condition::Hidden => kinds::HIDDEN,
        }
    }

    fn exists(&self, now: Instant) -> bool {
        self.gone_at.is_none_or(|at| now < at)
    }
}

impl State {
    fn happens(&mut self, happening: Happening) {
        let live = |item: Item| Live {
            item,
            gone_at: None,
            state: Condition::Fine,
            asked: 0,
        };
        match happening {
            Happening::Appears(item) => {
                self.things.insert(item.n, live(item));
            }
            Happening::Vanishes(n) => {
                self.things.remove(&n);
            }
            Happening::Renamed(n, name) => self.change(n, |item| item.name = name),
            Happening::Moved(n, project) => self.change(n, |item| item.project = project),
            Happening::Tagged(n) => self.change(n, |item| item.is_tagged = true),
            Happening::MadeAgain(n) => {
                if let Some(before) = self.things.get(&n) {
                    let item = Item {
                        name: Name::Foreign,
                        age: Age::New,
                        is_made: false,
                        ..before.item.clone()
                    };
                    self.things.insert(n, live(item));
                }
            }
        }
    }

    fn change(&mut self, n: N, change: impl FnOnce(&mut Item)) {
        if let Some(live) = self.things.get_mut(&n) {
            change(&mut live.item);
        }
    }

    /// What refuses to let a thing go.
    fn holder(&self, n: N, now: Instant) -> Option<N> {
        let exists = |n: &N| self.things.get(n).is_some_and(|live| live.exists(now));
        let target = &self.things.get(&n)?.item;
        let held_by = target.ties.iter().find(|tie| {
            KINDS[target.kind]
                .link(tie.kind)
                .is_some_and(|link| link.held)
                && exists(&tie.to)
        });
        let held_by = held_by.map(|tie| tie.to);
        held_by.or_else(|| {
            let others = self.things.values().filter(|live| live.exists(now));
            let holder = others.map(|live| &live.item).find(|other| {
                other.ties.iter().any(|tie| {
                    tie.to == n
                        && KINDS[other.kind]
                            .link(tie.kind)
                            .is_some_and(|link| link.holds)
                })
            });
            holder.map(|holder| holder.n)
        })
    }

    /// Ends a thing and all that goes with it.
    fn destroy(&mut self, target: N, seconds: u64, now: Instant) {
        let gone_at = now + Duration::from_secs(seconds);
        let mut victims = vec![(target, Lost::Asked)];
        let mut next = 0;
        while let Some(&(n, how)) = victims.get(next) {
            next += 1;
            if how == Lost::LeftBehind {
                continue;
            }
            for live in self.things.values().filter(|live| live.exists(now)) {
                let item = &live.item;
                if victims.iter().any(|(known, _)| *known == item.n) {
                    continue;
                }
                if is_taken_with(item, n) {
                    victims.push((item.n, Lost::TakenAlong));
                } else if item.project == Some(n) {
                    victims.push((item.n, Lost::LeftBehind));
                }
            }
        }
        for (n, how) in &victims {
            if let Some(live) = self.things.get_mut(n).filter(|_| *how != Lost::LeftBehind) {
                // Whoever is asked again may be quicker.
                live.gone_at = Some(live.gone_at.map_or(gone_at, |at| at.min(gone_at)));
            }
        }
        let sight = self.last_sights.get(&target);
        let failed = self.record.failed_listings.iter();
        let unlisted = failed
            .map(|(_, kind, scope)| (*kind, scope.clone()))
            .collect();
        self.record.changes.push(Change {
            target,
            victims,
            sight_age: sight.map(|(at, _)| now.duration_since(*at)),
            sights: self.record.sights.len(),
            unlisted,
        });
    }

    fn note_listing(&mut self, kind: K, scope: &ListScope, failure: Option<&Cause>) {
        let failed = &mut self.record.failed_listings;
        if !self.is_surveying || failure == Some(&Cause::NotFound) {
            return;
        }
        if failure.is_some() {
            failed.insert((self.phase, kind, scope.to_string()));
        } else if !failed.is_empty() {
            failed.remove(&(self.phase, kind, scope.to_string()));
        }
    }

    /// Notes what a listing showed, with whether it is on its way out: then it is seen, and no news.
    fn note_sights(&mut self, asked: Instant, items: Vec<(Item, bool)>) {
        for (item, is_dying) in items {
            let before = self.last_sights.insert(item.n, (asked, item.clone()));
            if !is_dying && before.is_none_or(|(_, before)| before != item) {
                self.record.sights.push(item);
            }
        }
    }
}

/// Whether a thing goes where another goes.
fn is_taken_with(item: &Item, other: N) -> bool {
    item.ties.iter().filter(|tie| tie.to == other).any(|tie| {
        KINDS[item.kind]
            .link(tie.kind)
            .is_some_and(|link| match link.taken {
                Taken::Never => false,
                Taken::Always => true,
                Taken::IfMade => item.is_made,
                Taken::IfMarked => item.is_marked,
            })
    })
}

/// A thing as its rule shows it.
fn seen(live: &Live, all: &BTreeMap<N, Live>) -> Seen {
    let item = &live.item;
    let row = &KINDS[item.kind];
    let at = |kind: K, n: N| ThingRef::new(KINDS[kind].name, n.to_string());
    let ties = item.ties.iter();
    let linked = ties.filter_map(|tie| Some((at(tie.kind, tie.to), row.link(tie.kind)?)));
    let mut owners = Vec::new();
    let mut steps = Vec::new();
    for (other, link) in linked {
        if let Some(relation) = link.says {
            owners.push(Owner {
                relation,
                owner: other.clone(),
            });
        }
        match link.goes {
            Goes::Anyhow => {}
            Goes::First => steps.push(Step::Before(other)),
            Goes::Then => steps.push(Step::After(other)),
        }
    }
    let parent = row
        .parent()
        .and_then(|kind| Some(at(kind, item.tie_to(kind)?)));
    let created = match item.age {
        Age::Old => Some("2025-01-01T00:00:00Z"),
        Age::New => Some("2026-06-01T00:00:00Z"),
        Age::Unknown => None,
    };
    Seen {
        thing: Thing {
            at: at(item.kind, item.n),
            name: item.name.text().map(str::to_owned),
            is_cloud_named: item.name == Name::Given,
            project: item.project.map(|project| project.to_string().into()),
            parent,
            created_at: created.and_then(|text| text.parse::<Timestamp>().ok()),
            status: Some(live.status().to_owned()),
            tags: Some(
                item.is_tagged
                    .then(|| "keep".to_owned())
                    .into_iter()
                    .collect(),
            ),
            object: "{}".to_owned(),
        },
        owners,
        steps,
        foreseen: Foreseen {
            takes: takes(item, all),
            makes: Vec::new(),
            is_shared: item.is_shared,
            refused: None,
        },
    }
}

/// What a server's own object says of the volumes that go with it.
fn takes(server: &Item, all: &BTreeMap<N, Live>) -> Vec<ThingRef> {
    if server.kind != SERVER {
        return Vec::new();
    }
    let items = all.values().map(|live| &live.item);
    let marked = items.filter(|item| item.is_marked && item.tie_to(SERVER) == Some(server.n));
    let marked = marked.map(|item| ThingRef::new(KINDS[item.kind].name, item.n.to_string()));
    marked.collect()
}

/// The rule of one service.
pub(crate) struct Service {
    name: Arc<str>,
    kinds: Vec<Arc<Kind>>,
    cloud: Cloud,
}

impl Service {
    /// The rules of the services that somebody looks at.
    pub(crate) fn all(cloud: &Cloud, is_looked_at: &dyn Fn(K) -> bool) -> Vec<Self> {
        let mut rules: BTreeMap<&str, Vec<Arc<Kind>>> = BTreeMap::new();
        for kind in (0..KINDS.len()).filter(|kind| is_looked_at(*kind)) {
            let of_service = rules.entry(KINDS[kind].service()).or_default();
            of_service.push(declared(kind));
        }
        let rules = rules.into_iter();
        rules
            .map(|(name, kinds)| Self {
                name: name.into(),
                kinds,
                cloud: cloud.clone(),
            })
            .collect()
    }

    fn error(&self, function: &'static str, about: String, cause: Cause) -> RuleError {
        RuleError {
            rule: self.name.clone(),
            function,
            about,
            cause,
            has_asked: function == "delete",
        }
    }

    async fn change(&self, thing: &Thing, is_forced: bool) -> Result<Outcome, RuleError> {
        let has_token = self.cloud.step();
        let n = thing.at.id.parse().unwrap_or(N::MAX);
        let (latency, result) = if has_token {
            self.cloud.delete(n, is_forced)
        } else {
            let denied = Cause::Denied("the token is worth nothing".to_owned());
            (Duration::from_millis(20), Err(denied))
        };
        tokio::time::sleep(latency).await;
        result.map_err(|cause| self.error("delete", thing.at.to_string(), cause))
    }
}

/// A kind as its rule declares it, made once.
fn declared(kind: K) -> Arc<Kind> {
    static DECLARED: std::sync::OnceLock<Vec<Arc<Kind>>> = std::sync::OnceLock::new();
    let all = DECLARED.get_or_init(|| {
        (0..KINDS.len())
            .map(|kind| Arc::new(kinds::declared(kind)))
            .collect()
    });
    all[kind].clone()
}

impl Rule for Service {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn kinds(&self) -> &[Arc<Kind>] {
        &self.kinds
    }

    fn listing_limits(&self) -> ListingLimits {
        ListingLimits {
            pages_max: 100,
            relation_bytes_max: usize::MAX,
            things_max: 10_000,
        }
    }

    async fn list(
        &self,
        kind: &Arc<Kind>,
        scope: &ListScope,
        cursor: Option<String>,
    ) -> Result<Page, RuleError> {
        let Some(number) = kinds::by_name(&kind.name) else {
            let unknown = Cause::Other("no such kind".to_owned());
            return Err(self.error("list", kind.name.to_string(), unknown));
        };
        let has_token = self.cloud.step();
        let asked = Instant::now();
        let page = match self.cloud.listing_fault(number) {
            Some(cause) => Err(cause),
            None if !has_token => Err(Cause::Denied("the token is worth nothing".to_owned())),
            None => self.cloud.page(number, scope, cursor.as_deref()),
        };
        tokio::time::sleep(Duration::from_millis(10)).await;
        let mut state = self.cloud.state();
        state.note_listing(number, scope, page.as_ref().err());
        match page {
            Ok((page, items)) => {
                state.note_sights(asked, items);
                Ok(page)
            }
            Err(cause) => Err(self.error("list", kind.name.to_string(), cause)),
        }
    }

    async fn delete(&self, _kind: &Arc<Kind>, thing: &Thing) -> Result<Outcome, RuleError> {
        self.change(thing, false).await
    }

    fn can_force(&self, kind: &Kind) -> bool {
        kind.can_be_forced()
    }

    async fn force(&self, _kind: &Arc<Kind>, thing: &Thing) -> Result<Outcome, RuleError> {
        self.change(thing, true).await
    }

    async fn is_gone(&self, _kind: &Arc<Kind>, _thing: &Thing) -> Result<bool, RuleError> {
        Ok(false)
    }
}
