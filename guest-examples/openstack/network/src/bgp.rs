//! BGP: neutron-dynamic-routing and networking-bgpvpn. Nothing is held: who goes takes its peerings and associations along.

use runner_guest::Row;

pub const ROWS: &[Row] = &[
    Row::new(
        "network.bgp_speaker",
        "/v2.0/bgp-speakers?limit=1000",
        "/bgp_speakers",
        &["DELETE /v2.0/bgp-speakers/{id}"],
    )
    .beside("its peerings and its networks")
    .optional(),
    Row::new(
        "network.bgp_peer",
        "/v2.0/bgp-peers?limit=1000",
        "/bgp_peers",
        &["DELETE /v2.0/bgp-peers/{id}"],
    )
    .beside("the sessions that speakers have with it")
    .optional(),
    Row::new(
        "network.bgpvpn",
        "/v2.0/bgpvpn/bgpvpns?limit=1000",
        "/bgpvpns",
        &["DELETE /v2.0/bgpvpn/bgpvpns/{id}"],
    )
    .beside("its associations with networks, routers and ports")
    .optional(),
];
