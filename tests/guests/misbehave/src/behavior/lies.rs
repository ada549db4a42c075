//! Lies about what a thing is, whose it is, and what has become of it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Behavior, HONEST};
use crate::deed::{
    body, change, delete, get, image, list, name_of, object, page, property, request, send, slice,
    thing, try_and_go_on, victim,
};
use crate::http::Method;
use crate::model::{
    Item, Kind, Outcome, Owner, OwnerField, Page, Reach, Relation, RuleError, Step,
};

/// All images, on one page.
const ALL: &str = "/v2/images?limit=500&visibility=all";

/// A name that the task gave to an image of which another one is the base.
const SNAPSHOT: &str = "s_rally_5e1f0a3c_dddddddd";

fn called(name: &str) -> String {
    format!("/v2/images?limit=500&visibility=all&name={name}")
}

fn identified_by(id: &str, name: &str) -> Vec<Kind> {
    let mut kind = image();
    kind.fields.id = id.to_owned();
    kind.fields.names = vec![name.to_owned()];
    vec![kind]
}

/// The name that was seen last and that a task gave.
static APPROVED: Mutex<Option<String>> = Mutex::new(None);

fn approved() -> Option<String> {
    APPROVED.lock().ok()?.clone()
}

fn is_approved(name: &str) -> bool {
    name.starts_with("s_rally_5e1f0a3c_")
}

pub static BEHAVIORS: &[Behavior] = &[
    // Names.
    Behavior {
        name: "name-of-another-object",
        list: |_| {
            // The victim is the newest and comes first: the others are looked at before.
            let response = get(ALL)?;
            let images = body(&response);
            let names = images["images"].as_array().into_iter().flatten();
            let mut names = names.filter_map(|image| image["name"].as_str());
            if let Ok(mut approved) = APPROVED.lock() {
                *approved = names.find(|name| is_approved(name)).map(str::to_owned);
            }
            page(response, "/images")
        },
        name_of: |item| match name_of(item) {
            Some(name) if name == "victim" => approved(),
            other => other,
        },
        ..HONEST
    },
    Behavior {
        name: "glued-from-two-responses",
        list: |_| {
            let listed = get(ALL)?;
            let images = body(&listed);
            let first = images["images"].as_array().and_then(|images| {
                let named =
                    |image: &&serde_json::Value| image["name"].as_str().is_some_and(is_approved);
                images.iter().find(named)?["id"].as_str().map(str::to_owned)
            });
            let approved_one = get(&format!("/v2/images/{}", first.unwrap_or_default()))?;
            let victim = get(&format!("/v2/images/{}", victim()))?;
            if let Ok(mut approved) = APPROVED.lock() {
                *approved = body(&approved_one)["name"].as_str().map(str::to_owned);
            }
            Ok(Page {
                slices: vec![slice(&victim, ""), slice(&approved_one, "")],
                next: None,
            })
        },
        name_of: |_| approved(),
        ..HONEST
    },
    Behavior {
        name: "part-of-a-name",
        name_of: |item| name_of(item).map(|name| name.chars().take(20).collect()),
        ..HONEST
    },
    // Ids.
    Behavior {
        name: "id-from-a-reference",
        kinds: || identified_by("/base_image_ref", "/name"),
        list: |_| page(get(&called(SNAPSHOT))?, "/images"),
        ..HONEST
    },
    Behavior {
        name: "id-from-a-second-id",
        kinds: || identified_by("/uuid", "/name"),
        list: |_| page(get(&called(SNAPSHOT))?, "/images"),
        ..HONEST
    },
    Behavior {
        name: "id-from-a-name",
        kinds: || identified_by("/name", "/description"),
        list: |_| page(get(&called(&victim()))?, "/images"),
        name_of: |item| object(item)["description"].as_str().map(str::to_owned),
        ..HONEST
    },
    Behavior {
        name: "id-from-a-name-and-no-name",
        kinds: || identified_by("/name", "/name"),
        list: |_| page(get(&called(&victim()))?, "/images"),
        name_of: |_| None,
        owners: part_of_base,
        ..HONEST
    },
    Behavior {
        name: "witness-by-another-id",
        kinds: || {
            let mut kind = image();
            kind.fields.id = "/name".to_owned();
            kind.requests = Vec::new();
            kind.extra = vec![property("witness", "true"), property("reads", "/v2/images")];
            vec![kind]
        },
        ..HONEST
    },
    Behavior {
        name: "witness-of-another-collection",
        kinds: || {
            let mut kind = image();
            kind.requests = Vec::new();
            kind.extra = vec![property("witness", "true"), property("reads", "/v2/images")];
            vec![kind]
        },
        list: |_| page(get(&format!("/v2/images/{}", victim()))?, ""),
        ..HONEST
    },
    // Places.
    Behavior {
        name: "things-within-things",
        list: |_| {
            let response = get(&format!("/v2/images/{}", victim()))?;
            Ok(Page {
                slices: vec![slice(&response, ""), slice(&response, "/tags")],
                next: None,
            })
        },
        ..HONEST
    },
    Behavior {
        name: "some-fields-only",
        list: |_| page(get(&format!("{ALL}&fields%5B%5D=id,name"))?, "/images"),
        ..HONEST
    },
    // Projects.
    Behavior {
        name: "all-in-no-project",
        kinds: || {
            let mut kind = image();
            kind.reach = Reach::Cloud;
            kind.fields.project = String::new();
            vec![kind]
        },
        list: |_| page(get(ALL)?, "/images"),
        ..HONEST
    },
    describing!("project-that-is-another", kind => kind.fields.project = "/target_project_id".to_owned()),
    describing!("projects-of-its-own", kind => kind.name = "identity.project".to_owned()),
    describing!("users-of-its-own", kind => kind.name = "identity.user".to_owned()),
    describing!("kind-of-another-rule", kind => kind.name = "network.network".to_owned()),
    Behavior {
        name: "all-in-each-project",
        kinds: || {
            let mut kind = image();
            kind.reach = Reach::EachProject;
            kind.fields.project = String::new();
            vec![kind]
        },
        list: |_| page(get(ALL)?, "/images"),
        ..HONEST
    },
    // Parents.
    Behavior {
        name: "all-under-a-project",
        kinds: || under_a_project("DELETE /v2/images/{id}"),
        list: |_| page(get(ALL)?, "/images"),
        ..HONEST
    },
    Behavior {
        name: "all-under-a-project-by-query",
        kinds: || under_a_project("DELETE /v2/images/{id}?project={parent}"),
        list: |_| page(get(ALL)?, "/images"),
        ..HONEST
    },
    Behavior {
        name: "all-names-under-a-project-by-query",
        kinds: || {
            let request = "DELETE /v2/metadefs/namespaces/{id}?project={parent}";
            let mut kinds = under_a_project(request);
            for kind in &mut kinds {
                kind.fields.id = "/namespace".to_owned();
                kind.fields.names = vec!["/namespace".to_owned()];
            }
            kinds
        },
        list: |_| page(get("/v2/metadefs/namespaces")?, "/namespaces"),
        name_of: |item| object(item)["namespace"].as_str().map(str::to_owned),
        ..HONEST
    },
    Behavior {
        name: "another-name-under-each",
        kinds: || {
            let mut kind = image();
            kind.name = "image.under_network".to_owned();
            kind.service = "network".to_owned();
            kind.reach = Reach::UnderEach("network.network".to_owned());
            kind.fields.id = String::new();
            kind.fields.project = "/project_id".to_owned();
            kind.requests = vec!["DELETE /v2.0/networks/{id}".to_owned()];
            vec![kind]
        },
        list: |_| {
            let approved = "/v2.0/networks?name=s_rally_5e1f0a3c_abcdefgh";
            page(
                send(&request("network", Method::Get, approved))?,
                "/networks",
            )
        },
        ..HONEST
    },
    // Owners.
    Behavior {
        name: "forged-owner",
        owners: |item| match name_of(item).as_deref() {
            Some("victim") => vec![Owner {
                relation: Relation::PartOf,
                owner: thing("image.image", "00000000-0000-4000-8000-000000000000"),
            }],
            _ => Vec::new(),
        },
        ..HONEST
    },
    Behavior {
        name: "part-of-what-it-mentions",
        owners: part_of_base,
        ..HONEST
    },
    Behavior {
        name: "owner-of-an-undeclared-kind",
        kinds: || {
            let mut kind = image();
            kind.owners = vec![OwnerField {
                kind: "network.network".to_owned(),
                at: "/network_id".to_owned(),
            }];
            vec![kind]
        },
        owners: |item| {
            let owner = object(item)["owner"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            vec![Owner {
                relation: Relation::PartOf,
                owner: thing("identity.project", &owner),
            }]
        },
        ..HONEST
    },
    Behavior {
        name: "everything-waits-for-the-victim",
        order: |_| vec![Step::After(thing("image.image", &victim_in_order()))],
        list: |cursor| {
            if let Ok(mut known) = VICTIM.lock() {
                *known = Some(victim());
            }
            list(cursor)
        },
        ..HONEST
    },
    // Fates.
    Behavior {
        name: "says-that-all-is-gone",
        delete: |_| Ok(Outcome::Gone),
        gone: |_| Ok(true),
        ..HONEST
    },
    Behavior {
        name: "says-gone-of-what-is-there",
        gone: |_| Ok(true),
        ..HONEST
    },
    Behavior {
        name: "says-that-it-was-accepted",
        delete: |_| Ok(Outcome::Accepted),
        gone: |_| Ok(true),
        ..HONEST
    },
    Behavior {
        name: "says-gone-whatever-the-cloud-says",
        delete: |item| {
            try_and_go_on(&request(
                "image",
                Method::Delete,
                &format!("/v2/images/{}", item.id),
            ));
            Ok(Outcome::Gone)
        },
        gone: |_| Ok(true),
        ..HONEST
    },
    Behavior {
        name: "says-gone-after-another-change",
        kinds: || {
            let mut kind = image();
            kind.requests
                .insert(0, "POST /v2/images/{id}/actions/deactivate".to_owned());
            vec![kind]
        },
        delete: |item| {
            let path = format!("/v2/images/{}/actions/deactivate", item.id);
            change(Method::Post, &path, None)?;
            Ok(Outcome::Gone)
        },
        gone: |_| Ok(true),
        ..HONEST
    },
    Behavior {
        name: "says-gone-after-a-look",
        delete: |item| {
            get(&format!("/v2/images/{}", item.id))?;
            Ok(Outcome::Gone)
        },
        ..HONEST
    },
    Behavior {
        name: "says-not-found",
        delete: |_| Err(RuleError::NotFound),
        ..HONEST
    },
    Behavior {
        name: "blocked-by-a-hundred-thousand",
        delete: |_| Ok(Outcome::Blocked(vec![thing("a.b", "c"); 100_000])),
        ..HONEST
    },
    Behavior {
        name: "blocked-by-control-characters",
        delete: |_| {
            Ok(Outcome::Blocked(vec![
                thing(
                    "a.b\x1b[2J",
                    "\r\nerror: forged\x1b[2J"
                );
                1_000
            ]))
        },
        ..HONEST
    },
    // Turning.
    Behavior {
        name: "turn-at-the-hundredth",
        list: |_| page(get(ALL)?, "/images"),
        delete: |item| {
            static CALLS: AtomicU32 = AtomicU32::new(0);
            if CALLS.fetch_add(1, Ordering::Relaxed) == 99 {
                let path = format!("/v2/images/{}", victim());
                try_and_go_on(&request("image", Method::Delete, &path));
            }
            delete(item)
        },
        ..HONEST
    },
    // Two kinds for the same things.
    Behavior {
        name: "two-kinds-with-one-id",
        kinds: || {
            let copy = Kind {
                name: "image.copy".to_owned(),
                ..image()
            };
            vec![image(), copy]
        },
        ..HONEST
    },
];

/// Where `order` finds the victim: it may not ask.
static VICTIM: Mutex<Option<String>> = Mutex::new(None);

fn victim_in_order() -> String {
    VICTIM
        .lock()
        .ok()
        .and_then(|known| known.clone())
        .unwrap_or_default()
}

fn part_of_base(item: &Item) -> Vec<Owner> {
    let base = object(item)["base_image_ref"].as_str().map(str::to_owned);
    let owners = base.map(|base| Owner {
        relation: Relation::PartOf,
        owner: thing("image.image", &base),
    });
    owners.into_iter().collect()
}

fn under_a_project(request: &str) -> Vec<Kind> {
    vec![Kind {
        name: "image.junk".to_owned(),
        reach: Reach::UnderDeleted("identity.project".to_owned()),
        requests: vec![request.to_owned()],
        ..image()
    }]
}
