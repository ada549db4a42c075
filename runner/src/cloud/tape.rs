//! Recorded exchanges in the place of a cloud.
//!
//! A [`Session`](super::Session) that plays a tape checks paths, headers and links as any other does, and sends nothing. The
//! endpoint of a service is `https://<service>.example`, a name that no machine has (RFC 2606), so that links between pages can
//! be recorded too.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use url::Url;

use super::http::{Again, repeated_in_vain};
use super::{Context, Error, ErrorKind, Request, Response};

/// A request, and what came of it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The request. Of its headers and its microversion nothing is compared.
    pub request: Request,
    /// The answer, or what kind of failure stood in for one.
    pub outcome: Result<Response, ErrorKind>,
}

/// Recorded exchanges, each of which answers one request.
#[derive(Debug, Default)]
pub struct Tape {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    exchanges: Vec<(Exchange, IsPlayed)>,
    missed: Vec<Request>,
}

type IsPlayed = bool;

impl Tape {
    /// A tape with these exchanges. Equal requests are answered in this order.
    pub fn new(exchanges: Vec<Exchange>) -> Self {
        let state = State {
            exchanges: exchanges.into_iter().map(|it| (it, false)).collect(),
            missed: Vec::new(),
        };
        Self {
            state: Mutex::new(state),
        }
    }

    /// Makes it as if nothing had been played.
    pub fn rewind(&self) {
        let mut state = self.state();
        state.missed.clear();
        for (_, is_played) in &mut state.exchanges {
            *is_played = false;
        }
    }

    /// Requests that are recorded and were not asked for.
    pub fn unplayed(&self) -> Vec<Request> {
        let state = self.state();
        let unplayed = state.exchanges.iter().filter(|(_, is_played)| !is_played);
        unplayed.map(|(it, _)| it.request.clone()).collect()
    }

    /// Requests that were asked for and are not recorded.
    pub fn missed(&self) -> Vec<Request> {
        self.state().missed.clone()
    }

    /// Answers a request as the cloud did. A status that the runner would have met with repetitions comes out as they would
    /// have: as a failure.
    pub(super) fn answer(
        &self,
        request: &Request,
        context: &Context,
        attempts_max: usize,
    ) -> Result<Response, Error> {
        let mut state = self.state();
        let mut exchanges = state.exchanges.iter_mut();
        let Some((exchange, is_played)) =
            exchanges.find(|(it, is_played)| !*is_played && same(&it.request, request))
        else {
            state.missed.push(request.clone());
            let error = Error::new(ErrorKind::NotRecorded, "no such exchange is recorded");
            return Err(error.during(context));
        };
        *is_played = true;
        match &exchange.outcome {
            Ok(response)
                if Again::of(request.method)
                    .waits_out(response.status, response.header("retry-after").is_some()) =>
            {
                Err(repeated_in_vain(response.status, attempts_max).during(context))
            }
            Ok(response) => Ok(response.clone()),
            Err(kind) => Err(Error::new(*kind, "recorded as without an answer").during(context)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a recorded service is: a host name that no machine has, as underscores are not allowed in one.
///
/// # Errors
/// [`ErrorKind::Invalid`] where the service's name cannot be part of a host name.
pub fn recorded_endpoint(service: &str) -> Result<Url, Error> {
    let host = service.replace('_', "-");
    Url::parse(&format!("https://{host}.example"))
        .ok()
        .filter(|url| url.host_str() == Some(&format!("{host}.example")))
        .ok_or_else(|| {
            let message =
                format!("the service `{service}` has no name that can be part of a host name");
            Error::new(ErrorKind::Invalid, message)
        })
}

/// Bodies are compared as JSON, for languages write it with different spaces.
fn same(recorded: &Request, asked: &Request) -> bool {
    recorded.service == asked.service
        && recorded.method == asked.method
        && recorded.path == asked.path
        && (recorded.body == asked.body || json(recorded).is_some_and(|it| json(asked) == Some(it)))
}

fn json(request: &Request) -> Option<Value> {
    serde_json::from_str(request.body.as_deref()?).ok()
}

#[cfg(test)]
mod tests {
    use super::super::Method;
    use super::*;

    fn exchange(path: &str, status: u16) -> Exchange {
        Exchange {
            request: Request::new("network", Method::Get, path),
            outcome: Ok(Response {
                status,
                headers: Vec::new(),
                body: String::new(),
                request_id: None,
            }),
        }
    }

    fn ask(tape: &Tape, path: &str) -> Result<u16, ErrorKind> {
        let request = Request::new("network", Method::Get, path);
        let context = Context {
            service: "network".to_owned(),
            method: Method::Get,
            path: path.to_owned(),
        };
        let answer = tape.answer(&request, &context, 5);
        answer
            .map(|response| response.status)
            .map_err(|error| error.kind())
    }

    #[test]
    fn each_exchange_is_played_once_and_in_order() {
        let tape = Tape::new(vec![
            exchange("/a", 200),
            exchange("/b", 404),
            exchange("/a", 409),
            exchange("/c", 503),
        ]);
        assert_eq!(ask(&tape, "/a"), Ok(200));
        assert_eq!(ask(&tape, "/a"), Ok(409));
        assert_eq!(ask(&tape, "/a"), Err(ErrorKind::NotRecorded));
        assert_eq!(ask(&tape, "/c"), Err(ErrorKind::Throttled));
        assert_eq!(tape.missed().len(), 1);
        assert_eq!(tape.unplayed()[0].path, "/b");
        tape.rewind();
        assert_eq!((tape.missed().len(), tape.unplayed().len()), (0, 4));
        assert_eq!(ask(&tape, "/a"), Ok(200));
    }

    #[test]
    fn bodies_are_compared_as_json() {
        let with = |body: &str| Request {
            body: Some(body.to_owned()),
            ..Request::new("network", Method::Put, "/a")
        };
        assert!(same(&with("{\"a\":1}"), &with("{ \"a\": 1 }")));
        assert!(same(&with("text"), &with("text")));
        assert!(!same(&with("text"), &with("other text")));
        assert!(!same(&with("{\"a\":1}"), &with("{\"a\":2}")));
    }
}
