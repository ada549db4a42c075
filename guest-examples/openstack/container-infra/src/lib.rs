//! Magnum.
//!
//! An administrator is shown all projects without asking. A cluster takes its node groups along, and the Heat stack that
//! it stands on.

use runner_guest::Row;

runner_guest::rules!("container-infrastructure-management", KINDS);

const ROW: Row = Row::PLAIN
    .detailed()
    .query("limit=1000")
    .scoped("", "")
    .id("/uuid");

static KINDS: &[Row] = &[
    // Its stack bears its name, but goes with it.
    ROW.kind("container_infra.cluster", "/v1/clusters")
        .takes(&[("orchestration.stack", "/stack_id")])
        .gives_its_name()
        .beside(
            "its trust, trustee and certificates, \
             and load balancers, floating IPs and volumes that Kubernetes made",
        )
        .lingers_unless("/status", &["DELETE_FAILED"])
        .before(&[
            ("container_infra.cluster_template", "/cluster_template_id"),
            ("orchestration.stack", "/stack_id"),
        ]),
    // 400: clusters were made of it.
    ROW.kind("container_infra.cluster_template", "/v1/clustertemplates")
        .shared_if(&[("/public", "true")])
        .conflicts(&[400]),
];
