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
mod describing;
mod gate;
mod kept;
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
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::audit::Audit;
use crate::cloud::{self, ErrorKind, Session};
use crate::resource::{Kind, ListScope, Thing, ThingRef};
use crate::rule::{Cause, ListingLimits, Outcome, Page, Rule, RuleError};

use bindings::model;
use capability::{Budget, Call, LogBudget, Relayed};
use describing::Relations;
use gate::{Approved, Evidence, Gate};
use kept::Kept;
use reading::{PageFlaw, without_query};
use sandbox::Instance;

pub use bench::{CallCost, StartCost};
pub use compiler::{CompileError, Compiler, compile_in_bounds};
pub use component::{Component, Grants, LoadError, LoadFlaw};
pub use contract::{CONTRACT_VERSION, ContractError, Outline};
pub use limits::Limits;
pub use recorder::Recorder;
pub use sandbox::Sandbox;

/// So many times `failures_max` are the most failures of a run: a rule that fails every other time is of no use to anybody.
const FAILURES_IN_ALL: u32 = 10;

/// A component at work in a cloud. Cheap to clone: clones are the same rule at the same work.
#[derive(Clone)]
pub struct Guest {
    component: Arc<Component>,
    kinds: Arc<[Arc<Kind>]>,
    /// Kinds of other rules, which its own may be listed under.
    others: Arc<[Arc<Kind>]>,
    session: Session,
    audit: Option<Audit>,
    conduct: Arc<Conduct>,
    log_budget: LogBudget,
    recorder: Option<Recorder>,
    /// After which no deletion begins.
    stop: CancellationToken,
}

/// What a rule's calls have come to so far.
#[derive(Default)]
struct Conduct {
    /// Failures in a row.
    failures: AtomicU32,
    /// Failures of the whole run.
    failures_in_all: AtomicU32,
    is_off: AtomicBool,
    /// Things of which the cloud itself has said that they may count as gone: a rule's word alone is not enough.
    granted: Mutex<HashSet<(ThingRef, Option<String>)>>,
    kept: Kept,
}

impl Conduct {
    /// Takes note of a failure. Too many in a row switch the rule off, and so do too many in all.
    fn failed(&self, max: u32) {
        let count = |failures: &AtomicU32| failures.fetch_add(1, Ordering::Relaxed) + 1;
        let (in_a_row, in_all) = (count(&self.failures), count(&self.failures_in_all));
        if in_a_row >= max || in_all >= max.saturating_mul(FAILURES_IN_ALL) {
            self.is_off.store(true, Ordering::Relaxed);
        }
    }

    fn succeeded(&self) {
        self.failures.store(0, Ordering::Relaxed);
    }
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
            others: Arc::default(),
            session,
            audit,
            conduct: Arc::default(),
            log_budget,
            recorder: None,
            stop: CancellationToken::new(),
        }
    }

    /// Has no deletion begin after this, though it may have been waiting for an instance.
    pub fn stopped_by(self, stop: CancellationToken) -> Self {
        Self { stop, ..self }
    }

    /// Tells it the kinds of other rules: what one of its own is listed under may be another's.
    pub fn beside(self, others: Arc<[Arc<Kind>]>) -> Self {
        Self { others, ..self }
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
                session.map_err(|error| no_token(&error))
            }
            None => Ok(self.session.clone()),
        }
    }

    /// Whether things of this kind are seen with a token for their project alone: they themselves, or what they are under, whichever
    /// rule lists that.
    fn needs_project_token(&self, kind: &Kind) -> bool {
        let kinds = || self.component.kinds().iter().chain(&*self.others);
        kind.needs_project_token(&|name| {
            kinds().find(|kind| *kind.name == *name).map(|kind| &**kind)
        })
    }

    /// Runs a call, and sees to what is the same for all of them: a rule that is off, misdeeds, failures in a row.
    async fn call<T>(
        &self,
        gate: Gate,
        session: Session,
        work: impl AsyncFnOnce(&mut Instance) -> wasmtime::Result<Result<T, Cause>>,
    ) -> Result<T, Cause> {
        if self.conduct.is_off.load(Ordering::Relaxed) {
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
        )
        .reading(self.component.reads.clone());
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

    /// Switches the rule off after a misdeed, or after too many failures in a row or in all.
    async fn note<T>(&self, result: &Result<T, Cause>) {
        match result {
            Err(Cause::Misbehaved(deed)) => {
                self.conduct.is_off.store(true, Ordering::Relaxed);
                if let Some(audit) = &self.audit
                    && let Err(error) = audit.refusal(&self.component.name, deed).await
                {
                    tracing::error!("a refusal is not in the audit log: {error}");
                }
            }
            Err(Cause::Crashed(_) | Cause::Limit(_)) => {
                self.conduct
                    .failed(self.component.pool.limits().failures_max);
            }
            Ok(_) | Err(_) => self.conduct.succeeded(),
        }
    }

    fn error(&self, function: &'static str, about: impl ToString, cause: Cause) -> RuleError {
        RuleError {
            rule: self.component.name.clone(),
            function,
            about: about.to_string(),
            cause,
            has_asked: false,
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
        let (place, is_first) = (scope, cursor.is_none());
        let (scope, service) = (model::Scope::from(scope), kind.service.as_str());
        let relative = session.clone();
        let about = parent.as_ref().map(|parent| parent.id.clone());
        self.call(
            Gate::Reading(kind.clone(), about),
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
                let read = || reading::read(kind, parent.as_ref(), slices, &relayed, limits);
                let read = match instance.store.data_mut().bill(read)? {
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
                let mut relations = Relations::of(limits);
                let view = kind.view();
                for mut read in read {
                    if needs_project_token && read.thing.project.is_none() {
                        // The token was for this project, so whatever it shows is the project's, unless it says otherwise: an
                        // administrator's shows more.
                        read.thing.project = project.map(Arc::from);
                    }
                    let described =
                        describing::describe(instance, &mut relations, kind, &view, read);
                    match described.await? {
                        Ok(seen) => things.push(seen),
                        Err(cause) => return Ok(Err(cause)),
                    }
                }
                let kept = &self.conduct.kept;
                if let Err(cause) = kept.add(&kind.name, place, is_first, &things, limits) {
                    return Ok(Err(cause));
                }
                let next = next_cursor(&relative, service, page.next, limits.cursor_bytes_max);
                Ok(next.map(|next| Page { things, next }))
            },
        )
        .await
    }

    /// Notes in `evidence` what the cloud was asked and has answered, whatever becomes of the call.
    async fn delete_thing(
        &self,
        kind: &Arc<Kind>,
        thing: &Thing,
        is_forced: bool,
        evidence: Arc<Evidence>,
    ) -> Result<Outcome, Cause> {
        let Some(audit) = self.audit.clone() else {
            return Err(Cause::Other(
                "without an audit log nothing is changed".to_owned(),
            ));
        };
        let object: Value = serde_json::from_str(&thing.object)
            .map_err(|_| Cause::Malformed("its object is no JSON".to_owned()))?;
        let session = self.session_for(kind, thing.project.as_deref()).await?;
        let item = model::Item::of(thing, &kind.view());
        let approved = Approved {
            kind: kind.clone(),
            thing: thing.clone(),
            object,
            audit,
            evidence: evidence.clone(),
            is_forced,
        };
        let relations_max = self.component.pool.limits().relations_max;
        let deleted = self.call(
            Gate::Deleting(Box::new(approved)),
            session,
            async |instance| {
                if self.stop.is_cancelled() {
                    let why = "the run was interrupted before this began";
                    return Ok(Err(Cause::Other(why.to_owned())));
                }
                let Instance { store, linked } = instance;
                let deleted = match linked.force.as_ref().filter(|_| is_forced) {
                    Some(force) => force.call_force(store, &kind.name, &item).await?,
                    None => linked.rule.call_delete(store, &kind.name, &item).await?,
                };
                Ok(match deleted {
                    Ok(model::Outcome::Gone) | Err(model::RuleError::NotFound)
                        if !evidence.may_be_gone() =>
                    {
                        Err(Cause::Misbehaved(format!(
                            "it says that {} is gone, and no answer of the cloud in this call does",
                            thing.at
                        )))
                    }
                    Ok(model::Outcome::Blocked(by)) if by.len() > relations_max => {
                        Err(describing::too_many_relations(relations_max, &thing.at))
                    }
                    deleted => deleted.map(Outcome::from).map_err(Cause::from),
                })
            },
        );
        let deleted = deleted.await;
        if evidence.was_deleted() {
            self.granted().insert(identity(kind, thing));
        }
        deleted
    }

    async fn end(
        &self,
        function: &'static str,
        kind: &Arc<Kind>,
        thing: &Thing,
        is_forced: bool,
    ) -> Result<Outcome, RuleError> {
        let evidence = Arc::new(Evidence::default());
        let (guest, asked, doomed) = (self.clone(), kind.clone(), thing.clone());
        let noted = evidence.clone();
        let ended =
            on_own_task(async move { guest.delete_thing(&asked, &doomed, is_forced, noted).await });
        ended.await.map_err(|cause| RuleError {
            has_asked: evidence.has_asked(),
            ..self.error(function, &thing.at, cause)
        })
    }

    fn granted(&self) -> MutexGuard<'_, HashSet<(ThingRef, Option<String>)>> {
        let granted = self.conduct.granted.lock();
        granted.unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask_gone(&self, kind: &Arc<Kind>, thing: &Thing) -> Result<bool, Cause> {
        if !self.component.pool.has_presence() || !self.granted().contains(&identity(kind, thing)) {
            return Ok(false);
        }
        let session = self.session_for(kind, thing.project.as_deref()).await?;
        let item = model::Item::of(thing, &kind.view());
        let gate = Gate::Reading(kind.clone(), Some(thing.at.id.clone()));
        self.call(gate, session, async |instance| {
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
        let (guest, asked, scope) = (self.clone(), kind.clone(), scope.clone());
        on_own_task(async move { guest.list_page(&asked, &scope, cursor).await })
            .await
            .map_err(|cause| self.error("list", &kind.name, cause))
    }

    async fn delete(&self, kind: &Arc<Kind>, thing: &Thing) -> Result<Outcome, RuleError> {
        self.end("delete", kind, thing, false).await
    }

    fn can_force(&self, kind: &Kind) -> bool {
        kind.can_be_forced() && self.component.pool.has_force()
    }

    async fn force(&self, kind: &Arc<Kind>, thing: &Thing) -> Result<Outcome, RuleError> {
        self.end("force", kind, thing, true).await
    }

    async fn is_gone(&self, kind: &Arc<Kind>, thing: &Thing) -> Result<bool, RuleError> {
        let (guest, asked, doomed) = (self.clone(), kind.clone(), thing.clone());
        on_own_task(async move { guest.ask_gone(&asked, &doomed).await })
            .await
            .map_err(|cause| self.error("gone", &thing.at, cause))
            // Whoever asks takes a failure for a no, and what the rule did would go unsaid.
            .inspect_err(|error| tracing::warn!("{error}"))
    }
}

/// Runs a call on a task of its own: what a rule computes, and what the runner makes of its statements, holds up no other rule,
/// no limit of time and no interruption. A call that nobody waits for any more ends where it next pauses.
async fn on_own_task<T: Send + 'static>(
    call: impl Future<Output = Result<T, Cause>> + Send + 'static,
) -> Result<T, Cause> {
    let ended = AbortOnDropHandle::new(tokio::spawn(call)).await;
    ended.unwrap_or_else(|ended| match ended.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Err(Cause::Other("the runner is shutting down".to_owned())),
    })
}

/// By what a thing is known, also where its id is not the only one of its sort.
fn identity(kind: &Kind, thing: &Thing) -> (ThingRef, Option<String>) {
    (thing.at.clone(), kind.within(thing).map(str::to_owned))
}

/// A collection that is not there is no empty one: it is not called so, or is of another version. Under a parent it went with
/// that.
fn unlisted(cause: Cause, scope: &model::Scope, relayed: &[Relayed]) -> Cause {
    match (cause, scope, relayed.last()) {
        (Cause::NotFound, model::Scope::All | model::Scope::Project(_), Some(last)) => {
            let path = without_query(&last.path);
            Cause::Other(format!(
                "not found: {path} is no collection of this service; compare it with the API's documentation"
            ))
        }
        (cause, ..) => cause,
    }
}

/// Why there is no token for a project: only Keystone's own refusal is one, anything else may pass.
fn no_token(error: &cloud::Error) -> Cause {
    let why = error.to_string();
    match error.kind() {
        ErrorKind::NotAuthenticated | ErrorKind::Denied => Cause::Denied(why),
        ErrorKind::Throttled => Cause::Throttled(why),
        ErrorKind::Timeout | ErrorKind::Unreachable => Cause::Unavailable(why),
        ErrorKind::Malformed if error.status().is_some_and(|status| status >= 500) => {
            Cause::Unavailable(why)
        }
        ErrorKind::Malformed => Cause::Malformed(why),
        _ => Cause::Other(why),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A success in between takes a row back, and not what there was in all.
    #[test]
    fn too_many_failures_in_all_switch_a_rule_off() {
        let conduct = Conduct::default();
        let is_off = || conduct.is_off.load(Ordering::Relaxed);
        for _ in 1..3 * FAILURES_IN_ALL {
            conduct.failed(3);
            conduct.succeeded();
            assert!(!is_off());
        }
        conduct.failed(3);
        assert!(is_off());
    }
}
