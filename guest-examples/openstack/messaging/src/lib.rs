//! Zaqar.
//!
//! Everything goes by its name but subscriptions. A listing shows the token's project, to an administrator as well. Where
//! messages and their copies are kept is the cloud's matter: they go with their queue.

use runner_guest::Row;

runner_guest::rules!("message", KINDS);

const ROW: Row = Row::PLAIN.query("limit=20").project("").created_at("");

static KINDS: &[Row] = &[
    ROW.kind("messaging.queue", "/v2/queues")
        .beside("its messages")
        .by_project_token()
        .id("/name"),
    // Zaqar would leave them behind, and the next queue of that name would have them again.
    ROW.kind(
        "messaging.subscription",
        "/v2/queues/{parent}/subscriptions",
    )
    .under_deleted("messaging.queue")
    .scoped("", "")
    .names(&[]),
    // Its pools are not asked, and lose their flavor.
    ROW.kind("messaging.flavor", "/v2/flavors")
        .beside("its pools' flavor")
        .by_project_token()
        .id("/name")
        .before(&[("messaging.pool", "/pool_list/*")])
        .optional(),
    // 403: some stores keep a pool that a flavor is made of.
    ROW.kind("messaging.pool", "/v2/pools")
        .cloud_wide()
        .id("/name")
        .last_of(&["messaging.queue"])
        .conflicts(&[403])
        .optional(),
];
