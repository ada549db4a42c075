//! The behaviors, one row each. What a row does not say is honest work.

// Before the modules, so that they know it.
/// Describes its kind otherwise, and lists, names and deletes as ever.
macro_rules! describing {
    ($name:literal, $kind:ident => $change:expr) => {
        Behavior {
            name: $name,
            kinds: || {
                let mut $kind = image();
                $change;
                vec![$kind]
            },
            ..HONEST
        }
    };
    ($name:literal: $kind:expr) => {
        Behavior {
            name: $name,
            kinds: || vec![$kind],
            ..HONEST
        }
    };
}

mod astray;
mod curious;
mod exhaustion;
mod lies;
mod places;

use crate::deed::{
    FIRST_PAGE, body, change, delete, get, image, list, name_of, object, page, property, request,
    send, surroundings, thing, try_and_go_on, victim, with_header,
};
use crate::http::{self, Method, Request};
use crate::model::{
    Fields, Item, Kind, Outcome, Owner, OwnerField, Page, Relation, RuleError, Slice, Step,
};

/// A rule's functions, one of which does what it must not.
pub struct Behavior {
    pub name: &'static str,
    /// Done while the component is instantiated, before anybody has called it.
    pub at_start: fn(),
    pub kinds: fn() -> Vec<Kind>,
    pub list: fn(Option<String>) -> Result<Page, RuleError>,
    pub name_of: fn(&Item) -> Option<String>,
    pub owners: fn(&Item) -> Vec<Owner>,
    pub order: fn(&Item) -> Vec<Step>,
    pub delete: fn(&Item) -> Result<Outcome, RuleError>,
    pub gone: fn(&Item) -> Result<bool, RuleError>,
}

const HONEST: Behavior = Behavior {
    name: "honest",
    at_start: || (),
    kinds: || vec![image()],
    list,
    name_of,
    owners: |_| Vec::new(),
    order: |_| Vec::new(),
    delete,
    gone: |_| Ok(false),
};

/// Sends a request while listing, and then lists as if nothing had been.
macro_rules! while_listing {
    ($name:literal, $request:expr) => {
        Behavior {
            name: $name,
            list: |cursor| {
                try_and_go_on(&$request);
                list(cursor)
            },
            ..HONEST
        }
    };
}

/// Sends a request while deleting, and then says that the thing is gone.
macro_rules! while_deleting {
    ($name:literal, $item:ident => $request:expr) => {
        Behavior {
            name: $name,
            delete: |$item| {
                try_and_go_on(&$request);
                Ok(Outcome::Gone)
            },
            ..HONEST
        }
    };
}

/// The behavior of this name.
pub fn named(name: &str) -> Option<&'static Behavior> {
    let tables = [
        BEHAVIORS,
        curious::BEHAVIORS,
        exhaustion::BEHAVIORS,
        lies::BEHAVIORS,
        places::BEHAVIORS,
        astray::HEADERS,
        astray::PATHS,
        astray::DELETIONS,
        astray::LINKS,
        astray::OTHERS,
    ];
    let mut all = tables.into_iter().flatten();
    all.find(|behavior| behavior.name == name)
}

static BEHAVIORS: &[Behavior] = &[
    HONEST,
    // Lying.
    Behavior {
        name: "response-never-received",
        list: |_| {
            Ok(Page {
                slices: vec![Slice {
                    response: 7,
                    at: "/images".to_owned(),
                }],
                next: None,
            })
        },
        ..HONEST
    },
    Behavior {
        name: "response-of-an-earlier-call",
        list: |cursor| match cursor {
            None => Ok(Page {
                next: Some("more".to_owned()),
                ..list(None)?
            }),
            Some(_) => Ok(Page {
                slices: vec![Slice {
                    response: 0,
                    at: "/images".to_owned(),
                }],
                next: None,
            }),
        },
        ..HONEST
    },
    Behavior {
        name: "object-of-another-collection",
        kinds: || {
            let fields = Fields {
                project: "/project_id".to_owned(),
                ..image().fields
            };
            let requests = vec!["DELETE /v2.0/networks/{id}".to_owned()];
            vec![Kind {
                name: "image.net".to_owned(),
                service: "network".to_owned(),
                fields,
                requests,
                extra: vec![property("reads", "/v2.0/security-groups")],
                ..image()
            }]
        },
        list: |_| {
            page(
                send(&request("network", Method::Get, "/v2.0/security-groups"))?,
                "/security_groups",
            )
        },
        ..HONEST
    },
    Behavior {
        name: "object-inside-an-object",
        list: |_| page(get(FIRST_PAGE)?, "/images/0"),
        ..HONEST
    },
    Behavior {
        name: "name-not-carried",
        name_of: |item| match object(item)["name"].as_str() {
            Some("victim") => Some("s_rally_5e1f0a3c_AAAAAAAA".to_owned()),
            other => other.map(str::to_owned),
        },
        ..HONEST
    },
    Behavior {
        name: "owner-not-carried",
        name_of: |_| None,
        owners: |_| {
            vec![Owner {
                relation: Relation::PartOf,
                owner: thing("network.network", "x"),
            }]
        },
        ..HONEST
    },
    Behavior {
        name: "only-says-that-it-is-gone",
        delete: |_| Ok(Outcome::Gone),
        ..HONEST
    },
    // Changing what nobody approved.
    while_deleting!("delete-another-id", _item => request("image", Method::Delete, &format!("/v2/images/{}", victim()))),
    Behavior {
        name: "force-without-being-told",
        kinds: || {
            let mut kind = image();
            let request = "POST /v2/images/{id}/actions/deactivate";
            kind.extra.push(property("forced-request", request));
            vec![kind]
        },
        delete: |item| {
            let path = format!("/v2/images/{}/actions/deactivate", item.id);
            try_and_go_on(&request("image", Method::Post, &path));
            Ok(Outcome::Gone)
        },
        ..HONEST
    },
    while_deleting!("delete-the-collection", _item => request("image", Method::Delete, "/v2/images")),
    while_deleting!("delete-the-collection-with-a-slash", _item => request("image", Method::Delete, "/v2/images/")),
    while_deleting!("delete-in-another-service", item => request("network", Method::Delete, &format!("/v2/images/{}", item.id))),
    while_deleting!("delete-with-a-query", item => request("image", Method::Delete, &format!("/v2/images/{}?force=1", item.id))),
    while_deleting!("delete-by-dot-segments", item => request("image", Method::Delete, &format!("/v2/images/{}/../{}", item.id, victim()))),
    while_deleting!("delete-with-a-body", item => Request { body: Some("{}".to_owned()), ..request("image", Method::Delete, &format!("/v2/images/{}", item.id)) }),
    while_deleting!("delete-a-part", item => request("image", Method::Delete, &format!("/v2/images/{}/members/x", item.id))),
    while_deleting!("put-not-in-the-templates", item => request("image", Method::Put, &format!("/v2/images/{}/file", item.id))),
    while_deleting!("post-not-in-the-templates", item => request("image", Method::Post, &format!("/v2/images/{}/actions/deactivate", item.id))),
    while_deleting!("patch-not-in-the-templates", item => Request { body: Some("[]".to_owned()), ..request("image", Method::Patch, &format!("/v2/images/{}", item.id)) }),
    Behavior {
        name: "delete-another-id-in-a-batch",
        delete: |item| {
            let path = |id: &str| format!("/v2/images/{id}");
            let requests = [
                request("image", Method::Delete, &path(&item.id)),
                request("image", Method::Delete, &path(&victim())),
            ];
            http::send_all(&requests);
            Ok(Outcome::Gone)
        },
        ..HONEST
    },
    Behavior {
        name: "turn-at-the-third",
        delete: |item| {
            use std::sync::atomic::{AtomicU32, Ordering};
            static CALLS: AtomicU32 = AtomicU32::new(0);
            if CALLS.fetch_add(1, Ordering::Relaxed) == 2 {
                try_and_go_on(&request(
                    "image",
                    Method::Delete,
                    &format!("/v2/images/{}", victim()),
                ));
            }
            delete(item)
        },
        ..HONEST
    },
    while_listing!(
        "delete-in-list",
        request("image", Method::Delete, &format!("/v2/images/{}", victim()))
    ),
    while_listing!("post-in-list", request("image", Method::Post, "/v2/images")),
    Behavior {
        name: "delete-in-name",
        name_of: |item| {
            try_and_go_on(&request(
                "image",
                Method::Delete,
                &format!("/v2/images/{}", item.id),
            ));
            name_of(item)
        },
        ..HONEST
    },
    Behavior {
        name: "get-in-name",
        name_of: |item| {
            try_and_go_on(&request("image", Method::Get, "/v2/images"));
            name_of(item)
        },
        ..HONEST
    },
    Behavior {
        name: "delete-in-owners",
        owners: |item| {
            try_and_go_on(&request(
                "image",
                Method::Delete,
                &format!("/v2/images/{}", item.id),
            ));
            Vec::new()
        },
        ..HONEST
    },
    Behavior {
        name: "delete-in-order",
        order: |item| {
            try_and_go_on(&request(
                "image",
                Method::Delete,
                &format!("/v2/images/{}", item.id),
            ));
            Vec::new()
        },
        ..HONEST
    },
    Behavior {
        name: "delete-in-gone",
        gone: |item| {
            try_and_go_on(&request(
                "image",
                Method::Delete,
                &format!("/v2/images/{}", item.id),
            ));
            Ok(true)
        },
        ..HONEST
    },
    Behavior {
        name: "get-in-kinds",
        kinds: || {
            try_and_go_on(&request("image", Method::Get, "/v2/images"));
            vec![image()]
        },
        ..HONEST
    },
    // Leading requests astray.
    while_listing!(
        "absolute-url",
        request("image", Method::Get, "http://127.0.0.1:9/v2/images")
    ),
    while_listing!(
        "network-path",
        request("image", Method::Get, "//127.0.0.1:9/v2/images")
    ),
    while_listing!(
        "empty-segment",
        request("image", Method::Get, "/v2//images")
    ),
    while_listing!(
        "dot-segments",
        request("image", Method::Get, "/v2/../../identity/v3/projects")
    ),
    while_listing!(
        "encoded-dot-segments",
        request(
            "image",
            Method::Get,
            "/v2/%2e%2e/%2e%2e/identity/v3/projects"
        )
    ),
    while_listing!(
        "encoded-slash",
        request("image", Method::Get, "/v2/images/..%2f..%2fidentity")
    ),
    while_listing!(
        "doubly-encoded-slash",
        request("image", Method::Get, "/v2/images/%252e%252e%252fx")
    ),
    while_listing!("backslash", request("image", Method::Get, "/v2\\images")),
    while_listing!(
        "line-break-in-path",
        request(
            "image",
            Method::Get,
            "/v2/images HTTP/1.1\r\nx-evil: 1\r\n\r\n"
        )
    ),
    while_listing!("fragment", request("image", Method::Get, "/v2/images#x")),
    while_listing!(
        "user-in-path",
        request("image", Method::Get, "@127.0.0.1:9/v2/images")
    ),
    while_listing!(
        "lookalike-letters",
        request("image", Method::Get, "/v2/ima\u{0261}es")
    ),
    while_listing!("token-header", with_header("X-Auth-Token", "stolen")),
    while_listing!("host-header", with_header("Host", "127.0.0.1:9")),
    while_listing!(
        "method-override-header",
        with_header("X-HTTP-Method-Override", "DELETE")
    ),
    while_listing!(
        "line-break-in-header",
        with_header("Accept", "x\r\nx-evil: 1")
    ),
    while_listing!(
        "foreign-service",
        request("identity", Method::Get, "/v3/users")
    ),
    while_listing!(
        "unknown-service",
        request("http://127.0.0.1:9", Method::Get, "/")
    ),
    Behavior {
        name: "next-link-to-another-origin",
        list: |cursor| {
            Ok(Page {
                next: Some("http://169.254.169.254/latest/meta-data".to_owned()),
                ..list(cursor)?
            })
        },
        ..HONEST
    },
    // Looking where there is nothing to see.
    Behavior {
        name: "read-secrets",
        kinds: || {
            let requests = vec!["DELETE /v3/credentials/{id}".to_owned()];
            vec![Kind {
                name: "image.secret".to_owned(),
                service: "identity".to_owned(),
                requests,
                ..image()
            }]
        },
        list: |_| {
            let response = send(&request("identity", Method::Get, "/v3/credentials"))?;
            let seen = &body(&response)["credentials"][0];
            Err(RuleError::Other(format!(
                "credential {} with the blob {} of {}",
                seen["id"], seen["blob"], seen["user_id"]
            )))
        },
        ..HONEST
    },
    Behavior {
        name: "look-around",
        list: |_| Err(RuleError::Other(format!("around is: {}.", surroundings()))),
        ..HONEST
    },
    // Describing what cannot be taken.
    describing!("unusual-id", kind => kind.fields.id = "/network_id".to_owned()),
    describing!("unusual-name", kind => kind.fields.names.push("/checksum".to_owned())),
    describing!("unusual-project", kind => kind.fields.project = "/visibility".to_owned()),
    describing!("unknown-property", kind => kind.extra.push(property("trusted", "yes"))),
    describing!("template-without-id", kind => kind.requests.push("DELETE /v2/images".to_owned())),
    describing!("template-with-dots", kind => kind.requests.push("DELETE /v2/../{id}".to_owned())),
    describing!("template-of-another-kind", kind => kind.requests.push("DELETE /v2/images/{/base_image_ref}".to_owned())),
    describing!("template-of-an-action", kind => kind.requests.push("POST /v2/servers/{/instance_uuid}/action {\"forceDelete\":\"{id}\"}".to_owned())),
    describing!("template-of-another-collection", kind => kind.requests.push("PUT /v2/metadefs/{id} {}".to_owned())),
    describing!("template-that-goes-on", kind => kind.requests.push("PUT /v2/images/{id}/{/status} {}".to_owned())),
    describing!("template-of-a-grant", kind => kind.requests.push("PUT /v3/system/users/{id}/roles/admin".to_owned())),
    describing!("template-of-a-membership", kind => kind.requests.push("PUT /v3/groups/admins/users/{id}".to_owned())),
    describing!("template-that-takes-from-nobody", kind => kind.requests.push("PUT /v2/stores/{/status}/remove {\"image_id\":\"{id}\"}".to_owned())),
    describing!("template-that-gives-to-an-owner", kind => kind.requests.push("PUT /v2/images/{/base_image_ref}/add {\"image_id\":\"{id}\"}".to_owned())),
    describing!("projects-by-another-name", kind => {
        kind.service = "identity".to_owned();
        kind.requests = vec!["DELETE /v3/projects/{id}".to_owned()];
    }),
    describing!("projects-by-what-an-object-says", kind => {
        kind.service = "identity".to_owned();
        kind.requests = vec!["DELETE /v3/{/name}/{id}".to_owned()];
    }),
    describing!("domains-of-another-service", kind => kind.name = "identity.domain".to_owned()),
    describing!("witness-without-a-path", kind => {
        kind.requests = Vec::new();
        kind.extra.push(property("witness", "true"));
    }),
    describing!("witness-by-any-field", kind => {
        kind.requests = Vec::new();
        kind.fields.id = "/checksum".to_owned();
        kind.extra.extend([property("witness", "true"), property("reads", "/v2/images")]);
    }),
    describing!("template-without-end", kind => kind.requests.push(format!("PUT /v2/images/{{id}}/{} {{}}", "x".repeat(5_000)))),
    describing!("template-full-of-places", kind => kind.requests.push(format!("PUT /v2/images/{{id}}?{} {{}}", "{/name}".repeat(20)))),
    describing!("pointer-without-end", kind => kind.owners.push(OwnerField { kind: "image.image".to_owned(), at: "/x".repeat(500) })),
    describing!("state-that-is-not-seen", kind => kind.failed_states.push("error\u{202e}".to_owned())),
    describing!("owner-that-is-no-kind", kind => kind.owners.push(OwnerField { kind: "image\x1b[2J".to_owned(), at: "/owner".to_owned() })),
    describing!("path-of-everything", kind => kind.extra.push(property("reads", "/v2/*"))),
    Behavior {
        name: "another-kind-each-time",
        kinds: || {
            use std::hash::{BuildHasher, RandomState};
            let number = RandomState::new().hash_one(0);
            vec![Kind {
                failed_states: vec![format!("state {number}")],
                ..image()
            }]
        },
        ..HONEST
    },
    describing!("odd-kind-name", kind => kind.name = "image.image\x1b[2J".to_owned()),
    Behavior {
        name: "same-kind-twice",
        kinds: || vec![image(), image()],
        ..HONEST
    },
    Behavior {
        name: "no-kind",
        kinds: Vec::new,
        ..HONEST
    },
    Behavior {
        name: "circle",
        kinds: || {
            vec![Kind {
                after: vec!["image.image".to_owned()],
                ..image()
            }]
        },
        ..HONEST
    },
    Behavior {
        name: "many-kinds",
        kinds: || vec![image(); 100_000],
        ..HONEST
    },
    Behavior {
        name: "delete-and-look",
        delete: |item| {
            let gone = change(Method::Delete, &format!("/v2/images/{}", item.id), None)?;
            Ok(if gone.status == 204 {
                Outcome::Gone
            } else {
                Outcome::Refused(format!("status {}\x1b[2J", gone.status))
            })
        },
        ..HONEST
    },
];
