//! Neutron's own optional plug-ins.

use runner_guest::{Place, Row};

pub const ROWS: &[Row] = &[
    // Every network has one at least, without a name. It is shown in no project, and only to administrators.
    Row::new(
        "network.segment",
        "/v2.0/segments?limit=1000",
        "/segments",
        &["DELETE /v2.0/segments/{id}"],
    )
    .cloud_wide()
    .optional()
    .part_of(SEGMENT_OF)
    .after(SEGMENT_OF),
    // Networks hold it whose ids were drawn from it; they do not say so. Only some fields are asked for: another has every
    // id that is still free, which can be millions. One that is shared is in no project, and shows neither name of it.
    Row::new(
        "network.network_segment_range",
        "/v2.0/network_segment_ranges?limit=1000&fields=id&fields=name&fields=project_id&fields=tenant_id&fields=created_at&fields=tags",
        "/network_segment_ranges",
        &["DELETE /v2.0/network_segment_ranges/{id}"],
    )
    .tags("/tags")
    .optional()
    .last_of(&["network.network", "network.segment"]),
    // Its rules have no names and go with it.
    Row::new(
        "network.metering_label",
        "/v2.0/metering/metering-labels?limit=1000",
        "/metering_labels",
        &["DELETE /v2.0/metering/metering-labels/{id}"],
    )
    .shared_if(&[("/shared", "true")])
    .beside("its rules")
    .optional(),
    // Its own port goes with it. The ports that use it hold it (409), and do not say so.
    Row::new(
        "network.local_ip",
        "/v2.0/local_ips?limit=1000",
        "/local_ips",
        &["DELETE /v2.0/local_ips/{id}"],
    )
    .optional()
    .before(&[
        ("network.network", "/network_id"),
        ("network.port", "/local_port_id"),
    ]),
    Row::new(
        "network.ndp_proxy",
        "/v2.0/ndp_proxies?limit=1000",
        "/ndp_proxies",
        &["DELETE /v2.0/ndp_proxies/{id}"],
    )
    .optional()
    .owners(&[("network.port", "/port_id")])
    .before(&[
        ("network.port", "/port_id"),
        ("network.router", "/router_id"),
    ]),
    Row::new(
        "network.flavor",
        "/v2.0/flavors?limit=1000",
        "/flavors",
        &["DELETE /v2.0/flavors/{id}"],
    )
    .cloud_wide()
    .optional()
    .before(&[("network.service_profile", "/service_profiles/*")]),
    Row::new(
        "network.service_profile",
        "/v2.0/service_profiles?limit=1000",
        "/service_profiles",
        &["DELETE /v2.0/service_profiles/{id}"],
    )
    .cloud_wide()
    .optional()
    .names(&["/description"]),
    // What is logged would take it along.
    Row::new(
        "network.log",
        "/v2.0/log/logs?limit=1000",
        "/logs",
        &["DELETE /v2.0/log/logs/{id}"],
    )
    .optional()
    .owners(LOGGED)
    .before(LOGGED),
];

const SEGMENT_OF: &[Place] = &[("network.network", "/network_id")];

/// One of them, by its `resource_type`.
const LOGGED: &[Place] = &[
    ("network.security_group", "/resource_id"),
    ("network.firewall_group", "/resource_id"),
    ("network.router", "/resource_id"),
    ("network.port", "/target_id"),
];
