//! Octavia.
//!
//! A load balancer takes all of its parts along at once. While any of it changes, the whole is immutable (409): so parts go
//! with it, and one by one only where it is kept.

use runner_guest::{Outcome, Place, Row, RuleError, Table, Target};

runner_guest::rules!(Table {
    service: "load-balancer",
    rows: KINDS
});

static KINDS: &[Row] = &[
    // Its VIP's port, which goes with it, holds the network.
    Row::new(
        "load_balancer.load_balancer",
        "/v2.0/lbaas/loadbalancers?limit=1000",
        "/loadbalancers",
        &["DELETE /v2.0/lbaas/loadbalancers/{id}?cascade=true"],
    )
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
    part(
        "load_balancer.listener",
        "/v2.0/lbaas/listeners?limit=1000",
        "/listeners",
        &["DELETE /v2.0/lbaas/listeners/{id}"],
        &[("load_balancer.load_balancer", "/loadbalancers/*/id")],
    )
    .before(LISTENER_READS),
    // Its rules have no names and go with it.
    part(
        "load_balancer.l7_policy",
        "/v2.0/lbaas/l7policies?limit=1000",
        "/l7policies",
        &["DELETE /v2.0/lbaas/l7policies/{id}"],
        &[("load_balancer.listener", "/listener_id")],
    )
    .beside("its rules")
    .before(&[("load_balancer.pool", "/redirect_pool_id")]),
    part(
        "load_balancer.pool",
        "/v2.0/lbaas/pools?limit=1000",
        "/pools",
        &["DELETE /v2.0/lbaas/pools/{id}"],
        &[("load_balancer.load_balancer", "/loadbalancers/*/id")],
    )
    .before(POOL_READS),
    part(
        "load_balancer.health_monitor",
        "/v2.0/lbaas/healthmonitors?limit=1000",
        "/healthmonitors",
        &["DELETE /v2.0/lbaas/healthmonitors/{id}"],
        &[("load_balancer.pool", "/pools/*/id")],
    ),
    part(
        "load_balancer.member",
        "/v2.0/lbaas/pools/{parent}/members?limit=1000",
        "/members",
        &["DELETE /v2.0/lbaas/pools/{parent}/members/{id}"],
        &[],
    )
    .under_each("load_balancer.pool")
    .goes_with_parent()
    .before(&[("network.subnet", "/subnet_id")]),
    // Its ports are called after it, and hold the network of the load balancer. It can go before only where it was left over.
    Row::new(
        "load_balancer.amphora",
        "/v2.0/octavia/amphorae?limit=1000",
        "/amphorae",
        &["DELETE /v2.0/octavia/amphorae/{id}"],
    )
    .cloud_wide()
    .optional()
    .names(&[])
    .part_of(AMPHORA_OF)
    .after(AMPHORA_OF)
    .lingers_unless("/status", FAILED),
    Row::new(
        "load_balancer.flavor",
        "/v2.0/lbaas/flavors?limit=1000",
        "/flavors",
        &["DELETE /v2.0/lbaas/flavors/{id}"],
    )
    .cloud_wide()
    .optional()
    .before(&[("load_balancer.flavor_profile", "/flavor_profile_id")]),
    Row::new(
        "load_balancer.flavor_profile",
        "/v2.0/lbaas/flavorprofiles?limit=1000",
        "/flavorprofiles",
        &["DELETE /v2.0/lbaas/flavorprofiles/{id}"],
    )
    .cloud_wide()
    .optional(),
    // Has no id but its name.
    Row::new(
        "load_balancer.availability_zone",
        "/v2.0/lbaas/availabilityzones?limit=1000",
        "/availability_zones",
        &["DELETE /v2.0/lbaas/availabilityzones/{id}"],
    )
    .cloud_wide()
    .optional()
    .id("/name")
    .before(&[(
        "load_balancer.availability_zone_profile",
        "/availability_zone_profile_id",
    )]),
    Row::new(
        "load_balancer.availability_zone_profile",
        "/v2.0/lbaas/availabilityzoneprofiles?limit=1000",
        "/availability_zone_profiles",
        &["DELETE /v2.0/lbaas/availabilityzoneprofiles/{id}"],
    )
    .cloud_wide()
    .optional(),
    Row::new(
        "load_balancer.quota",
        "/v2.0/lbaas/quotas/{parent}",
        "/quota",
        &["DELETE /v2.0/lbaas/quotas/{id}"],
    )
    .under_deleted("identity.project")
    .id("")
    .names(&[])
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

/// What a load balancer is made of.
const fn part(
    name: &'static str,
    list: &'static str,
    at: &'static str,
    requests: &'static [&'static str],
    wholes: &'static [Place],
) -> Row {
    Row::new(name, list, at, requests)
        .tags("/tags")
        .lingers_unless("/provisioning_status", FAILED)
        .part_of(wholes)
        .after(wholes)
        .delete_by(delete_in_time)
}

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
