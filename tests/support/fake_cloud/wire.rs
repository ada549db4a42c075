//! Requests as the services see them, and the answers they give.
//!
//! No decision is taken here. Every answer carries the request id that its record has.

use serde_json::{Value, json};

use super::auth::Actor;
use super::store::View;
use super::table::{Errors, Service};

/// One request, taken apart.
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) service: &'static Service,
    /// Decoded segments below the service's root (and project).
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Value,
    pub(crate) actor: Actor,
    /// Minor version asked for, or the lowest.
    pub(crate) minor: u32,
    /// Scheme, host and port.
    pub(crate) base: String,
    /// Path as sent, without query.
    pub(crate) target: String,
    /// Query as sent.
    pub(crate) raw_query: String,
}

impl Call {
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(k, _)| k == name)
            .map(|(_, v)| v.as_str())
    }

    /// Whether a parameter is given and means yes.
    pub(crate) fn asks(&self, name: &str) -> bool {
        self.parameter(name)
            .is_some_and(|v| matches!(v.to_lowercase().as_str(), "1" | "true" | "yes" | ""))
    }

    pub(crate) fn view(&self) -> View<'_> {
        View {
            admin: self.actor.admin,
            minor: self.minor,
            base: &self.base,
            project: self.actor.project(),
        }
    }

    /// The path as words, for matching.
    pub(crate) fn words(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    pub(crate) fn refuse(&self, status: u16, name: &str, message: &str) -> Answer {
        refuse(self.service.errors, status, name, message)
    }
}

/// One response before faults are applied.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(status: u16, body: impl ToString) -> Answer {
        Answer {
            status,
            content_type: "application/json",
            headers: Vec::new(),
            body: body.to_string(),
        }
    }

    pub(crate) fn empty(status: u16) -> Answer {
        Answer::json(status, "")
    }

    pub(crate) fn html(status: u16, message: &str) -> Answer {
        let title = format!("{status} {}", title(status));
        let body = format!(
            "<html>\n <head>\n  <title>{title}</title>\n </head>\n <body>\n  <h1>{title}</h1>\n  {message}<br /><br />\n\n\n\n </body>\n</html>"
        );
        Answer {
            status,
            content_type: "text/html; charset=UTF-8",
            headers: Vec::new(),
            body,
        }
    }
}

fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Request Entity Too Large",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Error",
    }
}

/// A refusal in a service's own words.
pub(crate) fn refuse(errors: Errors, status: u16, name: &str, message: &str) -> Answer {
    match errors {
        Errors::Keystone => {
            let body =
                json!({"error": {"code": status, "message": message, "title": title(status)}});
            Answer::json(status, body)
        }
        Errors::Fault => {
            let key = match status {
                400 => "badRequest",
                401 => "unauthorized",
                403 => "forbidden",
                404 => "itemNotFound",
                405 => "badMethod",
                409 => "conflictingRequest",
                413 => "overLimit",
                429 => "tooManyRequests",
                _ => "computeFault",
            };
            Answer::json(status, json!({key: {"code": status, "message": message}}))
        }
        Errors::Neutron => {
            let body = json!({"NeutronError": {"type": name, "message": message, "detail": ""}});
            Answer::json(status, body)
        }
        Errors::Html => Answer::html(status, message),
    }
}

const UNAUTHORIZED: &str = "The request you have made requires authentication.";

/// What a service says to an absent, unknown or expired token.
pub(crate) fn unauthorized(errors: Errors, base: &str) -> Answer {
    let mut answer = match errors {
        Errors::Html => Answer::html(
            401,
            "This server could not verify that you are authorized to access the document you requested. \
             Either you supplied the wrong credentials (e.g., bad password), or your browser does not \
             understand how to supply the credentials required.",
        ),
        Errors::Keystone | Errors::Fault | Errors::Neutron => {
            refuse(Errors::Keystone, 401, "", UNAUTHORIZED)
        }
    };
    answer.headers.push((
        "www-authenticate",
        format!("Keystone uri=\"{base}/identity/v3\""),
    ));
    answer
}

/// What a service says to a path it does not know.
pub(crate) fn unknown_path(errors: Errors) -> Answer {
    match errors {
        Errors::Neutron => refuse(
            errors,
            404,
            "HTTPNotFound",
            "The resource could not be found.",
        ),
        Errors::Keystone | Errors::Fault | Errors::Html => {
            Answer::html(404, "The resource could not be found.")
        }
    }
}
