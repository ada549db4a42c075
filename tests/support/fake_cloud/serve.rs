//! The server: the way from a request to its answer, faults and the record.
//!
//! The store is locked only while an answer is made, never while something waits.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{HeaderMap, Response};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::auth;
use super::fault::{Effect, Fault};
use super::line::{Door, Grip};
use super::spoil::{by_hand, early, finish, with_body};
use super::store::Store;
use super::table::{SERVICES, Service};
use super::wire::{Answer, Call, unauthorized};
use super::{block_storage, generic};

/// One request as the cloud saw it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) number: u64,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    /// Parsed if it is JSON, otherwise null.
    pub(crate) body: Value,
    /// Project of the token, empty without one.
    pub(crate) project: String,
    /// 0 until answered; 0 for ever if the connection was cut first.
    pub(crate) status: u16,
    pub(crate) request_id: String,
    /// Whether a fault has hit it.
    pub(crate) is_hit: bool,
}

impl Request {
    /// Whether it could have changed anything. Asking for a token does not count.
    pub(crate) fn mutates(&self) -> bool {
        !matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS")
            && !self.path.ends_with("/auth/tokens")
    }
}

/// What the handlers share.
pub(crate) struct Shared {
    pub(crate) base: String,
    pub(crate) store: Mutex<Store>,
    pub(crate) faults: Mutex<Vec<Fault>>,
    pub(crate) record: Mutex<Vec<Request>>,
    pub(crate) latency: Mutex<Duration>,
    pub(crate) connections: AtomicUsize,
    /// Whether anybody is heard.
    pub(crate) is_open: watch::Sender<bool>,
    /// Whether what is held may go.
    pub(crate) is_free: watch::Sender<bool>,
    numbers: AtomicUsize,
}

impl Shared {
    pub(crate) fn new(base: String, store: Store, latency: Duration) -> Shared {
        Shared {
            base,
            store: Mutex::new(store),
            faults: Mutex::default(),
            record: Mutex::default(),
            latency: Mutex::new(latency),
            connections: AtomicUsize::new(0),
            is_open: watch::Sender::new(true),
            is_free: watch::Sender::new(false),
            numbers: AtomicUsize::new(0),
        }
    }
}

/// A poisoned lock is a panic elsewhere, which its own test reports.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves until dropped.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) -> io::Result<()> {
    let door = Door::new(listener, shared.clone())?;
    let app = Router::new().fallback(handle).with_state(shared);
    let service = app.into_make_service_with_connect_info::<Grip>();
    // axum's accept loop ends only with the task that it runs on.
    axum::serve(door, service).await
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(grip): ConnectInfo<Grip>,
    request: HttpRequest,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, 8 << 20)
        .await
        .unwrap_or_default();
    let (method, path) = (head.method.as_str().to_owned(), head.uri.path().to_owned());
    let raw_query = head.uri.query().unwrap_or("").to_owned();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let (number, request_id) = note(&shared, &method, &path, &raw_query, &body, &head.headers);
    let effects = effects(&shared, &method, &path);
    amend(&shared, number, |noted| noted.is_hit = !effects.is_empty());
    pause(&shared, &effects).await;
    let effect = effects.into_iter().find(|effect| !effect.is_pause());
    if let Some(effect) = &effect
        && is_unheard(&shared, &grip, effect)
    {
        return Response::default();
    }
    let ask = || {
        let (query, body) = (raw_query.clone(), body.clone());
        respond(&shared, &method, &path, query, body, &head.headers)
    };
    if matches!(effect, Some(Effect::Twice)) {
        let _unseen = ask();
    }
    let mut answer = early(effect.as_ref()).unwrap_or_else(ask);
    if matches!(effect, Some(Effect::DropAfter)) {
        grip.cut();
        return Response::default();
    }
    if effect.as_ref().is_some_and(Effect::spoils_body) {
        answer = with_body(answer);
    }
    answer.headers.push(("x-openstack-request-id", request_id));
    amend(&shared, number, |noted| noted.status = answer.status);
    match by_hand(&answer, effect.as_ref()) {
        Some(said) => {
            said.say(&grip).await;
            Response::default()
        }
        None => finish(answer, effect.as_ref()),
    }
}

/// Waits as long as the cloud and the faults want it.
async fn pause(shared: &Shared, effects: &[Effect]) {
    let mut pause = *lock(&shared.latency);
    for effect in effects {
        if let Effect::Delay(more) = effect {
            pause += *more;
        }
    }
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
    if effects.iter().any(|it| matches!(it, Effect::Hold)) {
        let mut is_free = shared.is_free.subscribe();
        // It ends with the cloud at the latest.
        let _free = is_free.wait_for(|is_free| *is_free).await;
    }
}

/// Does what keeps a request from its service, and says whether it has done so.
fn is_unheard(shared: &Shared, grip: &Grip, effect: &Effect) -> bool {
    match effect {
        Effect::Drop => grip.cut(),
        Effect::Reset => grip.reset(),
        Effect::Vanish => {
            shared.is_open.send_replace(false);
            grip.reset();
        }
        _ => return false,
    }
    true
}

/// Adds to what was noted of a request.
fn amend(shared: &Shared, number: u64, change: impl FnOnce(&mut Request)) {
    let mut record = lock(&shared.record);
    if let Some(noted) = record.iter_mut().rev().find(|it| it.number == number) {
        change(noted);
    }
}

fn note(
    shared: &Shared,
    method: &str,
    path: &str,
    query: &str,
    body: &Value,
    headers: &HeaderMap,
) -> (u64, String) {
    let number = shared.numbers.fetch_add(1, Ordering::Relaxed) as u64;
    let request_id = format!("req-{number:08x}-0000-4000-8000-000000000000");
    let token = headers
        .get("x-auth-token")
        .and_then(|v| v.to_str().ok())
        .unwrap_or("");
    let actor = auth::actor(&lock(&shared.store), token).unwrap_or_default();
    lock(&shared.record).push(Request {
        number,
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        body: body.clone(),
        project: actor.project().to_owned(),
        status: 0,
        request_id: request_id.clone(),
        is_hit: false,
    });
    (number, request_id)
}

fn effects(shared: &Shared, method: &str, path: &str) -> Vec<Effect> {
    let mut faults = lock(&shared.faults);
    faults
        .iter_mut()
        .filter_map(|f| f.hits(method, path).then(|| f.effect.clone()))
        .collect()
}

/// Asks the service that the path belongs to.
fn respond(
    shared: &Shared,
    method: &str,
    path: &str,
    raw_query: String,
    body: Value,
    headers: &HeaderMap,
) -> Answer {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or("")
    };
    let trimmed = path.trim_end_matches('/');
    if let Some(document) = document(trimmed, &shared.base).filter(|_| method == "GET") {
        return document;
    }
    let below = |s: &&&Service| {
        trimmed
            .strip_prefix(s.root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let Some(service) = SERVICES.iter().find(below).copied() else {
        return Answer::html(404, "The resource could not be found.");
    };
    let mut store = lock(&shared.store);
    store.reap();
    if trimmed == "/identity/v3/auth/tokens" && method == "POST" {
        return auth::issue(&mut store, &body, &shared.base);
    }
    let Some(actor) = auth::actor(&store, header("x-auth-token")) else {
        return unauthorized(service.errors, &shared.base);
    };
    if trimmed == "/identity/v3/auth/tokens" {
        return about_token(&mut store, method, header("x-subject-token"), &shared.base);
    }
    let minor = match minor(service, headers) {
        Ok(minor) => minor,
        Err(refusal) => return refusal,
    };
    let mut call = Call {
        method: method.to_owned(),
        service,
        path: segments(trimmed.strip_prefix(service.root).unwrap_or("")),
        query: pairs(&raw_query),
        body,
        actor,
        minor,
        base: shared.base.clone(),
        target: trimmed.to_owned(),
        raw_query,
    };
    let mut answer = match leave_project(&mut call) {
        Some(refusal) => refusal,
        None => {
            (service.odd)(&mut store, &call).unwrap_or_else(|| generic::answer(&mut store, &call))
        }
    };
    if let Some(range) = &service.microversion {
        let value = format!("{} {}.{minor}", range.service, range.major);
        answer.headers.push(("openstack-api-version", value));
    }
    answer
}

fn document(path: &str, base: &str) -> Option<Answer> {
    let mut documents = SERVICES.iter().flat_map(|s| s.documents);
    let (_, status, text) = documents.find(|(at, _, _)| *at == path)?;
    Some(Answer::json(*status, text.replace("$base", base)))
}

fn about_token(store: &mut Store, method: &str, subject: &str, base: &str) -> Answer {
    match method {
        "DELETE" => Answer::empty(if store.keystone.revoke(subject) {
            204
        } else {
            404
        }),
        _ => auth::show(store, subject, base),
    }
}

/// Takes the project off the path where the service has one there; it must be the token's.
fn leave_project(call: &mut Call) -> Option<Answer> {
    if !call.service.endpoint.ends_with("/$project") {
        return None;
    }
    if call.path.is_empty() || call.path.remove(0) != call.actor.project() {
        return Some(block_storage::malformed(call));
    }
    None
}

fn minor(service: &Service, headers: &HeaderMap) -> Result<u32, Answer> {
    let Some(range) = &service.microversion else {
        return Ok(0);
    };
    let asked = headers
        .get("openstack-api-version")
        .and_then(|v| v.to_str().ok());
    let asked = asked
        .and_then(|v| v.strip_prefix(range.service))
        .map(str::trim);
    match asked {
        None => Ok(range.min),
        Some("latest") => Ok(range.max),
        Some(version) => {
            let parsed = version
                .split_once('.')
                .map(|(a, b)| (a.parse::<u32>().ok(), b.parse::<u32>().ok()));
            match parsed {
                Some((Some(major), Some(minor)))
                    if major == range.major && (range.min..=range.max).contains(&minor) =>
                {
                    Ok(minor)
                }
                _ => {
                    let (major, min, max) = (range.major, range.min, range.max);
                    let message = format!(
                        "Version {version} is not supported by the API. Minimum is {major}.{min} and maximum is {major}.{max}."
                    );
                    Err(super::wire::refuse(service.errors, 406, "", &message))
                }
            }
        }
    }
}

fn segments(path: &str) -> Vec<String> {
    path.split('/')
        .filter(|s| !s.is_empty())
        .map(decode)
        .collect()
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let pieces = query.split('&').filter(|p| !p.is_empty());
    pieces
        .map(|piece| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            (
                decode(&name.replace('+', " ")),
                decode(&value.replace('+', " ")),
            )
        })
        .collect()
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
