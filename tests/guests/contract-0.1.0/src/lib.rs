//! A rule from the days of contract 0.1.0, built against the contract as it was then: networks and their subnets.
//!
//! It is never changed, and neither is its `wit` folder: that both go on working is the promise. So it calls every function
//! that there was, and exports all interfaces.

wit_bindgen::generate!({ path: "wit", world: "guest-full" });

use cleanup::rules::http::{self, Method, Request, Response};
use cleanup::rules::logging::{self, Level};
use cleanup::rules::model::{
    Fields, Item, Kind, Outcome, Owner, OwnerField, Page, Reach, Relation, RuleError, Scope, Slice,
    Step, Thing,
};
use exports::cleanup::rules::{order, owners, presence, rule};
use serde_json::Value;

const NETWORK: &str = "network.network";
const SUBNET: &str = "network.subnet";

struct Networks;

export!(Networks);

impl rule::Guest for Networks {
    fn kinds() -> Vec<Kind> {
        let owner = OwnerField {
            kind: NETWORK.into(),
            at: "/network_id".into(),
        };
        vec![
            kind(NETWORK, "DELETE /v2.0/networks/{id}", Vec::new()),
            kind(SUBNET, "DELETE /v2.0/subnets/{id}", vec![owner]),
        ]
    }

    fn list(kind: String, _scope: Scope, cursor: Option<String>) -> Result<Page, RuleError> {
        let path = cursor.unwrap_or_else(|| format!("/v2.0/{}?limit=2", collection(&kind)));
        let mut responses = http::send_all(&[request(Method::Get, path)]);
        let response = checked(responses.remove(0))?;
        let body = parse(&response.body);
        let mut links = body[format!("{}_links", collection(&kind))]
            .as_array()
            .into_iter()
            .flatten();
        let next = links.find(|link| link["rel"] == "next");
        Ok(Page {
            slices: vec![Slice {
                response: response.number,
                at: format!("/{}", collection(&kind)),
            }],
            next: next.and_then(|link| link["href"].as_str().map(str::to_owned)),
        })
    }

    fn name(_kind: String, item: Item) -> Option<String> {
        let object = parse(&item.object);
        let name = object["name"].as_str().filter(|name| !name.is_empty());
        name.map(str::to_owned)
    }

    fn delete(kind: String, item: Item) -> Result<Outcome, RuleError> {
        logging::log(Level::Info, &format!("deletes {kind}/{}", item.id));
        let path = format!("/v2.0/{}/{}", collection(&kind), item.id);
        match checked(http::send(&request(Method::Delete, path))) {
            Ok(_) | Err(RuleError::NotFound) => Ok(Outcome::Gone),
            Err(error) => Err(error),
        }
    }
}

impl owners::Guest for Networks {
    fn owners(_kind: String, item: Item) -> Vec<Owner> {
        let owner = |owner| Owner {
            relation: Relation::NamedBy,
            owner,
        };
        network_of(&item).map(owner).into_iter().collect()
    }
}

impl order::Guest for Networks {
    fn order(_kind: String, item: Item) -> Vec<Step> {
        network_of(&item).map(Step::Before).into_iter().collect()
    }
}

impl presence::Guest for Networks {
    /// What was deleted counts as gone, though the cloud may still list it.
    fn gone(_kind: String, _item: Item) -> Result<bool, RuleError> {
        Ok(true)
    }
}

fn kind(name: &str, request: &str, owners: Vec<OwnerField>) -> Kind {
    Kind {
        name: name.into(),
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
        owners,
        after: Vec::new(),
        requests: vec![request.into()],
        failed_states: Vec::new(),
        extra: Vec::new(),
    }
}

fn collection(kind: &str) -> &'static str {
    match kind {
        NETWORK => "networks",
        SUBNET => "subnets",
        _ => unreachable!("the runner asks for no other kind"),
    }
}

fn network_of(item: &Item) -> Option<Thing> {
    let id = parse(&item.object)["network_id"].as_str()?.to_owned();
    Some(Thing {
        kind: NETWORK.into(),
        id,
    })
}

fn request(method: Method, path: String) -> Request {
    Request {
        service: "network".into(),
        method,
        path,
        headers: Vec::new(),
        microversion: String::new(),
        body: None,
    }
}

fn checked(answer: Result<Response, http::HttpError>) -> Result<Response, RuleError> {
    let response = answer.map_err(|error| RuleError::Other(format!("{error:?}")))?;
    match response.status {
        200..=299 => Ok(response),
        404 => Err(RuleError::NotFound),
        409 => Err(RuleError::Conflict(response.body)),
        status => Err(RuleError::Other(format!("{status}: {}", response.body))),
    }
}

fn parse(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}
