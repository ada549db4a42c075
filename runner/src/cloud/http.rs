//! Sending one request until it has an answer: the client, its bounds, pauses and repetitions.
//!
//! Knows nothing of tokens, catalogs or paths; it gets a finished URL. The invariant: a request
//! that may already have had an effect, and would have another if it came twice, is not repeated.

mod fault;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::{SignedDuration, Timestamp};
use reqwest::Client;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use tokio::time::Instant;
use url::Url;

use self::fault::Fault;
use super::lane::Lane;
use super::proxy::{Proxies, ProxyAddress, Route};
use super::tls::{Tls, client};
use super::{Context, Error, ErrorKind, HttpLimits, Method, headers};

/// Repetitions of a request whose refusal is doubted; with the ordinary pauses they outlast the time of doubt.
const DOUBTED_ATTEMPTS_MAX: usize = 8;

/// A request ready to be sent.
pub(super) struct Outgoing<'a> {
    pub(super) context: &'a Context,
    pub(super) url: &'a Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<String>,
    /// What comes of sending it again although it may have been received.
    pub(super) again: Again,
}

/// What comes of sending a request again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// Another effect: it is only repeated where the service says, or it is certain, that it was not carried out.
    Acts,
    /// The same effect.
    Same,
    /// No effect.
    Nothing,
}

impl Again {
    /// What the standard says of a method (RFC 9110 §9.2).
    pub(super) fn of(method: Method) -> Self {
        if method.is_read() {
            Self::Nothing
        } else if method.is_idempotent() {
            Self::Same
        } else {
            Self::Acts
        }
    }

    /// Whether a status asks for patience. Older services limit rates with 413 and a pause; without one it is a body that
    /// is too large.
    pub(super) fn waits_out(self, status: u16, is_asked: bool) -> bool {
        match status {
            429 => true,
            413 => is_asked,
            // It may have been carried out in part.
            503 => self != Self::Acts,
            _ => false,
        }
    }
}

/// A complete answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// The HTTP client with its limits, for all that shares certificates and proxies.
pub(super) struct Wire {
    direct: Client,
    /// Each proxy has a client of its own, so that the way is chosen here and nowhere else.
    through: Vec<(ProxyAddress, Client)>,
    proxies: Proxies,
    limits: HttpLimits,
    sent: Arc<AtomicU64>,
}

impl Wire {
    pub(super) fn new(tls: &Tls, proxies: Proxies, limits: HttpLimits) -> Result<Self, Error> {
        Self::counting(tls, proxies, limits, Arc::default())
    }

    /// Another one with the same limits, whose requests are counted with this one's.
    pub(super) fn beside(&self, tls: &Tls, proxies: Proxies) -> Result<Self, Error> {
        Self::counting(tls, proxies, self.limits.clone(), Arc::clone(&self.sent))
    }

    fn counting(
        tls: &Tls,
        proxies: Proxies,
        limits: HttpLimits,
        sent: Arc<AtomicU64>,
    ) -> Result<Self, Error> {
        let mut through: Vec<(ProxyAddress, Client)> = Vec::new();
        for proxy in proxies.usable() {
            if !through.iter().any(|(known, _)| known == proxy) {
                through.push((proxy.clone(), client(tls, Some(proxy), &limits)?));
            }
        }
        Ok(Self {
            direct: client(tls, None, &limits)?,
            through,
            proxies,
            limits,
            sent,
        })
    }

    /// The client for a URL, and the proxy that it goes through.
    fn way(&self, url: &Url) -> Result<(&Client, Option<&ProxyAddress>), Fault> {
        match self.proxies.route(url) {
            Route::Direct => Ok((&self.direct, None)),
            Route::Through(proxy) => {
                let mut clients = self.through.iter();
                let found = clients.find(|(known, _)| known == proxy);
                let (proxy, client) = found.ok_or_else(|| {
                    Fault::Closed(format!("there is no way to the proxy {proxy}"))
                })?;
                Ok((client, Some(proxy)))
            }
            Route::Closed(why) => Err(Fault::Closed(why)),
        }
    }

    /// Refuses a URL that no request could be sent to, before one is.
    pub(super) fn check(&self, url: &Url) -> Result<(), Error> {
        match self.proxies.route(url) {
            Route::Closed(why) => Err(Error::new(ErrorKind::Invalid, why)),
            Route::Direct | Route::Through(_) => Ok(()),
        }
    }

    pub(super) fn limits(&self) -> &HttpLimits {
        &self.limits
    }

    /// Attempts made so far, repetitions and token requests included.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Sends until there is an answer that asks for no patience, or the attempts are used up.
    ///
    /// Dropping the future abandons the attempt in flight; the server may still carry it out.
    pub(super) async fn deliver(
        &self,
        outgoing: &Outgoing<'_>,
        lane: &Lane,
    ) -> Result<Answer, Error> {
        let _place = lane.enter().await;
        let mut pauses = self.pauses(self.limits.attempts_max.saturating_sub(1));
        let mut doubted = self.pauses(DOUBTED_ATTEMPTS_MAX);
        loop {
            lane.quiet().await;
            let outcome = self.attempt(outgoing).await;
            let wish = Wish::of(&outcome, outgoing, lane);
            let pause = match wish {
                Wish::Done => None,
                Wish::Doubt => doubted.next(),
                Wish::Patience(_) | Wish::Again => pauses.next(),
            };
            let Some(pause) = pause else {
                return match wish {
                    Wish::Patience(_) => Err(self.give_up(outcome, outgoing.context)),
                    _ => outcome.map_err(|fault| self.explain(fault, outgoing.context)),
                };
            };
            let asked = match wish {
                Wish::Patience(asked) => asked,
                Wish::Done | Wish::Again | Wish::Doubt => None,
            };
            let asked = asked.map(|wish| wish.min(self.limits.retry_after_max));
            if let (
                Ok(Answer {
                    status: 413 | 429, ..
                }),
                Some(wish),
            ) = (&outcome, asked)
            {
                lane.hush(wish);
            }
            // Spread out those who were told the same time.
            let pause = asked.map_or(pause, |wish| wish + pause.mul_f32(fastrand::f32() / 4.0));
            let Context {
                service,
                method,
                path,
            } = outgoing.context;
            tracing::debug!(%service, %method, path, pause_ms = pause.as_millis(), "repeating");
            tokio::time::sleep(pause).await;
        }
    }

    fn pauses(&self, times_max: usize) -> impl Iterator<Item = Duration> + use<> {
        ExponentialBuilder::default()
            .with_min_delay(self.limits.retry_delay_min)
            .with_max_delay(self.limits.retry_delay_max)
            .with_max_times(times_max)
            .with_jitter()
            .build()
    }

    async fn attempt(&self, outgoing: &Outgoing<'_>) -> Result<Answer, Fault> {
        let Context {
            service,
            method,
            path,
        } = outgoing.context;
        let (client, proxy) = self.way(outgoing.url)?;
        let started = Instant::now();
        self.sent.fetch_add(1, Ordering::Relaxed);
        let mut request = client
            .request(method_for_client(*method), outgoing.url.clone())
            .headers(outgoing.headers.clone());
        if let Some(body) = &outgoing.body {
            request = request.body(body.clone());
        }
        let outcome = match (request.send().await, proxy) {
            // No server says so but a proxy.
            (Ok(response), Some(proxy)) if response.status().as_u16() == 407 => {
                Err(Fault::no_login(proxy))
            }
            (Ok(response), _) => self.read(response).await,
            (Err(error), Some(proxy)) => Err(Fault::through(proxy, error)),
            (Err(error), None) => Err(Fault::from(error)),
        };
        let elapsed_ms = started.elapsed().as_millis();
        match &outcome {
            Ok(answer) => {
                let request_id = headers::request_id(&answer.headers);
                let (status, request_id) = (answer.status, request_id.as_deref());
                tracing::debug!(%service, %method, path, status, request_id, elapsed_ms, "answered");
            }
            Err(fault) => {
                let described = fault.described();
                tracing::debug!(%service, %method, path, elapsed_ms, "no answer: {described}");
            }
        }
        outcome
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Answer, Fault> {
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let bytes_max = self.limits.response_bytes_max;
        let too_large = || Fault::TooLarge {
            status,
            request_id: headers::request_id(&headers),
        };
        if response
            .content_length()
            .is_some_and(|length| length > bytes_max as u64)
        {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(Fault::from)? {
            if chunk.len() > bytes_max - body.len() {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    fn give_up(&self, outcome: Result<Answer, Fault>, context: &Context) -> Error {
        match outcome {
            Ok(answer) => {
                let request_id = headers::request_id(&answer.headers);
                repeated_in_vain(answer.status, self.limits.attempts_max)
                    .during(context)
                    .answered(answer.status, request_id)
            }
            Err(fault) => self.explain(fault, context),
        }
    }

    fn explain(&self, fault: Fault, context: &Context) -> Error {
        let text = fault.described().to_owned();
        let error = match fault {
            Fault::Unconnected(error) | Fault::Broken(error) => {
                Error::new(ErrorKind::Unreachable, text).caused_by(error.without_url())
            }
            Fault::Certificate(error) => {
                Error::new(ErrorKind::Unreachable, text).caused_by(error.without_url())
            }
            Fault::Timeout(error) => {
                let seconds = self.limits.request_timeout.as_secs_f32();
                Error::new(ErrorKind::Timeout, format!("{text} within {seconds} s"))
                    .caused_by(error.without_url())
            }
            Fault::TooLarge { status, request_id } => {
                let bytes_max = self.limits.response_bytes_max;
                Error::new(
                    ErrorKind::TooLarge,
                    format!("{text}: more than {bytes_max} bytes"),
                )
                .answered(status, request_id)
            }
            Fault::Proxy { .. } => Error::new(ErrorKind::Unreachable, text),
            Fault::Closed(_) => Error::new(ErrorKind::Invalid, text),
        };
        error.during(context)
    }
}

/// What an attempt's outcome asks for.
#[derive(Clone, Copy)]
enum Wish {
    /// Nothing more.
    Done,
    /// Another attempt, after a pause of our own.
    Again,
    /// Another attempt, after the pause that the service asks for, if it does.
    Patience(Option<Duration>),
    /// Another attempt, because the service may not be itself.
    Doubt,
}

impl Wish {
    /// Reads it, and lets the lane know how the service is.
    fn of(outcome: &Result<Answer, Fault>, outgoing: &Outgoing<'_>, lane: &Lane) -> Self {
        let answer = match outcome {
            Ok(answer) => answer,
            Err(fault) => {
                if fault.is_failure() {
                    lane.note_failure();
                }
                return if fault.may_repeat(outgoing.again) {
                    Self::Again
                } else {
                    Self::Done
                };
            }
        };
        if answer.status >= 500 {
            lane.note_failure();
        }
        let asked = asked_pause(&answer.headers, Timestamp::now());
        let method = outgoing.context.method;
        let (status, again) = (answer.status, outgoing.again);
        if again.waits_out(status, asked.is_some()) {
            Self::Patience(asked)
        } else if matches!(status, 502 | 504) && again == Again::Nothing {
            // What stands before the service had no answer from it.
            Self::Again
        } else if status == 403
            && (method.is_read() || method == Method::Delete)
            && lane.doubts_refusals()
        {
            Self::Doubt
        } else {
            Self::Done
        }
    }
}

/// What is left to say when a status that asks for patience came every time.
pub(super) fn repeated_in_vain(status: u16, attempts_max: usize) -> Error {
    let attempts = attempts_max.max(1);
    let message = format!("the service answered {status} to each of {attempts} attempts");
    Error::new(ErrorKind::Throttled, message)
}

fn method_for_client(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Head => reqwest::Method::HEAD,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

fn asked_pause(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    retry_after(text(RETRY_AFTER)?, text(DATE), now)
}

/// Reads `Retry-After`: seconds, or an HTTP date, which is taken against the server's own clock
/// where it shows it by `Date` (RFC 9110 §10.2.3).
pub fn retry_after(text: &str, date: Option<&str>, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let read = |text: &str| {
        jiff::fmt::rfc2822::parse(text)
            .ok()
            .map(|zoned| zoned.timestamp())
    };
    let now = date.and_then(read).unwrap_or(now);
    let wait = read(text)?.duration_since(now);
    Duration::try_from(wait.max(SignedDuration::ZERO)).ok()
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        for (value, date, expected) in [
            ("7", None, Some(7)),
            (" 0 ", None, Some(0)),
            ("Thu, 01 Jan 2026 00:00:30 GMT", None, Some(30)),
            (
                "Thu, 01 Jan 2026 00:00:30 GMT",
                Some("Thu, 01 Jan 2026 00:00:20 GMT"),
                Some(10),
            ),
            ("Wed, 31 Dec 2025 00:00:00 GMT", None, Some(0)),
            ("soon", None, None),
            ("-1", None, None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
            if let Some(date) = date {
                headers.insert(DATE, HeaderValue::from_static(date));
            }
            assert_eq!(
                asked_pause(&headers, now),
                expected.map(Duration::from_secs),
                "{value}"
            );
        }
    }
}
