//! Barbican.
//!
//! Everything has a name or hangs on something that has one, and is known by a URL that ends in its id. Consumers and
//! access lists go with their secret or container. No payload is ever asked for.

use runner_guest::{Place, Row, Table};

runner_guest::rules!(Table {
    service: "key-manager",
    rows: KINDS
});

static KINDS: &[Row] = &[
    // It has the name of what it makes, but in a place that is not its own. By default only an administrator may delete it,
    // so it does not hold what it has made.
    Row::new(
        "key_manager.order",
        "/v1/orders?limit=100",
        "/orders",
        &["DELETE /v1/orders/{id}"],
    )
    .by_project_token()
    .id("/order_ref")
    .names(&[])
    .project("")
    .created_at("/created")
    .owners(MADE)
    .after(MADE),
    // Secrets would vanish out of it without a word.
    Row::new(
        "key_manager.container",
        "/v1/containers?limit=100",
        "/containers",
        &["DELETE /v1/containers/{id}"],
    )
    .by_project_token()
    .id("/container_ref")
    .project("")
    .created_at("/created")
    .owners(&[("key_manager.secret", "/secret_refs/*/secret_ref")])
    .before(&[("key_manager.secret", "/secret_refs/*/secret_ref")]),
    Row::new(
        "key_manager.secret",
        "/v1/secrets?limit=100",
        "/secrets",
        &["DELETE /v1/secrets/{id}"],
    )
    .by_project_token()
    .id("/secret_ref")
    .project("")
    .created_at("/created"),
];

const MADE: &[Place] = &[
    ("key_manager.container", "/container_ref"),
    ("key_manager.secret", "/secret_ref"),
];
