//! Octavia.
//!
//! A load balancer takes all of its parts along at once. While any of it changes, the whole is immutable (409): so parts go
//! with it, and one by one only where it is kept.

use runner_guest::{Outcome, Place, Row, RuleError, Target};

runner_guest::rules!("load-balancer", KINDS);

const ROW: Row = Row::PLAIN.query("limit=1000");

/// What a load balancer is made of.
const PART: Row = ROW
    .tags("/tags")
    .lingers_unless("/provisioning_status", FAILED)
    .delete_by(delete_in_time);

/// What an administrator offers.
const WIDE: Row = ROW.cloud_wide().optional();

static KINDS: &[Row] = &[
    // Its VIP's port, which goes with it, holds the network.
    ROW.kind("load_balancer.load_balancer", "/v2.0/lbaas/loadbalancers")
        .requests(&["DELETE {self}?cascade=true"])
        .beside("its amphorae, with their ports and security groups in Octavia's own project")
        .tags("/tags")
        .lingers_unless("/provisioning_status", FAILED)
        .before(&[
            ("network.network", "/vip_network_id"),
            ("network.subnet", "/vip_subnet_id"),
            ("network.subnet", "/additional_vips/*/subnet_id"),
            ("network.security_group", "/vip_sg_ids/*"),
            ("network.qos_policy", "/vip_qos_policy_id"),
            ("load_balancer.flavor", "/flavor_id"),
            ("load_balancer.availability_zone", "/availability_zone"),
        ])
        .delete_by(delete_balancer),
    PART.kind("load_balancer.listener", "/v2.0/lbaas/listeners")
        .goes_with(&[("load_balancer.load_balancer", "/loadbalancers/*/id")])
        .before(LISTENER_READS),
    // Its rules have no names and go with it.
    PART.kind("load_balancer.l7_policy", "/v2.0/lbaas/l7policies")
        .goes_with(&[("load_balancer.listener", "/listener_id")])
        .beside("its rules")
        .before(&[("load_balancer.pool", "/redirect_pool_id")]),
    PART.kind("load_balancer.pool", "/v2.0/lbaas/pools")
        .goes_with(&[("load_balancer.load_balancer", "/loadbalancers/*/id")])
        .before(POOL_READS),
    PART.kind("load_balancer.health_monitor", "/v2.0/lbaas/healthmonitors")
        .goes_with(&[("load_balancer.pool", "/pools/*/id")]),
    PART.kind("load_balancer.member", "/v2.0/lbaas/pools/{parent}/members")
        .under_each("load_balancer.pool")
        .goes_with_parent()
        .before(&[("network.subnet", "/subnet_id")]),
    // Its ports are called after it, and hold the network of the load balancer. It can go before only where it was left over.
    WIDE.kind("load_balancer.amphora", "/v2.0/octavia/amphorae")
        .names(&[])
        .goes_with(AMPHORA_OF)
        .lingers_unless("/status", FAILED),
    WIDE.kind("load_balancer.flavor", "/v2.0/lbaas/flavors")
        .before(&[("load_balancer.flavor_profile", "/flavor_profile_id")]),
    WIDE.kind("load_balancer.flavor_profile", "/v2.0/lbaas/flavorprofiles"),
    // Has no id but its name.
    WIDE.kind(
        "load_balancer.availability_zone",
        "/v2.0/lbaas/availabilityzones",
    )
    .at("/availability_zones")
    .id("/name")
    .before(&[(
        "load_balancer.availability_zone_profile",
        "/availability_zone_profile_id",
    )]),
    WIDE.kind(
        "load_balancer.availability_zone_profile",
        "/v2.0/lbaas/availabilityzoneprofiles",
    )
    .at("/availability_zone_profiles"),
    Row::rest("load_balancer.quota", "/v2.0/lbaas/quotas")
        .at("/quota")
        .one_for_each("identity.project")
        .stays_listed(),
];

/// Certificates and keys in Barbican, which does not ask who uses them.
const LISTENER_READS: &[Place] = &[
    ("key_manager.container", "/default_tls_container_ref"),
    ("key_manager.secret", "/default_tls_container_ref"),
    ("key_manager.container", "/sni_container_refs/*"),
    ("key_manager.secret", "/sni_container_refs/*"),
    ("key_manager.secret", "/client_ca_tls_container_ref"),
    ("key_manager.secret", "/client_crl_container_ref"),
];

const POOL_READS: &[Place] = &[
    ("key_manager.container", "/tls_container_ref"),
    ("key_manager.secret", "/tls_container_ref"),
    ("key_manager.secret", "/ca_tls_container_ref"),
    ("key_manager.secret", "/crl_container_ref"),
];

const AMPHORA_OF: &[Place] = &[("load_balancer.load_balancer", "/loadbalancer_id")];

/// A deletion that fails ends in this state. A deletion can begin in it too.
const FAILED: &[&str] = &["ERROR"];

/// One that is being deleted already cannot be deleted again (409), and need not.
fn delete_balancer(balancer: &Target) -> Result<Outcome, RuleError> {
    match balancer.finish(0) {
        Err(RuleError::Conflict(why)) if why.contains("PENDING_DELETE") => Ok(Outcome::Accepted),
        Err(RuleError::Conflict(why)) if is_pending(&why) => Ok(balancer.busy()),
        other => other,
    }
}

/// While an amphora boots or is reconfigured, nothing of its load balancer can be deleted. That can take minutes.
fn delete_in_time(part: &Target) -> Result<Outcome, RuleError> {
    match part.finish(0) {
        Err(RuleError::Conflict(why)) if is_pending(&why) => Ok(part.busy()),
        other => other,
    }
}

fn is_pending(why: &str) -> bool {
    why.contains("PENDING_") || why.contains("immutable")
}
