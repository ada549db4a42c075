//! tap-as-a-service. A port would take along what taps it.

use runner_guest::{Place, Row};

const ROW: Row = crate::ROW.optional();

pub const ROWS: &[Row] = &[
    ROW.kind("network.tap_flow", "/v2.0/taas/tap_flows")
        .owners(&[("network.tap_service", "/tap_service_id")])
        .before(&[
            ("network.tap_service", "/tap_service_id"),
            ("network.port", "/source_port"),
        ])
        .lingers_unless("/status", FAILED),
    ROW.kind("network.tap_service", "/v2.0/taas/tap_services")
        .owners(TAPPED)
        .before(TAPPED)
        .lingers_unless("/status", FAILED),
    ROW.kind("network.tap_mirror", "/v2.0/taas/tap_mirrors")
        .owners(TAPPED)
        .before(TAPPED),
];

const TAPPED: &[Place] = &[("network.port", "/port_id")];

/// An agent that cannot remove a tap leaves it in this state.
const FAILED: &[&str] = &["ERROR"];
