//! neutron-vpnaas.

use runner_guest::{Place, Row};

const ROW: Row = crate::ROW.optional();

pub const ROWS: &[Row] = &[
    ROW.kind(
        "network.vpn_ipsec_site_connection",
        "/v2.0/vpn/ipsec-site-connections",
    )
    .owners(&[("network.vpn_service", "/vpnservice_id")])
    .before(&[
        ("network.vpn_service", "/vpnservice_id"),
        ("network.vpn_ike_policy", "/ikepolicy_id"),
        ("network.vpn_ipsec_policy", "/ipsecpolicy_id"),
        ("network.vpn_endpoint_group", "/local_ep_group_id"),
        ("network.vpn_endpoint_group", "/peer_ep_group_id"),
    ]),
    // It holds its router, and the router's interface on its subnet.
    ROW.kind("network.vpn_service", "/v2.0/vpn/vpnservices")
        .owners(&[("network.router", "/router_id")])
        .before(&[
            ("network.router", "/router_id"),
            ("network.subnet", "/subnet_id"),
            ("network.flavor", "/flavor_id"),
        ]),
    ROW.kind("network.vpn_ike_policy", "/v2.0/vpn/ikepolicies"),
    ROW.kind("network.vpn_ipsec_policy", "/v2.0/vpn/ipsecpolicies"),
    ROW.kind("network.vpn_endpoint_group", "/v2.0/vpn/endpoint-groups")
        .before(ENDPOINTS),
];

/// Of one `type`: ids of subnets, routers or networks. Or VLANs and CIDRs, which are ids of nothing.
const ENDPOINTS: &[Place] = &[
    ("network.subnet", "/endpoints/*"),
    ("network.router", "/endpoints/*"),
    ("network.network", "/endpoints/*"),
];
