//! What a rule is given: requests to the cloud's services, and lines for the log.
//!
//! The gate is here. Whatever a rule asks for, a request leaves only if the call that it is in allows it: none in a pure call, GET
//! and HEAD while listing, and while deleting also exactly what the kind's templates say for the one thing that was approved. A
//! refused request is a misdeed: it is recorded with the call, whatever the rule makes of the error it gets.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{StreamExt, stream};
use serde_json::Value;

use super::bindings::{http, logging, model};
use super::component::Reads;
use super::gate::{Admitted, Aim, Gate, Intended, NotAdmitted, SPENT, UNFIT};
use super::limits::Limits;
use super::recorder::Recorder;
use super::sandbox::State;
use crate::cloud::path::RelativePath;
use crate::cloud::{self, ErrorKind, Method, Session, official_service_type};
use crate::resource::secrets::without_secrets;
use crate::resource::unreadable::unsigned;
use crate::text::plain;

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

/// A response that was handed to the rule in this call.
#[derive(Clone, Debug)]
pub struct Relayed {
    /// Path of the request, with its query.
    pub path: String,
    /// The body, secrets blanked: what the rule got, and the members that are hidden from it.
    pub body: String,
}

/// What a line costs beside its own bytes: the level, the rule's name, and what a terminal or a file does with a line.
const LINE_BYTES: usize = 64;

/// Bytes that a rule may still write to the log. All its calls share it.
#[derive(Clone, Default)]
pub(super) struct LogBudget(Arc<AtomicUsize>);

impl LogBudget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    /// Takes a line of so many bytes, one of none too. What does not fit ends the budget: a log with holes would mislead.
    fn take(&self, bytes: usize) -> bool {
        let bytes = bytes.saturating_add(LINE_BYTES);
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
    /// An answer was more than what was left: nothing more is asked.
    is_spent: bool,
}

impl Budget {
    pub(super) fn of(limits: &Limits) -> Self {
        Self {
            requests: limits.requests_max,
            answer_bytes: limits.answers_bytes_max,
            is_spent: false,
        }
    }
}

/// One call's rights, and what it did with them.
pub(super) struct Call {
    rule: Arc<str>,
    reads: Arc<Reads>,
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
            reads: Arc::default(),
            gate,
            session,
            budget,
            log_budget,
            recorder: None,
            relayed: Vec::new(),
            misdeed: None,
        }
    }

    /// With the right to read at these paths.
    pub(super) fn reading(self, reads: Arc<Reads>) -> Self {
        Self { reads, ..self }
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
    fn admit(&mut self, request: &http::Request) -> Result<Admitted, http::HttpError> {
        if self.misdeed.is_some() {
            return Err(http::HttpError::Refused(
                "this call has asked for what it must not".to_owned(),
            ));
        }
        self.check(request).map_err(|refusal| match refusal {
            NotAdmitted::Spent => http::HttpError::TooLarge(SPENT.to_owned()),
            NotAdmitted::Unfit => http::HttpError::Refused(UNFIT.to_owned()),
            NotAdmitted::Misdeed(why) => {
                let deed = plain(&format!(
                    "{} {} to {}: {why}",
                    method(request.method),
                    request.path,
                    request.service
                ));
                tracing::warn!(rule = %self.rule, "refused {deed}");
                self.misdeed = Some(deed);
                http::HttpError::Refused(why)
            }
        })
    }

    fn check(&mut self, request: &http::Request) -> Result<Admitted, NotAdmitted> {
        let kind = self.gate.kind();
        let kind = kind.ok_or("no request may be sent in this function")?;
        if official(&request.service) != kind.service {
            return Err(NotAdmitted::Misdeed(format!(
                "{} belongs to the service {:?}, and only that may be asked",
                kind.name, kind.service
            )));
        }
        let method = method(request.method);
        let (asked, aim) = if method.is_read() {
            self.check_read(request, method)?
        } else {
            self.check_change(request, method)?
        };
        if let Some(header) = request.headers.iter().find(|header| !is_allowed(header)) {
            let name = &header.name;
            return Err(NotAdmitted::Misdeed(format!(
                "the header {name:?} may not be set"
            )));
        }
        if self.budget.is_spent {
            return Err(NotAdmitted::Spent);
        }
        self.budget.requests = self
            .budget
            .requests
            .checked_sub(1)
            .ok_or("the limit requests_max of one call is used up")?;
        let session = self.session.clone();
        Ok(Admitted {
            session: session.ok_or("this runner is not connected to a cloud")?,
            request: asked,
            aim,
        })
    }

    fn check_read(
        &self,
        request: &http::Request,
        method: Method,
    ) -> Result<(cloud::Request, Aim), NotAdmitted> {
        if let Err(error) = RelativePath::parse(&request.path) {
            return Err(match self.gate.has_unfit_name(&request.path) {
                true => NotAdmitted::Unfit,
                false => NotAdmitted::Misdeed(error.to_string()),
            });
        }
        if !self.reads.covers(official(&request.service), &request.path) {
            return Err(
                "it is neither at or below a collection of the rule's kinds, nor what one of them declares by `reads`"
                    .into(),
            );
        }
        let is_thing = match &self.gate {
            Gate::Deleting(approved) => approved.is_at(&request.path),
            Gate::Closed | Gate::Reading(..) => false,
        };
        let aim = Aim {
            is_thing,
            is_deletion: false,
        };
        Ok((to_cloud(request, method), aim))
    }

    fn check_change(
        &self,
        request: &http::Request,
        method: Method,
    ) -> Result<(cloud::Request, Aim), NotAdmitted> {
        let Gate::Deleting(approved) = &self.gate else {
            return Err("only GET and HEAD may be sent outside delete".into());
        };
        let thing = &approved.thing;
        let Some(template) = approved.declared(request, method) else {
            let templates = approved.templates().map(ToString::to_string);
            return Err(NotAdmitted::Misdeed(format!(
                "it equals none of the request templates of {} for {}; it may send {}",
                approved.kind.name,
                thing.at,
                templates.collect::<Vec<_>>().join(", ")
            )));
        };
        let is_name_below_parent = template.is_name_below_parent()
            && thing.parent.as_ref().is_some_and(|it| !it.id.contains('/'));
        let parsed = match is_name_below_parent {
            true => RelativePath::parse_with_names(&request.path),
            false => RelativePath::parse(&request.path),
        };
        // The rule has asked for what it may: it is the cloud's name for the thing that makes another path of it.
        parsed.map_err(|_| NotAdmitted::Unfit)?;
        let mut request = to_cloud(request, method);
        request.body = request.body.and_then(|body| as_compared(&body));
        request.is_name_below_parent = is_name_below_parent;
        let aim = Aim {
            is_thing: true,
            is_deletion: approved.is_deletion(template),
        };
        Ok((request, aim))
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
            let mut recorded = response.clone();
            recorded.body = unsigned(recorded.body);
            recorder.note(request, Ok(recorded));
        }
        let left = self.budget.answer_bytes.checked_sub(response.body.len());
        let Some(left) = left.filter(|_| !self.budget.is_spent) else {
            self.budget.is_spent = true;
            return Err(http::HttpError::TooLarge(SPENT.to_owned()));
        };
        self.budget.answer_bytes = left;
        let number = u32::try_from(self.relayed.len()).unwrap_or(u32::MAX);
        let path = request.path.clone();
        // A deletion's answers are shown once; a listing's are what the page will point to. An error shows no things.
        let is_listing = matches!(self.gate, Gate::Reading(..));
        let kept = if is_listing && is_success {
            response.body.clone()
        } else {
            String::new()
        };
        let body = unsigned(response.body);
        let body = match self.gate.kind() {
            Some(kind) if response.status < 400 => kind.view().of_answer(body),
            _ => body,
        };
        self.relayed.push(Relayed { path, body: kept });
        let headers = response.headers.into_iter();
        Ok(http::Response {
            number,
            status: u32::from(response.status),
            headers: headers
                .map(|(name, value)| http::Header { name, value })
                .collect(),
            body,
        })
    }
}

impl State {
    async fn exchange(
        &mut self,
        request: http::Request,
    ) -> Result<http::Response, http::HttpError> {
        let admitted = self.charge(|state| state.call.admit(&request))?;
        let request = &admitted.request;
        let intended = match &self.call.gate {
            Gate::Deleting(approved) if !request.method.is_read() => {
                let recorded = Intended::record(approved, &self.call.rule, request).await;
                let intended = recorded.map_err(http::HttpError::Other)?;
                approved.evidence.note_request();
                Some(intended)
            }
            Gate::Closed | Gate::Reading(..) | Gate::Deleting(_) => None,
        };
        let result = admitted.send().await;
        if let (Gate::Deleting(approved), Ok(response)) = (&self.call.gate, &result)
            && admitted.speaks_of_an_end(response.status)
        {
            let is_deleted = admitted.agrees_to_an_end(response.status, &approved.kind);
            approved.evidence.note(is_deleted);
        }
        if let Some(intended) = intended {
            intended.came_to(&result).await;
        }
        self.hand_over(request, result)
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
        if !matches!(self.call.gate, Gate::Reading(..)) {
            // The order of changes is the rule's business, so they are sent one after the other.
            let mut responses = Vec::with_capacity(requests.len());
            for request in requests {
                responses.push(self.exchange(request).await);
            }
            return responses;
        }
        let admit = |request| self.charge(|state| state.call.admit(request));
        let admitted: Vec<_> = requests.iter().map(admit).collect();
        let sent = admitted.into_iter().map(async |admitted| match admitted {
            Ok(admitted) => {
                let result = admitted.send().await;
                Ok((admitted.request, result))
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

/// The official type of a service, or the word itself: a kind has its service by that.
fn official(service: &str) -> &str {
    official_service_type(service).unwrap_or(service)
}

fn to_cloud(request: &http::Request, method: Method) -> cloud::Request {
    cloud::Request {
        service: official(&request.service).to_owned(),
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
            is_spent: false,
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
        assert!(shown("[]").is_err(), "what was too much ends it");
    }

    #[test]
    fn a_line_without_words_costs_something_too() {
        let budget = LogBudget::new(64 << 10);
        let lines = (0..1_000_000).take_while(|_| budget.take(0)).count();
        assert_eq!(lines, 1_024);
        let budget = LogBudget::new(100);
        assert!(
            budget.take(36) && !budget.take(0),
            "what fits to the byte fits"
        );
        assert!(!LogBudget::new(64).take(1));
        assert!(!LogBudget::new(0).take(0));
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
