//! Magnum.
//!
//! An administrator is shown all projects without asking. A cluster takes its node groups along, and the Heat stack that
//! it stands on.

use runner_guest::{Row, Table};

runner_guest::rules!(Table {
    service: "container-infrastructure-management",
    rows: KINDS
});

static KINDS: &[Row] = &[
    // Its stack bears its name, but goes with it.
    Row::new(
        "container_infra.cluster",
        "/v1/clusters/detail?limit=1000",
        "/clusters",
        &["DELETE /v1/clusters/{id}"],
    )
    .takes(&[("orchestration.stack", "/stack_id")])
    .beside("its trust, trustee and certificates, and load balancers, floating IPs and volumes that Kubernetes made")
    .scoped("", "")
    .id("/uuid")
    .lingers_unless("/status", &["DELETE_FAILED"])
    .before(&[
        ("container_infra.cluster_template", "/cluster_template_id"),
        ("orchestration.stack", "/stack_id"),
    ]),
    // 400: clusters were made of it.
    Row::new(
        "container_infra.cluster_template",
        "/v1/clustertemplates/detail?limit=1000",
        "/clustertemplates",
        &["DELETE /v1/clustertemplates/{id}"],
    )
    .shared_if(&[("/public", "true")])
    .scoped("", "")
    .id("/uuid")
    .conflicts(&[400]),
];
