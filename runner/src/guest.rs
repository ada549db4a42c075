//! Rules as sandboxed components. The only place that knows wasmtime.
//!
//! A [`Component`] is a file that was checked, compiled and asked for its kinds; a [`Guest`] is a component that may talk to a
//! cloud, and does the work of a [`Rule`]. What a rule says about a thing is believed only as far as the object shows it, which
//! the runner itself reads out of a response that it relayed in the same call.

mod bench;
mod bindings;
mod capability;
mod compiler;
mod component;
mod contract;
mod limits;
pub mod reading;
mod recorder;
mod sandbox;
mod tail;
mod words;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::audit::Audit;
use crate::cloud::Session;
use crate::resource::{Kind, ListScope, Owner, Reach, Relation, Seen, Thing, ThingRef};
use crate::rule::{Cause, ListingLimits, Outcome, Page, Rule, RuleError};

use bindings::model;
use capability::{Approved, Budget, Call, Gate, LogBudget, Relayed};
use reading::PageFlaw;
use sandbox::Instance;

pub use bench::{CallCost, StartCost};
pub use compiler::{CompileError, Compiler, compile_in_bounds};
pub use component::{Component, Grants, LoadError, LoadFlaw};
pub use contract::{CONTRACT_VERSION, ContractError, Outline};
pub use limits::Limits;
pub use recorder::Recorder;
pub use sandbox::Sandbox;
pub use words::plain;

/// A component at work in a cloud.
pub struct Guest {
    component: Arc<Component>,
    kinds: Vec<Arc<Kind>>,
    session: Session,
    audit: Option<Audit>,
    failures: AtomicU32,
    is_off: AtomicBool,
    /// Things of which the cloud itself has said that they may count as gone: a rule's word alone is not enough.
    granted: Mutex<HashSet<(ThingRef, Option<String>)>>,
    log_budget: LogBudget,
    recorder: Option<Recorder>,
}

impl Guest {
    /// Puts a component to work. Without an audit log it can look but not change anything.
    pub fn new(component: Arc<Component>, session: Session, audit: Option<Audit>) -> Self {
        let is_there = |kind: &&Arc<Kind>| session.has_service(&kind.service);
        let kinds = component.kinds().iter().filter(is_there).cloned().collect();
        let log_budget = LogBudget::new(component.pool.limits().log_bytes_max);
        Self {
            component,
            kinds,
            session,
            audit,
            failures: AtomicU32::new(0),
            is_off: AtomicBool::new(false),
            granted: Mutex::default(),
            log_budget,
            recorder: None,
        }
    }

    /// Has all that the component asks for and is shown taken down.
    pub fn recorded_by(self, recorder: Recorder) -> Self {
        Self {
            recorder: Some(recorder),
            ..self
        }
    }

    /// Services that the component has kinds for and the cloud does not have.
    pub fn absent_services(&self) -> impl Iterator<Item = &str> {
        let services = self
            .component
            .kinds()
            .iter()
            .map(|kind| kind.service.as_str());
        services.filter(|service| !self.session.has_service(service))
    }

    /// The component.
    pub fn component(&self) -> &Arc<Component> {
        &self.component
    }

    /// The session whose token a call for this kind and project needs.
    async fn session_for(&self, kind: &Kind, project: Option<&str>) -> Result<Session, Cause> {
        match project.filter(|_| self.needs_project_token(kind)) {
            Some(project) => {
                let session = self.session.for_project(project).await;
                session.map_err(|error| Cause::Denied(error.to_string()))
            }
            None => Ok(self.session.clone()),
        }
    }

    /// Whether things of this kind are seen with a token for their project alone: they themselves, or what they are under.
    fn needs_project_token(&self, kind: &Kind) -> bool {
        let kinds = || self.component.kinds().iter().map(|kind| &**kind);
        kind.needs_project_token(&|name| kinds().find(|kind| *kind.name == *name))
    }

    /// Runs a call, and sees to what is the same for all of them: a rule that is off, misdeeds, failures in a row.
    async fn call<T>(
        &self,
        gate: Gate,
        session: Session,
        work: impl AsyncFnOnce(&mut Instance) -> wasmtime::Result<Result<T, Cause>>,
    ) -> Result<T, Cause> {
        if self.is_off.load(Ordering::Relaxed) {
            return Err(Cause::Off(
                "it failed too often, or did what no rule may".to_owned(),
            ));
        }
        let limits = self.component.pool.limits();
        let mut call = Call::new(
            self.component.name.clone(),
            gate,
            Some(session),
            Budget::of(limits),
            self.log_budget.clone(),
        );
        call.recorder.clone_from(&self.recorder);
        let (result, call) = match self.component.pool.run(call, work).await {
            Ok((result, call)) => (result, Some(call)),
            Err((cause, call)) => (Err(cause), call),
        };
        let result = match call.and_then(|call| call.misdeed) {
            Some(deed) => Err(Cause::Misbehaved(deed)),
            None => result.map_err(words::plain_cause),
        };
        self.note(&result).await;
        result
    }

    /// Switches the rule off after a misdeed, or after too many failures in a row.
    async fn note<T>(&self, result: &Result<T, Cause>) {
        match result {
            Err(Cause::Misbehaved(deed)) => {
                self.is_off.store(true, Ordering::Relaxed);
                if let Some(audit) = &self.audit
                    && let Err(error) = audit.refusal(&self.component.name, deed).await
                {
                    tracing::error!("a refusal is not in the audit log: {error}");
                }
            }
            Err(Cause::Crashed(_) | Cause::Limit(_)) => {
                let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
                if failures >= self.component.pool.limits().failures_max {
                    self.is_off.store(true, Ordering::Relaxed);
                }
            }
            Ok(_) | Err(_) => self.failures.store(0, Ordering::Relaxed),
        }
    }

    fn error(&self, function: &'static str, about: impl ToString, cause: Cause) -> RuleError {
        RuleError {
            rule: self.component.name.clone(),
            function,
            about: about.to_string(),
            cause,
        }
    }

    async fn list_page(
        &self,
        kind: &Arc<Kind>,
        scope: &ListScope,
        cursor: Option<String>,
    ) -> Result<Page, Cause> {
        let (project, parent) = match scope {
            ListScope::All => (None, None),
            ListScope::Project(project) => (Some(&**project), None),
            ListScope::Under(parent) => (parent.project.as_deref(), Some(parent.at.clone())),
        };
        let session = self.session_for(kind, project).await?;
        let needs_project_token = self.needs_project_token(kind);
        let limits = self.component.pool.limits();
        let (scope, service) = (model::Scope::from(scope), kind.service.as_str());
        let relative = session.clone();
        self.call(
            Gate::Reading(kind.clone()),
            session,
            async move |instance| {
                let listed = instance
                    .linked
                    .rule
                    .call_list(&mut instance.store, &kind.name, &scope, cursor.as_deref())
                    .await?;
                let page = match listed {
                    Ok(page) => page,
                    Err(error) => {
                        let relayed = &instance.store.data().call.relayed;
                        return Ok(Err(unlisted(error.into(), &scope, relayed)));
                    }
                };
                let relayed = std::mem::take(&mut instance.store.data_mut().call.relayed);
                instance.store.data_mut().call.close();
                let slices = page.slices.iter().map(|it| (it.response, it.at.as_str()));
                let read = match reading::read(kind, parent.as_ref(), slices, &relayed, limits) {
                    Ok(read) => read,
                    Err(flaw) if flaw.is_misdeed() => {
                        return Ok(Err(Cause::Misbehaved(flaw.to_string())));
                    }
                    Err(flaw @ (PageFlaw::TooMany(_) | PageFlaw::TooManySlices(_))) => {
                        return Ok(Err(Cause::Limit(flaw.to_string())));
                    }
                    Err(flaw) => return Ok(Err(Cause::Malformed(flaw.to_string()))),
                };
                drop(relayed);
                let mut things = Vec::with_capacity(read.len());
                for reading::Read { mut thing, object } in read {
                    if needs_project_token && thing.project.is_none() {
                        // The token was for this project, so whatever it shows is the project's, unless it says otherwise: an
                        // administrator's shows more.
                        thing.project = Kind::own_project(&object).or(project).map(Arc::from);
                    }
                    match describe(instance, limits, kind, thing, &object).await? {
                        Ok(seen) => things.push(seen),
                        Err(cause) => return Ok(Err(cause)),
                    }
                }
                let next = next_cursor(&relative, service, page.next, limits.cursor_bytes_max);
                Ok(next.map(|next| Page { things, next }))
            },
        )
        .await
    }

    async fn delete_thing(
        &self,
        kind: &Arc<Kind>,
        thing: &Thing,
        is_forced: bool,
    ) -> Result<Outcome, Cause> {
        let Some(audit) = self.audit.clone() else {
            return Err(Cause::Other(
                "without an audit log nothing is changed".to_owned(),
            ));
        };
        let object: Value = serde_json::from_str(&thing.object)
            .map_err(|_| Cause::Malformed("its object is no JSON".to_owned()))?;
        let session = self.session_for(kind, thing.project.as_deref()).await?;
        let item = model::Item::from(thing);
        let is_granted = Arc::new(AtomicBool::new(false));
        let approved = Approved {
            kind: kind.clone(),
            thing: thing.clone(),
            object,
            audit,
            is_granted: is_granted.clone(),
            is_forced,
        };
        let deleted = self.call(
            Gate::Deleting(Box::new(approved)),
            session,
            async |instance| {
                let Instance { store, linked } = instance;
                let deleted = match linked.force.as_ref().filter(|_| is_forced) {
                    Some(force) => force.call_force(store, &kind.name, &item).await?,
                    None => linked.rule.call_delete(store, &kind.name, &item).await?,
                };
                Ok(deleted.map(Outcome::from).map_err(Cause::from))
            },
        );
        let deleted = deleted.await;
        if is_granted.load(Ordering::Relaxed) {
            self.granted().insert(identity(kind, thing));
        }
        deleted
    }

    fn granted(&self) -> MutexGuard<'_, HashSet<(ThingRef, Option<String>)>> {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask_gone(&self, kind: &Arc<Kind>, thing: &Thing) -> Result<bool, Cause> {
        if !self.component.pool.has_presence() || !self.granted().contains(&identity(kind, thing)) {
            return Ok(false);
        }
        let session = self.session_for(kind, thing.project.as_deref()).await?;
        let item = model::Item::from(thing);
        self.call(Gate::Reading(kind.clone()), session, async |instance| {
            let Some(presence) = &instance.linked.presence else {
                return Ok(Ok(false));
            };
            Ok(presence
                .call_gone(&mut instance.store, &kind.name, &item)
                .await?
                .map_err(Cause::from))
        })
        .await
    }
}

impl Rule for Guest {
    fn name(&self) -> &Arc<str> {
        &self.component.name
    }

    fn kinds(&self) -> &[Arc<Kind>] {
        &self.kinds
    }

    fn listing_limits(&self) -> ListingLimits {
        let limits = self.component.pool.limits();
        ListingLimits {
            pages_max: limits.pages_max,
            things_max: limits.things_max,
            relation_bytes_max: limits.relation_bytes_max,
        }
    }

    async fn list(
        &self,
        kind: &Arc<Kind>,
        scope: &ListScope,
        cursor: Option<String>,
    ) -> Result<Page, RuleError> {
        self.list_page(kind, scope, cursor)
            .await
            .map_err(|cause| self.error("list", &kind.name, cause))
    }

    async fn delete(&self, kind: &Arc<Kind>, thing: &Thing) -> Result<Outcome, RuleError> {
        self.delete_thing(kind, thing, false)
            .await
            .map_err(|cause| self.error("delete", &thing.at, cause))
    }

    fn can_force(&self, kind: &Kind) -> bool {
        kind.can_be_forced() && self.component.pool.has_force()
    }

    async fn force(&self, kind: &Arc<Kind>, thing: &Thing) -> Result<Outcome, RuleError> {
        self.delete_thing(kind, thing, true)
            .await
            .map_err(|cause| self.error("force", &thing.at, cause))
    }

    async fn is_gone(&self, kind: &Arc<Kind>, thing: &Thing) -> Result<bool, RuleError> {
        let answer = self.ask_gone(kind, thing).await;
        let answer = answer.map_err(|cause| self.error("gone", &thing.at, cause));
        // Whoever asks takes a failure for a no, and what the rule did would go unsaid.
        answer.inspect_err(|error| tracing::warn!("{error}"))
    }
}

/// By what a thing is known, also where its id is not the only one of its sort.
fn identity(kind: &Kind, thing: &Thing) -> (ThingRef, Option<String>) {
    (thing.at.clone(), kind.within(thing).map(str::to_owned))
}

/// Asks a rule for a thing's name, owners and order, and checks them against its object.
async fn describe(
    instance: &mut Instance,
    limits: &Limits,
    kind: &Kind,
    mut thing: Thing,
    object: &Value,
) -> wasmtime::Result<Result<Seen, Cause>> {
    let item = model::Item::from(&thing);
    let Instance { store, linked } = instance;
    thing.name = linked
        .rule
        .call_name(&mut *store, &kind.name, &item)
        .await?
        .filter(|name| !name.is_empty());
    thing.is_cloud_named = thing.name.is_none() && kind.has_name(object);
    if let Some(Err(flaw)) = thing
        .name
        .as_deref()
        .map(|name| kind.check_name(&thing.at, object, name))
    {
        return Ok(Err(Cause::Misbehaved(flaw.to_string())));
    }
    let mut owners = Vec::new();
    if let Some(exported) = linked
        .owners
        .as_ref()
        .filter(|_| !kind.owners.is_empty() || thing.parent.is_some())
    {
        owners.extend(
            exported
                .call_owners(&mut *store, &kind.name, &item)
                .await?
                .into_iter()
                .map(Into::into),
        );
    }
    if owners.len() > limits.relations_max {
        return Ok(Err(limits.too_many_relations(&thing.at)));
    }
    if let Err(flaw) = kind.check_owners(&thing, object, &owners) {
        return Ok(Err(Cause::Misbehaved(flaw.to_string())));
    }
    let is_part = !kind.effects.is_witness;
    if let (Reach::UnderDeleted(_), Some(parent), true) = (&kind.reach, &thing.parent, is_part) {
        owners.push(Owner {
            relation: Relation::PartOf,
            owner: parent.clone(),
        });
    }
    let mut steps = Vec::new();
    if let Some(exported) = &linked.order {
        steps.extend(
            exported
                .call_order(&mut *store, &kind.name, &item)
                .await?
                .into_iter()
                .map(Into::into),
        );
    }
    if steps.len() > limits.relations_max {
        return Ok(Err(limits.too_many_relations(&thing.at)));
    }
    Ok(Ok(Seen {
        thing,
        owners,
        steps,
        foreseen: kind.effects.foresee(object),
    }))
}

impl Limits {
    fn too_many_relations(&self, of: &ThingRef) -> Cause {
        Cause::Limit(format!("relations_max = {} for {of}", self.relations_max))
    }
}

/// A collection that is not there is no empty one: it is not called so, or is of another version. Under a parent it went with
/// that.
fn unlisted(cause: Cause, scope: &model::Scope, relayed: &[Relayed]) -> Cause {
    match (cause, scope, relayed.last()) {
        (Cause::NotFound, model::Scope::All | model::Scope::Project(_), Some(last)) => {
            let path = &last.path;
            Cause::Other(format!(
                "not found: {path} is no collection of this service; compare it with the API's documentation"
            ))
        }
        (cause, ..) => cause,
    }
}

/// An absolute URL is the API's own link to the next page, and becomes a path below the service's endpoint. Anything else is the
/// rule's own cursor.
fn next_cursor(
    session: &Session,
    service: &str,
    next: Option<String>,
    bytes_max: usize,
) -> Result<Option<String>, Cause> {
    match next {
        Some(cursor) if cursor.len() > bytes_max => {
            Err(Cause::Limit(format!("cursor_bytes_max = {bytes_max}")))
        }
        Some(link) if link.contains("://") => match session.relative(service, &link) {
            Ok(path) => Ok(Some(path)),
            Err(error) => Err(Cause::Misbehaved(format!(
                "the link to the next page leads elsewhere: {error}"
            ))),
        },
        other => Ok(other),
    }
}
