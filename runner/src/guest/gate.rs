//! The gate: what a call may send, and what the cloud has said of the thing that is to go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::Value;

use super::bindings::http;
use crate::audit::{Answer, Audit, Intention, IntentionId, RequestOutcome};
use crate::cloud::path::RelativePath;
use crate::cloud::{self, Method, Session};
use crate::resource::template::encode;
use crate::resource::{Kind, Template, Thing};

/// What a call may send.
pub(super) enum Gate {
    /// Nothing: the call is pure.
    Closed,
    /// GET and HEAD to the kind's service; about the thing with this id, or what is under it.
    Reading(Arc<Kind>, Option<Arc<str>>),
    /// Also the kind's templates, for this thing.
    Deleting(Box<Approved>),
}

/// The one thing that a call may delete.
pub(super) struct Approved {
    pub(super) kind: Arc<Kind>,
    pub(super) thing: Thing,
    pub(super) object: Value,
    pub(super) audit: Audit,
    /// What the cloud has said.
    pub(super) evidence: Arc<Evidence>,
    /// Whether the operator insists, so that forced requests pass.
    pub(super) is_forced: bool,
}

/// What the cloud has said in a call about the thing that is to go.
#[derive(Default)]
pub(super) struct Evidence {
    /// A request that changes something is on its way, or was.
    asked: AtomicBool,
    /// Yes to a change, or that there is nothing to change: so it may be gone.
    answered: AtomicBool,
    /// Yes to its deletion: so it may count as gone while it is still listed.
    deleted: AtomicBool,
}

impl Evidence {
    pub(super) fn note(&self, is_deletion: bool) {
        self.answered.store(true, Ordering::Relaxed);
        self.deleted.fetch_or(is_deletion, Ordering::Relaxed);
    }

    pub(super) fn note_request(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    pub(super) fn may_be_gone(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    pub(super) fn was_deleted(&self) -> bool {
        self.deleted.load(Ordering::Relaxed)
    }
}

/// A request that may be sent.
pub(super) struct Admitted {
    pub(super) session: Session,
    pub(super) request: cloud::Request,
    pub(super) aim: Aim,
}

/// What a request has to do with the thing that is to go.
#[derive(Clone, Copy, Default)]
pub(super) struct Aim {
    /// It changes it, or asks for it.
    pub(super) is_thing: bool,
    /// It is what deletes it.
    pub(super) is_deletion: bool,
}

impl Admitted {
    pub(super) async fn send(&self) -> Result<cloud::Response, cloud::Error> {
        self.session.send(self.request.clone()).await
    }

    /// Whether an answer with this status says that the thing may be gone.
    pub(super) fn speaks_of_an_end(&self, status: u16) -> bool {
        let is_absent = matches!(status, 404 | 410);
        let is_done = !self.request.method.is_read() && (200..300).contains(&status);
        self.aim.is_thing && (is_absent || is_done)
    }

    /// Whether such an answer counts though the thing is still listed: the service has taken the deletion on. That there is nothing
    /// to delete says something of a path that nobody may know, and of a thing only where it is no thing of its own: a project that
    /// has never had a quota is shown one.
    pub(super) fn agrees_to_an_end(&self, status: u16, kind: &Kind) -> bool {
        let is_done = (200..300).contains(&status);
        self.aim.is_deletion && (is_done || kind.fields.id.is_empty())
    }
}

/// Why a request is not sent.
pub(super) enum NotAdmitted {
    /// No rule may ask for it.
    Misdeed(String),
    /// The rule may ask for it, and no path can say it.
    Unfit,
    /// The call has been shown all that it may be.
    Spent,
}

impl From<&str> for NotAdmitted {
    fn from(why: &str) -> Self {
        Self::Misdeed(why.to_owned())
    }
}

/// Why a request is not sent that a rule may ask for.
pub(super) const UNFIT: &str = "no path can hold its name: a slash, a backslash, a dot segment, or an encoded or control character";

/// Why nothing more is sent.
pub(super) const SPENT: &str = "the limit answers_bytes_max of one call is used up";

impl Gate {
    /// The kind that the call is about.
    pub(super) fn kind(&self) -> Option<&Arc<Kind>> {
        match self {
            Self::Closed => None,
            Self::Reading(kind, _) => Some(kind),
            Self::Deleting(approved) => Some(&approved.kind),
        }
    }

    /// Whether a path is refused for nothing but a name in it, as the cloud gives it: of the thing that the call is about, or of what
    /// that is under. Whoever may give names can so keep his things from being looked at, but makes no honest rule a liar.
    pub(super) fn has_unfit_name(&self, path: &str) -> bool {
        let names: Vec<String> = match self {
            Self::Closed => Vec::new(),
            Self::Reading(_, about) => about.iter().map(|id| encode(id)).collect(),
            Self::Deleting(approved) => {
                let Thing { at, parent, .. } = &approved.thing;
                let ids = [Some(&at.id), parent.as_ref().map(|it| &it.id)];
                ids.into_iter().flatten().map(|id| encode(id)).collect()
            }
        };
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        let segments = path.split('/');
        let others = segments.map(|it| match names.iter().any(|name| name == it) {
            true => "x",
            false => it,
        });
        let others = others.collect::<Vec<_>>().join("/");
        others != path && RelativePath::parse(&others).is_ok()
    }
}

impl Approved {
    /// The templates that count in this call.
    pub(super) fn templates(&self) -> impl Iterator<Item = &Template> {
        let templates = self.kind.requests.iter();
        templates.filter(|it| self.is_forced || !it.is_forced())
    }

    pub(super) fn declared(&self, request: &http::Request, method: Method) -> Option<&Template> {
        let (path, method) = (&request.path, method.as_str());
        let body = request.body.as_deref().filter(|body| !body.is_empty());
        let body: Option<Value> = body.map(serde_json::from_str).transpose().ok()?;
        let is_equal =
            |it: &&Template| it.equals(&self.thing, &self.object, method, path, body.as_ref());
        let mut templates = self.templates();
        templates.find(is_equal)
    }

    /// Whether a path, whatever its query, is where the thing itself is deleted.
    pub(super) fn is_at(&self, path: &str) -> bool {
        let mut templates = self.kind.requests.iter();
        templates.any(|it| it.is_path_of(&self.thing, &self.object, path))
    }

    /// Whether a request deletes the thing: by a DELETE, or where its kind has none, by what comes last.
    pub(super) fn is_deletion(&self, template: &Template) -> bool {
        let ordinary = || self.kind.requests.iter().filter(|it| !it.is_forced());
        let last = ordinary()
            .next_back()
            .filter(|_| !ordinary().any(Template::is_deletion));
        template.is_deletion() || last == Some(template)
    }
}

/// A change that is in the audit log and about to be sent.
pub(super) struct Intended {
    audit: Audit,
    id: IntentionId,
    sent: Instant,
}

impl Intended {
    pub(super) async fn record(
        approved: &Approved,
        rule: &str,
        request: &cloud::Request,
    ) -> Result<Self, String> {
        let Approved { thing, audit, .. } = approved;
        let intention = Intention {
            rule: rule.to_owned(),
            kind: thing.at.kind.to_string(),
            id: thing.at.id.to_string(),
            name: thing.name.clone(),
            project: thing.project.as_deref().map(str::to_owned),
            method: request.method.as_str().to_owned(),
            service: request.service.clone(),
            path: request.path.clone(),
            body: request.body.clone(),
        };
        let id = audit
            .intention(&intention)
            .await
            .map_err(|error| format!("the audit log cannot be written: {error}"))?;
        Ok(Self {
            audit: audit.clone(),
            id,
            sent: Instant::now(),
        })
    }

    pub(super) async fn came_to(self, result: &Result<cloud::Response, cloud::Error>) {
        let (answer, request_id) = match result {
            Ok(response) => (Answer::Status(response.status), response.request_id.clone()),
            Err(error) => (
                Answer::Error(error.to_string()),
                error.request_id().map(str::to_owned),
            ),
        };
        let ms = u64::try_from(self.sent.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Err(error) = self
            .audit
            .outcome(
                self.id,
                RequestOutcome {
                    answer,
                    request_id,
                    ms,
                },
            )
            .await
        {
            tracing::error!("the outcome of a request is not in the audit log: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{Effects, Fields, Reach};

    fn kind() -> Kind {
        Kind {
            name: "messaging.subscription".into(),
            service: "messaging".to_owned(),
            reach: Reach::Projects,
            fields: Fields::default(),
            owners: Vec::new(),
            after: Vec::new(),
            requests: Vec::new(),
            reads: Vec::new(),
            sees: Vec::new(),
            failed_states: Vec::new(),
            effects: Effects::default(),
        }
    }

    #[test]
    fn a_name_that_no_path_holds_is_told_from_a_path_that_leads_astray() {
        for (name, path, is_to_blame) in [
            ("..", "/v2/queues/../subscriptions?limit=2", true),
            ("a\\b", "/v2/queues/a%5Cb/subscriptions", true),
            ("a%2Fb", "/v2/queues/a%252Fb/subscriptions", true),
            ("a\nb", "/v2/queues/a%0Ab/subscriptions", true),
            ("..", "/v2/queues/../../subscriptions/x%2Fy", false),
            ("a\\b", "/v2/queues/a%5Cb/../flavors", false),
            ("queue", "/v2/queues/../flavors", false),
        ] {
            assert!(RelativePath::parse(path).is_err(), "{path}");
            let gate = Gate::Reading(Arc::new(kind()), Some(name.into()));
            assert_eq!(gate.has_unfit_name(path), is_to_blame, "{name:?} {path}");
        }
    }
}
