//! Load balancers from before Octavia: neutron-lbaas, in both versions of its API. A whole is refused while it has parts.
//!
//! They are older than `project_id`.

use runner_guest::{Place, Row};

const OLD: Row = crate::ROW
    .project("/tenant_id")
    .scoped("", "tenant_id={project}")
    .optional();

/// What is part of a load balancer, and must go before the part that holds it. It shows no status.
const PART: Row = OLD.lingers();

const BALANCER: &[Place] = &[("network.lbaas_load_balancer", "/loadbalancers/*/id")];

const POOL: &[Place] = &[("network.lbaas_pool", "/pools/*/id")];

pub const V2: &[Row] = &[
    // Its VIP's port goes with it.
    OLD.kind("network.lbaas_load_balancer", "/v2.0/lbaas/loadbalancers")
        .lingers_unless("/provisioning_status", FAILED)
        .before(&[
            ("network.subnet", "/vip_subnet_id"),
            ("network.flavor", "/flavor_id"),
        ]),
    // What it redirects to by default can go only after it.
    PART.kind("network.lbaas_listener", "/v2.0/lbaas/listeners")
        .part_of(BALANCER)
        .before(&[
            ("network.lbaas_load_balancer", "/loadbalancers/*/id"),
            ("network.lbaas_pool", "/default_pool_id"),
        ]),
    // Its rules have no names and go with it.
    PART.kind("network.lbaas_l7_policy", "/v2.0/lbaas/l7policies")
        .part_of(&[("network.lbaas_listener", "/listener_id")])
        .beside("its rules")
        .before(&[
            ("network.lbaas_listener", "/listener_id"),
            ("network.lbaas_pool", "/redirect_pool_id"),
        ]),
    PART.kind("network.lbaas_pool", "/v2.0/lbaas/pools")
        .part_of(BALANCER)
        .before(BALANCER),
    PART.kind("network.lbaas_health_monitor", "/v2.0/lbaas/healthmonitors")
        .part_of(POOL)
        .before(POOL),
    OLD.kind("network.lbaas_member", "/v2.0/lbaas/pools/{parent}/members")
        .under_each("network.lbaas_pool")
        .goes_with_parent()
        .lingers()
        .before(&[("network.subnet", "/subnet_id")]),
];

pub const V1: &[Row] = &[
    // Its port goes with it.
    OLD.kind("network.lb_vip", "/v2.0/lb/vips")
        .lingers_unless("/status", FAILED)
        .before(&[
            ("network.lb_pool", "/pool_id"),
            ("network.subnet", "/subnet_id"),
        ]),
    OLD.kind("network.lb_pool", "/v2.0/lb/pools")
        .lingers_unless("/status", FAILED)
        .before(&[("network.subnet", "/subnet_id")]),
    OLD.kind("network.lb_member", "/v2.0/lb/members")
        .names(&[])
        .goes_with(&[("network.lb_pool", "/pool_id")])
        .lingers_unless("/status", FAILED),
    // Several pools may share one: then it can go only when all of them are gone.
    OLD.kind("network.lb_health_monitor", "/v2.0/lb/health_monitors")
        .names(&[])
        .owners(&[("network.lb_pool", "/pools/*/pool_id")])
        .after(&[("network.lb_pool", "/pools/*/pool_id")]),
];

/// A deletion that fails ends in this state.
const FAILED: &[&str] = &["ERROR"];
