//! Load balancers from before Octavia: neutron-lbaas, in both versions of its API. A whole is refused while it has parts.
//!
//! They are older than `project_id`.

use runner_guest::{Place, Row};

pub const V2: &[Row] = &[
    // Its VIP's port goes with it.
    row(
        "network.lbaas_load_balancer",
        "/v2.0/lbaas/loadbalancers?limit=1000",
        "/loadbalancers",
        &["DELETE /v2.0/lbaas/loadbalancers/{id}"],
    )
    .lingers_unless("/provisioning_status", FAILED)
    .before(&[
        ("network.subnet", "/vip_subnet_id"),
        ("network.flavor", "/flavor_id"),
    ]),
    // What it redirects to by default can go only after it.
    part(
        "network.lbaas_listener",
        "/v2.0/lbaas/listeners?limit=1000",
        "/listeners",
        &["DELETE /v2.0/lbaas/listeners/{id}"],
        &[("network.lbaas_load_balancer", "/loadbalancers/*/id")],
    )
    .before(&[
        ("network.lbaas_load_balancer", "/loadbalancers/*/id"),
        ("network.lbaas_pool", "/default_pool_id"),
    ]),
    // Its rules have no names and go with it.
    part(
        "network.lbaas_l7_policy",
        "/v2.0/lbaas/l7policies?limit=1000",
        "/l7policies",
        &["DELETE /v2.0/lbaas/l7policies/{id}"],
        &[("network.lbaas_listener", "/listener_id")],
    )
    .beside("its rules")
    .before(&[
        ("network.lbaas_listener", "/listener_id"),
        ("network.lbaas_pool", "/redirect_pool_id"),
    ]),
    part(
        "network.lbaas_pool",
        "/v2.0/lbaas/pools?limit=1000",
        "/pools",
        &["DELETE /v2.0/lbaas/pools/{id}"],
        &[("network.lbaas_load_balancer", "/loadbalancers/*/id")],
    ),
    part(
        "network.lbaas_health_monitor",
        "/v2.0/lbaas/healthmonitors?limit=1000",
        "/healthmonitors",
        &["DELETE /v2.0/lbaas/healthmonitors/{id}"],
        &[("network.lbaas_pool", "/pools/*/id")],
    ),
    row(
        "network.lbaas_member",
        "/v2.0/lbaas/pools/{parent}/members?limit=1000",
        "/members",
        &["DELETE /v2.0/lbaas/pools/{parent}/members/{id}"],
    )
    .under_each("network.lbaas_pool")
    .goes_with_parent()
    .lingers()
    .before(&[("network.subnet", "/subnet_id")]),
];

pub const V1: &[Row] = &[
    // Its port goes with it.
    row(
        "network.lb_vip",
        "/v2.0/lb/vips?limit=1000",
        "/vips",
        &["DELETE /v2.0/lb/vips/{id}"],
    )
    .lingers_unless("/status", FAILED)
    .before(&[
        ("network.lb_pool", "/pool_id"),
        ("network.subnet", "/subnet_id"),
    ]),
    row(
        "network.lb_pool",
        "/v2.0/lb/pools?limit=1000",
        "/pools",
        &["DELETE /v2.0/lb/pools/{id}"],
    )
    .lingers_unless("/status", FAILED)
    .before(&[("network.subnet", "/subnet_id")]),
    row(
        "network.lb_member",
        "/v2.0/lb/members?limit=1000",
        "/members",
        &["DELETE /v2.0/lb/members/{id}"],
    )
    .names(&[])
    .part_of(&[("network.lb_pool", "/pool_id")])
    .after(&[("network.lb_pool", "/pool_id")])
    .lingers_unless("/status", FAILED),
    // Several pools may share one: then it can go only when all of them are gone.
    row(
        "network.lb_health_monitor",
        "/v2.0/lb/health_monitors?limit=1000",
        "/health_monitors",
        &["DELETE /v2.0/lb/health_monitors/{id}"],
    )
    .names(&[])
    .owners(&[("network.lb_pool", "/pools/*/pool_id")])
    .after(&[("network.lb_pool", "/pools/*/pool_id")]),
];

/// A deletion that fails ends in this state.
const FAILED: &[&str] = &["ERROR"];

const fn row(
    name: &'static str,
    list: &'static str,
    at: &'static str,
    requests: &'static [&'static str],
) -> Row {
    Row::new(name, list, at, requests)
        .project("/tenant_id")
        .scoped("", "tenant_id={project}")
        .optional()
}

/// What is part of a load balancer, and must go before the part that holds it. It shows no status.
const fn part(
    name: &'static str,
    list: &'static str,
    at: &'static str,
    requests: &'static [&'static str],
    wholes: &'static [Place],
) -> Row {
    row(name, list, at, requests)
        .lingers()
        .part_of(wholes)
        .before(wholes)
}
