//! {{kind}}: `GET {{path}}` lists them, `DELETE {{path}}/{id}` deletes one.
//!
//! Compare with the API's documentation: fields and `reach` in `kinds`, the next page, and what the statuses mean.

wit_bindgen::generate!({ path: "wit", world: "guest" });

use cleanup::rules::http::{self, Method, Request, Response};
use cleanup::rules::model::{
    Fields, Item, Kind, Outcome, Page, Property, Reach, RuleError, Scope, Slice,
};
use exports::cleanup::rules::rule::Guest;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

struct Rule;

export!(Rule);

impl Guest for Rule {
    fn kinds() -> Vec<Kind> {
        vec![Kind {
            name: "{{kind}}".into(),
            service: "{{service}}".into(),
            reach: Reach::Projects,
            fields: Fields {
                id: "/id".into(),
                names: vec!["/name".into()],
                project: "/project_id".into(),
                created_at: "/created_at".into(),
                status: "/status".into(),
                tags: String::new(),
            },
            owners: Vec::new(),
            after: Vec::new(),
            requests: vec!["DELETE {{path}}/{id}".into()],
            failed_states: Vec::new(),
            // All that it is shown of an object are the fields above. What else it needs, it names here.
            extra: vec![Property {
                name: "sees".into(),
                value: "/id".into(),
            }],
        }]
    }

    /// The cursor is the path of the page.
    fn list(_kind: String, _scope: Scope, cursor: Option<String>) -> Result<Page, RuleError> {
        let path = cursor.unwrap_or_else(|| "{{path}}".into());
        let response = send(Method::Get, &path)?;
        let body = serde_json::from_str(&response.body)
            .map_err(|error| RuleError::Malformed(format!("GET {path}: {error}")))?;
        Ok(Page {
            slices: vec![Slice {
                response: response.number,
                at: "/{{at}}".into(),
            }],
            next: next_page(&body),
        })
    }

    fn name(_kind: String, item: Item) -> Option<String> {
        let object: Value = serde_json::from_str(&item.object).ok()?;
        let name = object["name"].as_str().filter(|name| !name.is_empty());
        name.map(str::to_owned)
    }

    fn delete(_kind: String, item: Item) -> Result<Outcome, RuleError> {
        let id = utf8_percent_encode(&item.id, ENCODED);
        match send(Method::Delete, &format!("{{path}}/{id}")) {
            // What was only accepted is listed again until it is gone.
            Ok(response) if response.status == 202 => Ok(Outcome::Accepted),
            Ok(_) | Err(RuleError::NotFound) => Ok(Outcome::Gone),
            Err(error) => Err(error),
        }
    }
}

/// Some services link to it in `links`, some in `{{at}}_links`.
fn next_page(body: &Value) -> Option<String> {
    let mut links = body["{{at}}_links"].as_array().into_iter().flatten();
    let link = links.find(|link| link["rel"] == "next");
    let url = link.map_or(&body["links"]["next"], |link| &link["href"]);
    url.as_str().map(str::to_owned)
}

/// Sends a request. Anything but a success is the error that the contract has for it.
fn send(method: Method, path: &str) -> Result<Response, RuleError> {
    let verb = match method {
        Method::Delete => "DELETE",
        _ => "GET",
    };
    let response = http::send(&Request {
        service: "{{service}}".into(),
        method,
        path: path.into(),
        headers: Vec::new(),
        microversion: String::new(),
        body: None,
    })
    .map_err(|error| RuleError::Unavailable(format!("{verb} {path}: {error}")))?;
    let text = format!("{verb} {path}: {} {}", response.status, response.body);
    match response.status {
        200..=299 => Ok(response),
        401 | 403 => Err(RuleError::Denied(text)),
        404 => Err(RuleError::NotFound),
        409 => Err(RuleError::Conflict(text)),
        429 => Err(RuleError::Throttled(text)),
        500.. => Err(RuleError::Unavailable(text)),
        _ => Err(RuleError::Other(text)),
    }
}

/// What the runner leaves as it is in a path: letters, digits and these. It compares what is sent with what it would send.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
