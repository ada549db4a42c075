//! Barbican.
//!
//! Everything has a name or hangs on something that has one, and is known by a URL that ends in its id. Consumers and
//! access lists go with their secret or container. No payload is ever asked for.

use runner_guest::{Object, Owner, Place, Relation, Row, Thing};

runner_guest::rules!("key-manager", KINDS);

const ROW: Row = Row::PLAIN
    .query("limit=100")
    .by_project_token()
    .project("")
    .created_at("/created");

static KINDS: &[Row] = &[
    // It has the name of what it makes, but in a place that is not its own. By default only an administrator may delete it,
    // so it does not hold what it has made.
    ROW.kind("key_manager.order", "/v1/orders")
        .id("/order_ref")
        .names(&[])
        .owners(MADE)
        .after(MADE),
    // Secrets would vanish out of it without a word.
    ROW.kind("key_manager.container", "/v1/containers")
        .beside("the record of who uses it")
        .id("/container_ref")
        .owners(&[("key_manager.secret", "/secret_refs/*/secret_ref")])
        .before(&[("key_manager.secret", "/secret_refs/*/secret_ref")]),
    ROW.kind("key_manager.secret", "/v1/secrets")
        // 1.1 (2023.1) shows who uses it. Before, nothing ties the key of an encrypted volume to anything but what its volume says.
        .listing_microversions(&["1.1", ""])
        .sees(&["/consumers/*/resource_type"])
        .owners_by(CONSUMERS, consumers)
        .nameless_stays()
        .taken_by(&["block_storage.volume", "block_storage.backup"])
        .beside("its payload, its access list and the record of who uses it")
        .id("/secret_ref"),
];

const CONSUMERS: &[Place] = &[
    ("block_storage.volume", CONSUMER),
    ("image.image", CONSUMER),
    ("compute.server", CONSUMER),
    ("load_balancer.load_balancer", CONSUMER),
];

const CONSUMER: &str = "/consumers/*/resource_id";

/// The services that use a secret, as far as they have said so. Of other types no kind is known.
fn consumers(secret: &Object) -> Vec<Owner> {
    let consumers = secret.pairs("/consumers", "/resource_type", "/resource_id");
    let kind = |resource_type: &str| match resource_type.to_ascii_lowercase().as_str() {
        "volume" => Some("block_storage.volume"),
        "image" => Some("image.image"),
        "instance" | "server" => Some("compute.server"),
        "load_balancer" | "loadbalancer" => Some("load_balancer.load_balancer"),
        _ => None,
    };
    let owner = |(resource_type, id): (&str, &str)| {
        Some(Owner {
            relation: Relation::NamedBy,
            owner: Thing {
                kind: kind(resource_type)?.to_owned(),
                id: id.to_owned(),
            },
        })
    };
    consumers.into_iter().filter_map(owner).collect()
}

const MADE: &[Place] = &[
    ("key_manager.container", "/container_ref"),
    ("key_manager.secret", "/secret_ref"),
];
