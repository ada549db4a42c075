//! The server: sockets that can be cut, the way from a request to its answer, faults and the record.
//!
//! The store is locked only while an answer is made, never while something waits.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{Request as HttpRequest, State};
use axum::http::{HeaderMap, Response};
use axum::serve::{IncomingStream, Listener};
use futures_util::stream;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::auth;
use super::fault::{Effect, Fault};
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
            numbers: AtomicUsize::new(0),
        }
    }
}

/// A poisoned lock is a panic elsewhere, which its own test reports.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection that can be cut from inside a handler.
pub(crate) struct Line {
    tcp: TcpStream,
    cut: Arc<AtomicBool>,
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.cut.load(Ordering::Relaxed) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

/// Accepts lines and counts them.
struct Door {
    listener: TcpListener,
    shared: Arc<Shared>,
}

impl Listener for Door {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        loop {
            if let Ok((tcp, address)) = self.listener.accept().await {
                self.shared.connections.fetch_add(1, Ordering::Relaxed);
                // A Nagle delay of 40 ms would be measured as ours.
                let _refused = tcp.set_nodelay(true);
                return (
                    Line {
                        tcp,
                        cut: Arc::default(),
                    },
                    address,
                );
            }
            tokio::task::yield_now().await;
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The handle by which a handler cuts its own connection.
#[derive(Clone)]
struct Scissors(Arc<AtomicBool>);

impl Connected<IncomingStream<'_, Door>> for Scissors {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Scissors {
        Scissors(stream.io().cut.clone())
    }
}

/// Serves until dropped.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let door = Door {
        listener,
        shared: shared.clone(),
    };
    let app = Router::new().fallback(handle).with_state(shared);
    let service = app.into_make_service_with_connect_info::<Scissors>();
    // axum's accept loop ends only with the task that it runs on.
    let _ended = axum::serve(door, service).await;
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
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
    let mut pause = *lock(&shared.latency);
    for effect in &effects {
        if let Effect::Delay(more) = effect {
            pause += *more;
        }
    }
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
    let effect = effects.into_iter().find(|e| !matches!(e, Effect::Delay(_)));
    if matches!(effect, Some(Effect::Drop)) {
        scissors.0.store(true, Ordering::Relaxed);
        return Response::default();
    }
    let mut answer = early(effect.as_ref())
        .unwrap_or_else(|| respond(&shared, &method, &path, raw_query, body, &head.headers));
    if matches!(effect, Some(Effect::DropAfter)) {
        scissors.0.store(true, Ordering::Relaxed);
        return Response::default();
    }
    answer.headers.push(("x-openstack-request-id", request_id));
    if let Some(noted) = lock(&shared.record)
        .iter_mut()
        .rev()
        .find(|r| r.number == number)
    {
        noted.status = answer.status;
    }
    finish(answer, effect.as_ref())
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

/// The answer that replaces the service's.
fn early(effect: Option<&Effect>) -> Option<Answer> {
    match effect? {
        Effect::Answer {
            status,
            content_type,
            body,
        } => Some(Answer {
            status: *status,
            content_type,
            headers: Vec::new(),
            body: body.clone(),
        }),
        Effect::Redirect(location) => {
            let mut answer = Answer::json(307, serde_json::json!({ "location": location }));
            answer.headers.push(("location", location.clone()));
            Some(answer)
        }
        Effect::Throttle {
            status,
            retry_after_s,
        } => {
            let body = serde_json::json!({"overLimit": {"code": status, "message": "Too many requests", "retryAfter": retry_after_s.to_string()}});
            let mut answer = Answer::json(*status, body);
            answer
                .headers
                .push(("retry-after", retry_after_s.to_string()));
            Some(answer)
        }
        Effect::Drop
        | Effect::DropAfter
        | Effect::Sever
        | Effect::Truncate
        | Effect::Slow(_)
        | Effect::Delay(_)
        | Effect::Disguise { .. }
        | Effect::Without(_) => None,
    }
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

/// The answer on the wire, spoiled as the fault says.
fn finish(mut answer: Answer, effect: Option<&Effect>) -> Response<Body> {
    match effect {
        Some(Effect::Without(field)) => {
            if let Ok(mut value) = serde_json::from_str::<Value>(&answer.body) {
                strip(&mut value, field);
                answer.body = value.to_string();
            }
        }
        Some(Effect::Truncate) => answer.body.truncate(half(&answer.body)),
        Some(Effect::Disguise { content_type, body }) => {
            answer.content_type = content_type;
            answer.body.clone_from(body);
        }
        _ => {}
    }
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    if !answer.body.is_empty() {
        response = response.header("content-type", answer.content_type);
    }
    let length = answer.body.len();
    let body = match effect {
        Some(Effect::Sever) => {
            response = response.header("content-length", length);
            severed(answer.body)
        }
        Some(Effect::Slow(pause)) => {
            response = response.header("content-length", length);
            slow(answer.body, *pause)
        }
        _ => Body::from(answer.body),
    };
    response.body(body).unwrap_or_default()
}

fn half(text: &str) -> usize {
    (0..=text.len() / 2)
        .rev()
        .find(|n| text.is_char_boundary(*n))
        .unwrap_or(0)
}

fn strip(value: &mut Value, field: &str) {
    match value {
        Value::Object(map) => {
            map.remove(field);
            map.values_mut().for_each(|v| strip(v, field));
        }
        Value::Array(list) => list.iter_mut().for_each(|v| strip(v, field)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn severed(mut body: String) -> Body {
    body.truncate(half(&body));
    Body::from_stream(stream::unfold(Some(body), |half| async move {
        if let Some(half) = half {
            return Some((Ok(half), None));
        }
        // What was given is flushed only when the body has to be waited for.
        tokio::task::yield_now().await;
        Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), None))
    }))
}

fn slow(body: String, pause: Duration) -> Body {
    let size = (body.len() / 10).max(1);
    Body::from_stream(stream::unfold(body.into_bytes(), move |rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let mut piece = rest;
        let rest = piece.split_off(size.min(piece.len()));
        Some((Ok::<_, io::Error>(piece), rest))
    }))
}
