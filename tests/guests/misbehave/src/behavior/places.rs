//! Where requests lead, and to whom things are tied: names and properties that say what only a template should.

use super::{Behavior, HONEST};
use crate::deed::{delete, get, image, page, property, request, send, slice, try_and_go_on};
use crate::http::{Method, Request};
use crate::logging::{self, Level};
use crate::model::{Kind, Outcome, OwnerField, Page, Reach, Slice};

/// One that is under a thing of another kind which goes.
fn under(parent: &str, request: &str) -> Kind {
    Kind {
        reach: Reach::UnderDeleted(parent.to_owned()),
        requests: vec![request.to_owned()],
        ..image()
    }
}

fn owned(kind: &str, at: &str) -> Vec<OwnerField> {
    vec![OwnerField {
        kind: kind.to_owned(),
        at: at.to_owned(),
    }]
}

/// A request that has the same place for each of these as far as anybody could see who compares it.
fn compared(number: usize) -> String {
    format!("POST /v2/images/{{id}}/action {{\"x{number}\":\"{{/hosts/*}}\"}}")
}

pub static BEHAVIORS: &[Behavior] = &[
    describing!("projects-by-an-alias", kind => {
        kind.service = "identityv3".to_owned();
        kind.requests = vec!["DELETE /v3/projects/{id}".to_owned()];
    }),
    describing!("users-by-an-alias", kind => {
        kind.service = "identityv3".to_owned();
        kind.requests.push("PATCH /v3/users/{id} {\"user\":{\"password\":\"x\"}}".to_owned());
    }),
    describing!("everything-by-an-alias", kind => {
        kind.service = "identityv3".to_owned();
        kind.requests = vec!["DELETE /v3/{/x}/{id}".to_owned()];
    }),
    describing!("parent-as-the-collection": under("compute.keypair", "DELETE /{parent}/{id}")),
    describing!("parent-as-the-collection-of-a-version": under("compute.keypair", "DELETE /v2/{parent}/{id}")),
    describing!("parent-as-the-last-segment": under("compute.keypair", "DELETE /v2/metadefs/{parent}/{id}")),
    describing!("parent-where-it-is-not": under("compute.keypair", "DELETE /v2/images/{parent}/members/{id}")),
    describing!("one-thing-of-a-name", kind => {
        kind.reach = Reach::UnderDeleted("compute.keypair".to_owned());
        kind.fields.id = String::new();
    }),
    describing!("collections-by-tags", kind => {
        kind.requests = vec!["DELETE /v2/{/tags/0}/{id}".to_owned(), "DELETE /v2/{/tags/1}/{id}".to_owned()];
    }),
    describing!("collection-that-nobody-knows", kind => kind.requests.push("DELETE /v2/images/none/{/name}/{id}".to_owned())),
    describing!("the-same-end", kind => kind.requests.push("DELETE /v2/tasks/{/checksum}/images/{id}".to_owned())),
    describing!("query-by-an-object", kind => kind.requests.push("DELETE /v2/images/{id}?{/status}={/checksum}".to_owned())),
    describing!("template-that-deletes-another", kind => {
        kind.requests.push("POST /v2/images/{/base_image_ref}/delete {\"image_id\":\"{id}\"}".to_owned());
    }),
    describing!("the-same-request-twice", kind => kind.requests.push("DELETE /v2/images/{id}".to_owned())),
    describing!("the-same-effect-twice", kind => kind.extra = vec![property("makes", "image.none /hosts/*"), property("makes", "image.none /hosts/*")]),
    describing!("owner-by-its-state", kind => kind.owners = owned("compute.keypair", "/status")),
    describing!("owner-by-its-project", kind => kind.owners = owned("compute.keypair", "/owner")),
    describing!("owner-by-its-name", kind => kind.owners = owned("compute.keypair", "/name")),
    describing!("owner-that-goes-by-a-name", kind => kind.owners = owned("compute.keypair", "/flavor_id")),
    // Listings.
    Behavior {
        name: "fields-behind-a-semicolon",
        list: |_| page(get("/v2/images?limit=5;fields=id;fields=name")?, "/images"),
        ..HONEST
    },
    Behavior {
        name: "slices-of-slashes",
        list: |_| {
            let mut at = "/".repeat(1_000_000);
            let of = |at: String| Slice { response: 0, at };
            let first = of(at.clone());
            at.push('a');
            try_and_go_on(&request("image", Method::Get, "/v2/images?limit=1"));
            Ok(Page {
                slices: vec![first, of(at)],
                next: None,
            })
        },
        ..HONEST
    },
    Behavior {
        name: "lines-without-words",
        list: |cursor| {
            for _ in 0..100_000 {
                logging::log(Level::Error, "");
            }
            super::list(cursor)
        },
        ..HONEST
    },
    Behavior {
        name: "reads-of-a-kind-that-it-is-not-left",
        kinds: || {
            let spy = Kind {
                name: "image.spy".to_owned(),
                requests: vec!["DELETE /v2/spies/{id}".to_owned()],
                owners: Vec::new(),
                extra: vec![property("reads", "/v2/tasks")],
                ..image()
            };
            vec![image(), spy]
        },
        list: |_| {
            let tasks = get("/v2/tasks")?;
            Ok(Page {
                slices: vec![slice(&tasks, "/images")],
                next: None,
            })
        },
        ..HONEST
    },
    // Deletions.
    Behavior {
        name: "a-large-body-for-many-templates",
        kinds: || {
            let mut kind = image();
            kind.requests.extend((0..190).map(compared));
            vec![kind]
        },
        delete: |item| {
            let large = format!("[{}[]]", "[0],".repeat(100_000));
            try_and_go_on(&Request {
                body: Some(large),
                ..request(
                    "image",
                    Method::Post,
                    &format!("/v2/images/{}/action", item.id),
                )
            });
            delete(item)
        },
        ..HONEST
    },
    Behavior {
        name: "service-by-an-alias",
        kinds: || {
            vec![Kind {
                service: "identityv3".to_owned(),
                requests: vec!["DELETE /v3/credentials/{id}".to_owned()],
                ..image()
            }]
        },
        list: |_| {
            page(
                send(&request("identity", Method::Get, "/v3/credentials"))?,
                "/credentials",
            )
        },
        delete: |_| Ok(Outcome::Accepted),
        ..HONEST
    },
];
