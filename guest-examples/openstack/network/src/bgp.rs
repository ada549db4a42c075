//! BGP: neutron-dynamic-routing and networking-bgpvpn. Nothing is held: who goes takes its peerings and associations along.

use runner_guest::Row;

const ROW: Row = crate::ROW.optional();

pub const ROWS: &[Row] = &[
    ROW.kind("network.bgp_speaker", "/v2.0/bgp-speakers")
        .beside("its peerings and its networks"),
    ROW.kind("network.bgp_peer", "/v2.0/bgp-peers")
        .beside("the sessions that speakers have with it"),
    ROW.kind("network.bgpvpn", "/v2.0/bgpvpn/bgpvpns")
        .beside("its associations with networks, routers and ports"),
];
