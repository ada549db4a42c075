//! Neutron's own optional plug-ins.

use runner_guest::{Place, Row};

const ROW: Row = crate::ROW.optional();

pub const ROWS: &[Row] = &[
    // Every network has one at least, without a name. It is shown in no project, and only to administrators.
    ROW.kind("network.segment", "/v2.0/segments")
        .cloud_wide()
        .goes_with(SEGMENT_OF),
    // Networks hold it whose ids were drawn from it; they do not say so. Only some fields are asked for: another has every
    // id that is still free, which can be millions. One that is shared is in no project, and shows neither name of it.
    ROW.kind(
        "network.network_segment_range",
        "/v2.0/network_segment_ranges",
    )
    .query(
        "limit=1000&fields=id&fields=name&fields=project_id\
             &fields=tenant_id&fields=created_at&fields=tags",
    )
    .tags("/tags")
    .last_of(&["network.network", "network.segment"]),
    // Its rules have no names and go with it.
    ROW.kind("network.metering_label", "/v2.0/metering/metering-labels")
        .shared_if(&[("/shared", "true")])
        .beside("its rules"),
    // Its own port goes with it. The ports that use it hold it (409), and do not say so.
    ROW.kind("network.local_ip", "/v2.0/local_ips").before(&[
        ("network.network", "/network_id"),
        ("network.port", "/local_port_id"),
    ]),
    ROW.kind("network.ndp_proxy", "/v2.0/ndp_proxies")
        .owners(&[("network.port", "/port_id")])
        .before(&[
            ("network.port", "/port_id"),
            ("network.router", "/router_id"),
        ]),
    ROW.kind("network.flavor", "/v2.0/flavors")
        .cloud_wide()
        .before(&[("network.service_profile", "/service_profiles/*")]),
    ROW.kind("network.service_profile", "/v2.0/service_profiles")
        .cloud_wide()
        .names(&["/description"]),
    // What is logged would take it along.
    ROW.kind("network.log", "/v2.0/log/logs")
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
