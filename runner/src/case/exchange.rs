//! One recorded exchange, as people read and write it: `PUT /v2.0/routers/… {"port_id":"…"}`, a status, a body.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cloud::{ErrorKind, Exchange, Method, Request, Response};

/// A request, and its answer or what kind of failure stood in for one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedExchange {
    /// `METHOD path` or `METHOD path body`.
    pub request: String,
    /// The service that is asked, if it is not the kind's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The status of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Headers of the answer, of those that rules are shown.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body of the answer: JSON, or a string for any other text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Why there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<NoAnswer>,
}

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoAnswer {
    /// None in time.
    Timeout,
    /// No connection.
    Unreachable,
    /// 429 or 503, every time.
    Throttled,
    /// The answer was longer than allowed.
    TooLarge,
    /// The token was refused.
    Unauthorized,
    /// The cloud has no such service.
    NoService,
    /// The answer was no text, or not what the protocol promises.
    Malformed,
}

/// What is wrong with an exchange in a file.
#[derive(Debug, thiserror::Error)]
#[error("the exchange {request:?} {why}")]
pub struct UnplayableExchange {
    request: String,
    why: String,
}

impl RecordedExchange {
    /// The exchange, asked of `service` unless it names another.
    ///
    /// # Errors
    /// If its request has no method and path, or it has not exactly one of status and error.
    pub fn playable(&self, service: &str) -> Result<Exchange, UnplayableExchange> {
        let wrong = |why: &str| UnplayableExchange {
            request: self.request.clone(),
            why: why.to_owned(),
        };
        let mut words = self.request.splitn(3, ' ');
        let method = words
            .next()
            .and_then(|method| method.parse::<Method>().ok());
        let (Some(method), Some(path)) = (method, words.next()) else {
            return Err(wrong(
                "does not begin with a method and a path: `GET /v2.0/ports`",
            ));
        };
        let service = self.service.as_deref().unwrap_or(service);
        let request = Request {
            body: words.next().map(str::to_owned),
            ..Request::new(service, method, path)
        };
        let outcome = match (self.status, self.error) {
            (Some(status), None) => Ok(self.response(status)),
            (None, Some(error)) => Err(error.into()),
            _ => return Err(wrong("needs either a `status` or an `error`")),
        };
        Ok(Exchange { request, outcome })
    }

    fn response(&self, status: u16) -> Response {
        let headers = self.headers.iter();
        Response {
            status,
            headers: headers
                .map(|(name, value)| (name.to_lowercase(), value.clone()))
                .collect(),
            body: match &self.body {
                None => String::new(),
                Some(Value::String(text)) => text.clone(),
                Some(json) => json.to_string(),
            },
            request_id: None,
        }
    }

    /// What a recorder took down. `None` for what cannot happen again, such as a request that was never sent.
    pub fn of(exchange: &Exchange, own_service: &str) -> Option<Self> {
        let Exchange { request, outcome } = exchange;
        let (status, headers, body, error) = match outcome {
            Ok(response) => {
                let body = match serde_json::from_str(&response.body) {
                    _ if response.body.is_empty() => None,
                    // A `null` in the file is no body at all.
                    Ok(Value::String(_) | Value::Null) | Err(_) => {
                        Some(Value::from(response.body.as_str()))
                    }
                    Ok(json) => Some(json),
                };
                let headers = response.headers.iter().cloned().collect();
                (Some(response.status), headers, body, None)
            }
            Err(kind) => (None, BTreeMap::new(), None, Some(NoAnswer::of(*kind)?)),
        };
        Some(Self {
            request: in_words(request),
            service: (request.service != own_service).then(|| request.service.clone()),
            status,
            headers,
            body,
            error,
        })
    }
}

impl NoAnswer {
    fn of(kind: ErrorKind) -> Option<Self> {
        match kind {
            ErrorKind::Timeout => Some(Self::Timeout),
            ErrorKind::Unreachable => Some(Self::Unreachable),
            ErrorKind::Throttled => Some(Self::Throttled),
            ErrorKind::TooLarge => Some(Self::TooLarge),
            ErrorKind::NotAuthenticated | ErrorKind::Denied => Some(Self::Unauthorized),
            ErrorKind::NoService => Some(Self::NoService),
            ErrorKind::Malformed => Some(Self::Malformed),
            _ => None,
        }
    }
}

impl From<NoAnswer> for ErrorKind {
    fn from(error: NoAnswer) -> Self {
        match error {
            NoAnswer::Timeout => Self::Timeout,
            NoAnswer::Unreachable => Self::Unreachable,
            NoAnswer::Throttled => Self::Throttled,
            NoAnswer::TooLarge => Self::TooLarge,
            NoAnswer::Unauthorized => Self::NotAuthenticated,
            NoAnswer::NoService => Self::NoService,
            NoAnswer::Malformed => Self::Malformed,
        }
    }
}

/// A request, as a case writes it.
pub(super) fn in_words(request: &Request) -> String {
    let Request {
        method, path, body, ..
    } = request;
    match body {
        Some(body) => format!("{method} {path} {body}"),
        None => format!("{method} {path}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(exchange: Value) -> Result<Exchange, UnplayableExchange> {
        let recorded: RecordedExchange = serde_json::from_value(exchange).unwrap();
        recorded.playable("network")
    }

    #[test]
    fn what_was_recorded_plays_as_it_was() {
        for recorded in [
            json!({"request": "GET /v2.0/ports", "status": 200, "body": {"ports": []}}),
            json!({"request": "PUT /v2.0/routers/r {\"port_id\": \"p\"}", "status": 409, "headers": {"link": "x"}, "body": "no JSON"}),
            json!({"request": "DELETE /v2.0/ports/p", "status": 204}),
            json!({"request": "GET /v2.0/ports/p", "status": 200, "body": "null"}),
            json!({"request": "GET /v3/users", "service": "identity", "error": "timeout"}),
        ] {
            let exchange = read(recorded.clone()).unwrap();
            let again = RecordedExchange::of(&exchange, "network").unwrap();
            assert_eq!(serde_json::to_value(again).unwrap(), recorded);
        }
    }

    #[test]
    fn what_is_no_exchange_is_refused_with_the_reason() {
        for (exchange, why) in [
            (
                json!({"request": "LOOK /v2.0/ports", "status": 200}),
                "method",
            ),
            (json!({"request": "GET", "status": 200}), "path"),
            (json!({"request": "GET /v2.0/ports"}), "either"),
            (
                json!({"request": "GET /a", "status": 200, "error": "timeout"}),
                "either",
            ),
        ] {
            let error = read(exchange).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
