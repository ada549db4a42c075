//! Ports of the network service. A port without a name belongs to the router or the server that uses it.

wit_bindgen::generate!({ path: "wit", world: "guest-owners" });

use cleanup::rules::http::{self, HttpError, Method, Request, Response};
use cleanup::rules::model::{
    Fields, Item, Kind, Outcome, Owner, OwnerField, Page, Property, Reach, Relation, RuleError,
    Scope, Slice, Thing,
};
use exports::cleanup::rules::{owners, rule};
use serde_json::{Value, json};

/// Ports that Neutron refuses to delete: they are taken out of their router instead.
const ROUTER_INTERFACES: &[&str] = &[
    "network:router_interface",
    "network:router_interface_distributed",
    "network:ha_router_replicated_interface",
];

struct Ports;

export!(Ports);

impl rule::Guest for Ports {
    fn kinds() -> Vec<Kind> {
        vec![Kind {
            name: "network.port".into(),
            service: "network".into(),
            reach: Reach::Projects,
            fields: Fields {
                id: "/id".into(),
                names: vec!["/name".into()],
                project: "/project_id".into(),
                created_at: "/created_at".into(),
                status: "/status".into(),
                tags: "/tags".into(),
            },
            owners: ["network.router", "compute.server"]
                .map(|kind| OwnerField {
                    kind: kind.into(),
                    at: "/device_id".into(),
                })
                .into(),
            after: vec!["compute.server".into()],
            requests: vec![
                r#"PUT /v2.0/routers/{/device_id}/remove_router_interface {"port_id":"{id}"}"#
                    .into(),
                "DELETE /v2.0/ports/{id}".into(),
            ],
            failed_states: Vec::new(),
            // All that it is shown of a port is what is named above, and this.
            extra: vec![Property {
                name: "sees".into(),
                value: "/device_owner".into(),
            }],
        }]
    }

    fn list(_kind: String, scope: Scope, cursor: Option<String>) -> Result<Page, RuleError> {
        let path = cursor.unwrap_or_else(|| match scope {
            Scope::All => "/v2.0/ports?limit=500".into(),
            Scope::Project(id) => format!("/v2.0/ports?limit=500&project_id={id}"),
            Scope::Under(_) => unreachable!("ports are not listed under anything"),
        });
        let response = send(Method::Get, &path, None)?;
        let body = parse(&response.body);
        if !body["ports"].is_array() {
            let text = format!("GET {path} shows no list of ports");
            return Err(RuleError::Malformed(text));
        }
        let mut links = body["ports_links"].as_array().into_iter().flatten();
        let next = links.find(|link| link["rel"] == "next");
        Ok(Page {
            slices: vec![Slice {
                response: response.number,
                at: "/ports".into(),
            }],
            next: next.and_then(|link| text(&link["href"])).map(str::to_owned),
        })
    }

    fn name(_kind: String, item: Item) -> Option<String> {
        text(&parse(&item.object)["name"]).map(str::to_owned)
    }

    fn delete(_kind: String, item: Item) -> Result<Outcome, RuleError> {
        let port = parse(&item.object);
        let user = text(&port["device_owner"]).unwrap_or_default();
        let deleted = if ROUTER_INTERFACES.contains(&user) {
            let router = text(&port["device_id"]).expect("an interface says which router it is of");
            let path = format!("/v2.0/routers/{router}/remove_router_interface");
            send(Method::Put, &path, Some(json!({ "port_id": item.id })))
        } else {
            send(Method::Delete, &format!("/v2.0/ports/{}", item.id), None)
        };
        match deleted {
            Ok(_) | Err(RuleError::NotFound) => Ok(Outcome::Gone),
            // A gateway goes with its router, an interface after the routes through it: the router is in the way.
            Err(RuleError::Conflict(why)) => match owner(&port) {
                Some(Owner { owner, .. }) if owner.kind == "network.router" => {
                    Ok(Outcome::Blocked(vec![owner]))
                }
                _ => Err(RuleError::Conflict(why)),
            },
            Err(error) => Err(error),
        }
    }
}

impl owners::Guest for Ports {
    fn owners(_kind: String, item: Item) -> Vec<Owner> {
        let port = parse(&item.object);
        owner(&port).into_iter().collect()
    }
}

/// What uses the port, and so speaks for it.
fn owner(port: &Value) -> Option<Owner> {
    let kind = match text(&port["device_owner"])? {
        "network:ha_router_replicated_interface" => "network.router",
        user if user.starts_with("network:router") => "network.router",
        user if user.starts_with("compute:") => "compute.server",
        _ => return None,
    };
    Some(Owner {
        relation: Relation::NamedBy,
        owner: Thing {
            kind: kind.into(),
            id: text(&port["device_id"])?.into(),
        },
    })
}

/// Sends a request. An answer that is no success is an error.
///
/// Ids are put into paths as they are: those of Neutron and Keystone hold nothing that had to be encoded.
fn send(method: Method, path: &str, body: Option<Value>) -> Result<Response, RuleError> {
    let asked = format!("{} {path}", verb(method));
    let response = http::send(&Request {
        service: "network".into(),
        method,
        path: path.into(),
        headers: Vec::new(),
        microversion: String::new(),
        body: body.map(|body| body.to_string()),
    })
    .map_err(|error| no_answer(&asked, error))?;
    match response.status {
        200..=299 => Ok(response),
        _ => Err(refusal(&asked, &response)),
    }
}

/// What an answer means that is no success, with what Neutron says about it.
fn refusal(asked: &str, response: &Response) -> RuleError {
    let status = response.status;
    let why = match text(&parse(&response.body)["NeutronError"]["message"]) {
        Some(message) => format!("{asked}: {status} {message}"),
        None => format!("{asked}: {status}"),
    };
    match status {
        401 | 403 => RuleError::Denied(why),
        404 => RuleError::NotFound,
        409 => RuleError::Conflict(why),
        429 => RuleError::Throttled(why),
        500.. => RuleError::Unavailable(why),
        _ => RuleError::Other(why),
    }
}

/// What it means that there is no answer.
fn no_answer(asked: &str, error: HttpError) -> RuleError {
    let say = |why: &str| format!("{asked}: {why}");
    match error {
        HttpError::NoService => RuleError::Other(say("no such service")),
        HttpError::Refused(why) | HttpError::Other(why) => RuleError::Other(say(&why)),
        HttpError::Throttled(why) => RuleError::Throttled(say(&why)),
        HttpError::Timeout(why) | HttpError::Unreachable(why) => RuleError::Unavailable(say(&why)),
        HttpError::TooLarge(why) => RuleError::Malformed(say(&why)),
        HttpError::Unauthorized(why) => RuleError::Denied(say(&why)),
    }
}

fn verb(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Head | Method::Post | Method::Patch => unreachable!("this rule sends none"),
    }
}

/// The JSON in a text. What is no JSON is null, which has no members.
fn parse(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

/// The value, if it is a string with something in it.
fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}
