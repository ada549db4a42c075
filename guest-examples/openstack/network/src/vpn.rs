//! neutron-vpnaas.

use runner_guest::{Place, Row};

pub const ROWS: &[Row] = &[
    Row::new(
        "network.vpn_ipsec_site_connection",
        "/v2.0/vpn/ipsec-site-connections?limit=1000",
        "/ipsec_site_connections",
        &["DELETE /v2.0/vpn/ipsec-site-connections/{id}"],
    )
    .optional()
    .owners(&[("network.vpn_service", "/vpnservice_id")])
    .before(&[
        ("network.vpn_service", "/vpnservice_id"),
        ("network.vpn_ike_policy", "/ikepolicy_id"),
        ("network.vpn_ipsec_policy", "/ipsecpolicy_id"),
        ("network.vpn_endpoint_group", "/local_ep_group_id"),
        ("network.vpn_endpoint_group", "/peer_ep_group_id"),
    ]),
    // It holds its router, and the router's interface on its subnet.
    Row::new(
        "network.vpn_service",
        "/v2.0/vpn/vpnservices?limit=1000",
        "/vpnservices",
        &["DELETE /v2.0/vpn/vpnservices/{id}"],
    )
    .optional()
    .owners(&[("network.router", "/router_id")])
    .before(&[
        ("network.router", "/router_id"),
        ("network.subnet", "/subnet_id"),
        ("network.flavor", "/flavor_id"),
    ]),
    Row::new(
        "network.vpn_ike_policy",
        "/v2.0/vpn/ikepolicies?limit=1000",
        "/ikepolicies",
        &["DELETE /v2.0/vpn/ikepolicies/{id}"],
    )
    .optional(),
    Row::new(
        "network.vpn_ipsec_policy",
        "/v2.0/vpn/ipsecpolicies?limit=1000",
        "/ipsecpolicies",
        &["DELETE /v2.0/vpn/ipsecpolicies/{id}"],
    )
    .optional(),
    Row::new(
        "network.vpn_endpoint_group",
        "/v2.0/vpn/endpoint-groups?limit=1000",
        "/endpoint_groups",
        &["DELETE /v2.0/vpn/endpoint-groups/{id}"],
    )
    .optional()
    .before(ENDPOINTS),
];

/// Of one `type`: ids of subnets, routers or networks. Or VLANs and CIDRs, which are ids of nothing.
const ENDPOINTS: &[Place] = &[
    ("network.subnet", "/endpoints/*"),
    ("network.router", "/endpoints/*"),
    ("network.network", "/endpoints/*"),
];
