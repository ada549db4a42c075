//! tap-as-a-service. A port would take along what taps it.

use runner_guest::{Place, Row};

pub const ROWS: &[Row] = &[
    Row::new(
        "network.tap_flow",
        "/v2.0/taas/tap_flows?limit=1000",
        "/tap_flows",
        &["DELETE /v2.0/taas/tap_flows/{id}"],
    )
    .optional()
    .owners(&[("network.tap_service", "/tap_service_id")])
    .before(&[
        ("network.tap_service", "/tap_service_id"),
        ("network.port", "/source_port"),
    ])
    .lingers_unless("/status", FAILED),
    Row::new(
        "network.tap_service",
        "/v2.0/taas/tap_services?limit=1000",
        "/tap_services",
        &["DELETE /v2.0/taas/tap_services/{id}"],
    )
    .optional()
    .owners(TAPPED)
    .before(TAPPED)
    .lingers_unless("/status", FAILED),
    Row::new(
        "network.tap_mirror",
        "/v2.0/taas/tap_mirrors?limit=1000",
        "/tap_mirrors",
        &["DELETE /v2.0/taas/tap_mirrors/{id}"],
    )
    .optional()
    .owners(TAPPED)
    .before(TAPPED),
];

const TAPPED: &[Place] = &[("network.port", "/port_id")];

/// An agent that cannot remove a tap leaves it in this state.
const FAILED: &[&str] = &["ERROR"];
