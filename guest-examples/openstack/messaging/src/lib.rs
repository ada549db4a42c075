//! Zaqar.
//!
//! Everything goes by its name but subscriptions. A listing shows the token's project, to an administrator as well. Where
//! messages and their copies are kept is the cloud's matter: they go with their queue.

use runner_guest::{Row, Table};

runner_guest::rules!(Table {
    service: "message",
    rows: KINDS
});

static KINDS: &[Row] = &[
    Row::new(
        "messaging.queue",
        "/v2/queues?limit=20",
        "/queues",
        &["DELETE /v2/queues/{id}"],
    )
    .beside("its messages")
    .by_project_token()
    .id("/name")
    .project("")
    .created_at(""),
    // Zaqar would leave them behind, and the next queue of that name would have them again.
    Row::new(
        "messaging.subscription",
        "/v2/queues/{parent}/subscriptions?limit=20",
        "/subscriptions",
        &["DELETE /v2/queues/{parent}/subscriptions/{id}"],
    )
    .under_deleted("messaging.queue")
    .scoped("", "")
    .names(&[])
    .project("")
    .created_at(""),
    // Its pools are not asked, and lose their flavor.
    Row::new(
        "messaging.flavor",
        "/v2/flavors?limit=20",
        "/flavors",
        &["DELETE /v2/flavors/{id}"],
    )
    .beside("its pools' flavor")
    .by_project_token()
    .id("/name")
    .project("")
    .created_at("")
    .before(&[("messaging.pool", "/pool_list/*")])
    .optional(),
    // 403: some stores keep a pool that a flavor is made of.
    Row::new(
        "messaging.pool",
        "/v2/pools?limit=20",
        "/pools",
        &["DELETE /v2/pools/{id}"],
    )
    .cloud_wide()
    .id("/name")
    .created_at("")
    .last_of(&["messaging.queue"])
    .conflicts(&[403])
    .optional(),
];
