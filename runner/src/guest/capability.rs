//! What a rule is given: requests to the cloud's services, and lines for the log.
//!
//! The gate is here. Whatever a rule asks for, a request leaves only if the call that it is in allows it: none in a pure call, GET
//! and HEAD while listing, and while deleting also exactly what the kind's templates say for the one thing that was approved. A
//! refused request is a misdeed: it is recorded with the call, whatever the rule makes of the error it gets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use futures_util::{StreamExt, stream};
use serde_json::Value;

use super::bindings::{http, logging, model};
use super::limits::Limits;
use super::recorder::Recorder;
use super::sandbox::State;
use super::words::plain;
use crate::audit::{Answer, Audit, Intention, IntentionId, Outcome};
use crate::cloud::{self, ErrorKind, Method, Session};
use crate::resource::object::without_secrets;
use crate::resource::{Kind, Thing};

/// Request headers that a rule may set.
const REQUEST_HEADERS: &[&str] = &["accept", "content-type", "if-match", "if-none-match"];

/// Response headers that a rule may see.
const RESPONSE_HEADERS: &[&str] = &[
    "content-type",
    "etag",
    "link",
    "next-page",
    "retry-after",
    "x-openstack-request-id",
    "x-total-count",
];

/// Requests of one `send-all` that are under way at once.
const SENT_AT_ONCE: usize = 32;

/// What a call may send.
pub(super) enum Gate {
    /// Nothing: the call is pure.
    Closed,
    /// GET and HEAD to the kind's service.
    Reading(Arc<Kind>),
    /// Also the kind's templates, for this thing.
    Deleting(Box<Approved>),
}

/// The one thing that a call may delete.
pub(super) struct Approved {
    pub(super) kind: Arc<Kind>,
    pub(super) thing: Thing,
    pub(super) object: Value,
    pub(super) audit: Audit,
    /// Set once the cloud has said yes to a change, or that there is nothing to change.
    pub(super) is_granted: Arc<AtomicBool>,
    /// Whether the operator insists, so that forced requests pass.
    pub(super) is_forced: bool,
}

/// A response that was handed to the rule in this call.
#[derive(Clone, Debug)]
pub struct Relayed {
    /// Path of the request, without its query.
    pub path: String,
    /// The body, as the rule got it.
    pub body: String,
}

/// Bytes that a rule may still write to the log. All its calls share it.
#[derive(Clone, Default)]
pub(super) struct LogBudget(Arc<AtomicUsize>);

impl LogBudget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    /// Takes so many bytes. What does not fit ends the budget: a log with holes would mislead.
    fn take(&self, bytes: usize) -> bool {
        let spent = |left: usize| Some(left.saturating_sub(bytes));
        let left = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spent);
        left.is_ok_and(|left| bytes <= left)
    }
}

/// What one call may still ask for and be shown.
#[derive(Clone, Copy, Default)]
pub(super) struct Budget {
    requests: u32,
    answer_bytes: usize,
}

impl Budget {
    pub(super) fn of(limits: &Limits) -> Self {
        Self {
            requests: limits.requests_max,
            answer_bytes: limits.answers_bytes_max,
        }
    }
}

/// One call's rights, and what it did with them.
pub(super) struct Call {
    rule: Arc<str>,
    gate: Gate,
    session: Option<Session>,
    budget: Budget,
    log_budget: LogBudget,
    /// Who takes down what is asked and shown, if somebody does.
    pub(super) recorder: Option<Recorder>,
    /// Responses by their number, kept while reading.
    pub(super) relayed: Vec<Relayed>,
    /// The first thing that the rule asked for and must not.
    pub(super) misdeed: Option<String>,
}

impl Call {
    /// A call that may do nothing.
    pub(super) fn closed() -> Self {
        Self::new(
            Arc::from(""),
            Gate::Closed,
            None,
            Budget::default(),
            LogBudget::default(),
        )
    }

    pub(super) fn new(
        rule: Arc<str>,
        gate: Gate,
        session: Option<Session>,
        budget: Budget,
        log_budget: LogBudget,
    ) -> Self {
        Self {
            rule,
            gate,
            session,
            budget,
            log_budget,
            recorder: None,
            relayed: Vec::new(),
            misdeed: None,
        }
    }

    /// Writes a line to the run's log under the rule's name.
    pub(super) fn log(&self, level: logging::Level, message: &str) {
        if !self.log_budget.take(message.len()) {
            return;
        }
        let (rule, message) = (&self.rule, plain(message));
        match level {
            logging::Level::Debug => tracing::debug!(%rule, "{message}"),
            logging::Level::Info => tracing::info!(%rule, "{message}"),
            logging::Level::Warn => tracing::warn!(%rule, "{message}"),
            logging::Level::Error => tracing::error!(%rule, "{message}"),
        }
    }

    /// Ends the right to send requests: what follows in the same instance is pure.
    pub(super) fn close(&mut self) {
        self.gate = Gate::Closed;
    }

    /// Checks a request. What passes is ready to be sent.
    fn admit(
        &mut self,
        request: &http::Request,
    ) -> Result<(Session, cloud::Request), http::HttpError> {
        if self.misdeed.is_some() {
            return Err(http::HttpError::Refused(
                "this call has asked for what it must not".to_owned(),
            ));
        }
        match self.check(request) {
            Ok(admitted) => Ok(admitted),
            Err(why) => {
                let deed = plain(&format!(
                    "{} {} to {}: {why}",
                    method(request.method),
                    request.path,
                    request.service
                ));
                tracing::warn!(rule = %self.rule, "refused {deed}");
                self.misdeed = Some(deed);
                Err(http::HttpError::Refused(why))
            }
        }
    }

    fn check(&mut self, request: &http::Request) -> Result<(Session, cloud::Request), String> {
        let (kind, approved) = match &self.gate {
            Gate::Closed => return Err("no request may be sent in this function".to_owned()),
            Gate::Reading(kind) => (kind, None),
            Gate::Deleting(approved) => (&approved.kind, Some(approved)),
        };
        if request.service != kind.service {
            return Err(format!(
                "{} belongs to the service {:?}, and only that may be asked",
                kind.name, kind.service
            ));
        }
        let method = method(request.method);
        let mut is_name_below_parent = false;
        if !method.is_read() {
            let Some(approved) = approved else {
                return Err("only GET and HEAD may be sent outside delete".to_owned());
            };
            let (thing, object) = (&approved.thing, &approved.object);
            let body = request.body.as_deref();
            let templates = kind.requests.iter();
            let mut templates = templates.filter(|it| approved.is_forced || !it.is_forced());
            let declared = templates
                .clone()
                .find(|it| it.matches(thing, object, method.as_str(), &request.path, body));
            is_name_below_parent = declared.is_some_and(|it| it.is_name_below_parent())
                && thing.parent.as_ref().is_some_and(|it| !it.id.contains('/'));
            if declared.is_none() {
                let templates: Vec<String> = templates.by_ref().map(ToString::to_string).collect();
                return Err(format!(
                    "it equals none of the request templates of {} for {}; it may send {}",
                    kind.name,
                    thing.at,
                    templates.join(", ")
                ));
            }
        }
        if let Some(header) = request.headers.iter().find(|header| !is_allowed(header)) {
            return Err(format!("the header {:?} may not be set", header.name));
        }
        self.budget.requests = self
            .budget
            .requests
            .checked_sub(1)
            .ok_or("the limit requests_max of one call is used up")?;
        let session = self
            .session
            .clone()
            .ok_or("this runner is not connected to a cloud")?;
        let mut request = to_cloud(request, method);
        if !method.is_read() {
            request.body = request.body.and_then(|body| as_compared(&body));
            request.is_name_below_parent = is_name_below_parent;
        }
        Ok((session, request))
    }

    /// Shows a rule an answer, and keeps what its page may point to.
    ///
    /// # Errors
    /// If that is more than one call may be shown.
    fn relay(
        &mut self,
        request: &cloud::Request,
        response: cloud::Response,
    ) -> Result<http::Response, http::HttpError> {
        let is_shown = |name: &str| RESPONSE_HEADERS.contains(&name);
        let mut response = response;
        response.headers.retain(|(name, _)| is_shown(name));
        let is_success = (200..300).contains(&response.status);
        response.body = if is_success && !is_json(&response) {
            // No thing is in there, but the payload of a secret may be, or the content of an object.
            String::new()
        } else {
            without_secrets(response.body)
        };
        if let Some(recorder) = &self.recorder {
            recorder.note(request, Ok(response.clone()));
        }
        let left = self.budget.answer_bytes.checked_sub(response.body.len());
        self.budget.answer_bytes = left.ok_or_else(|| {
            let why = "the limit answers_bytes_max of one call is used up";
            http::HttpError::TooLarge(why.to_owned())
        })?;
        let number = u32::try_from(self.relayed.len()).unwrap_or(u32::MAX);
        let path = request
            .path
            .split('?')
            .next()
            .unwrap_or_default()
            .to_owned();
        // A deletion's answers are shown once; a listing's are what the page will point to. An error shows no things.
        let is_listing = matches!(self.gate, Gate::Reading(_));
        let kept = if is_listing && is_success {
            response.body.clone()
        } else {
            String::new()
        };
        self.relayed.push(Relayed { path, body: kept });
        let headers = response.headers.into_iter();
        Ok(http::Response {
            number,
            status: u32::from(response.status),
            headers: headers
                .map(|(name, value)| http::Header { name, value })
                .collect(),
            body: response.body,
        })
    }
}

/// A change that is in the audit log and about to be sent.
struct Intended {
    audit: Audit,
    id: IntentionId,
    sent: Instant,
    is_granted: Arc<AtomicBool>,
}

impl Intended {
    async fn record(
        approved: &Approved,
        rule: &str,
        request: &cloud::Request,
    ) -> Result<Self, String> {
        let Approved {
            thing,
            audit,
            is_granted,
            ..
        } = approved;
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
            is_granted: is_granted.clone(),
        })
    }

    async fn came_to(self, result: &Result<cloud::Response, cloud::Error>) {
        if let Ok(response) = result
            && matches!(response.status, 200..300 | 404 | 410)
        {
            self.is_granted.store(true, Ordering::Relaxed);
        }
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
                Outcome {
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

impl State {
    async fn exchange(
        &mut self,
        request: http::Request,
    ) -> Result<http::Response, http::HttpError> {
        let (session, request) = self.call.admit(&request)?;
        let intended = match &self.call.gate {
            Gate::Deleting(approved) if !request.method.is_read() => {
                let recorded = Intended::record(approved, &self.call.rule, &request).await;
                Some(recorded.map_err(http::HttpError::Other)?)
            }
            Gate::Closed | Gate::Reading(_) | Gate::Deleting(_) => None,
        };
        let result = session.send(request.clone()).await;
        if let Some(intended) = intended {
            intended.came_to(&result).await;
        }
        self.hand_over(&request, result)
    }

    fn hand_over(
        &mut self,
        request: &cloud::Request,
        result: Result<cloud::Response, cloud::Error>,
    ) -> Result<http::Response, http::HttpError> {
        match result {
            Ok(response) => self.call.relay(request, response),
            Err(error) => Err(self.no_answer(request, &error)),
        }
    }

    fn no_answer(&mut self, request: &cloud::Request, error: &cloud::Error) -> http::HttpError {
        if let Some(recorder) = &self.call.recorder {
            recorder.note(request, Err(error.kind()));
        }
        match error.kind() {
            ErrorKind::NoService => http::HttpError::NoService,
            ErrorKind::NotAuthenticated | ErrorKind::Denied => {
                http::HttpError::Unauthorized(error.to_string())
            }
            ErrorKind::Throttled => http::HttpError::Throttled(error.to_string()),
            ErrorKind::Timeout => http::HttpError::Timeout(error.to_string()),
            ErrorKind::Unreachable => http::HttpError::Unreachable(error.to_string()),
            ErrorKind::TooLarge => http::HttpError::TooLarge(error.to_string()),
            ErrorKind::Invalid => {
                self.call.misdeed.get_or_insert(error.to_string());
                http::HttpError::Refused(error.to_string())
            }
            _ => http::HttpError::Other(error.to_string()),
        }
    }
}

impl http::Host for State {
    async fn send(&mut self, request: http::Request) -> Result<http::Response, http::HttpError> {
        self.exchange(request).await
    }

    async fn send_all(
        &mut self,
        requests: Vec<http::Request>,
    ) -> Vec<Result<http::Response, http::HttpError>> {
        if !matches!(self.call.gate, Gate::Reading(_)) {
            // The order of changes is the rule's business, so they are sent one after the other.
            let mut responses = Vec::with_capacity(requests.len());
            for request in requests {
                responses.push(self.exchange(request).await);
            }
            return responses;
        }
        let admitted: Vec<_> = requests
            .iter()
            .map(|request| self.call.admit(request))
            .collect();
        let sent = admitted.into_iter().map(async |admitted| match admitted {
            Ok((session, request)) => {
                let result = session.send(request.clone()).await;
                Ok((request, result))
            }
            Err(refused) => Err(refused),
        });
        // Each is handed over as it comes, so that no more of them are held at once than the call may be shown.
        let mut answers = stream::iter(sent).buffered(SENT_AT_ONCE);
        let mut relayed = Vec::new();
        while let Some(answer) = answers.next().await {
            relayed.push(answer.and_then(|(request, result)| self.hand_over(&request, result)));
        }
        relayed
    }
}

impl logging::Host for State {
    async fn log(&mut self, level: logging::Level, message: String) {
        self.call.log(level, &message);
    }
}

impl model::Host for State {}

fn method(method: http::Method) -> Method {
    match method {
        http::Method::Get => Method::Get,
        http::Method::Head => Method::Head,
        http::Method::Post => Method::Post,
        http::Method::Put => Method::Put,
        http::Method::Patch => Method::Patch,
        http::Method::Delete => Method::Delete,
    }
}

fn is_allowed(header: &http::Header) -> bool {
    let name = header.name.to_ascii_lowercase();
    REQUEST_HEADERS.contains(&name.as_str())
        && header
            .value
            .chars()
            .all(|c| c == ' ' || c.is_ascii_graphic())
}

/// A body as it was compared with the template. Of a member that is in it twice the service might take the other one.
fn as_compared(body: &str) -> Option<String> {
    let body: Option<Value> = serde_json::from_str(body).ok();
    body.map(|body| body.to_string())
}

fn to_cloud(request: &http::Request, method: Method) -> cloud::Request {
    cloud::Request {
        service: request.service.clone(),
        method,
        path: request.path.clone(),
        headers: request
            .headers
            .iter()
            .map(|header| (header.name.clone(), header.value.clone()))
            .collect(),
        microversion: Some(request.microversion.clone()).filter(|version| !version.is_empty()),
        body: request.body.clone(),
        is_name_below_parent: false,
    }
}

/// Whether an answer is JSON, or does not say what it is.
fn is_json(response: &cloud::Response) -> bool {
    let media_type = response
        .header("content-type")
        .unwrap_or("application/json");
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    let media_type = media_type.to_ascii_lowercase();
    media_type == "application/json" || media_type.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Method;

    #[test]
    fn a_call_is_shown_no_more_than_its_budget() {
        let budget = Budget {
            requests: 10,
            answer_bytes: 5,
        };
        let rule = Arc::from("rule");
        let mut call = Call::new(rule, Gate::Closed, None, budget, LogBudget::default());
        let request = cloud::Request::new("image", Method::Get, "/v2/images");
        let mut shown = |body: &str| {
            let response = cloud::Response {
                status: 200,
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                body: body.to_owned(),
                request_id: None,
            };
            call.relay(&request, response).map(|shown| shown.body)
        };
        assert_eq!(shown("[1]").unwrap(), "[1]");
        let refused = shown("[2]").unwrap_err();
        assert!(
            matches!(refused, http::HttpError::TooLarge(why) if why.contains("answers_bytes_max"))
        );
        assert_eq!(shown("[]").unwrap(), "[]");
    }

    #[test]
    fn a_body_says_each_thing_once() {
        for (body, sent) in [
            (
                r#"{"port_id":"theirs","port_id":"ours"}"#,
                Some(r#"{"port_id":"ours"}"#),
            ),
            (r#"{ "port_id" : "ours" }"#, Some(r#"{"port_id":"ours"}"#)),
            ("", None),
        ] {
            assert_eq!(as_compared(body).as_deref(), sent, "{body}");
        }
    }
}
