//! networking-sfc: service function chains.

use runner_guest::{Place, Row};

pub const ROWS: &[Row] = &[
    Row::new(
        "network.sfc_service_graph",
        "/v2.0/sfc/service_graphs?limit=1000",
        "/service_graphs",
        &["DELETE /v2.0/sfc/service_graphs/{id}"],
    )
    .optional(),
    // A graph names its chains by the keys of an object, where no pointer can find them.
    Row::new(
        "network.sfc_port_chain",
        "/v2.0/sfc/port_chains?limit=1000",
        "/port_chains",
        &["DELETE /v2.0/sfc/port_chains/{id}"],
    )
    .optional()
    .last_of(&["network.sfc_service_graph"])
    .before(&[
        ("network.sfc_port_pair_group", "/port_pair_groups/*"),
        ("network.sfc_flow_classifier", "/flow_classifiers/*"),
    ]),
    Row::new(
        "network.sfc_port_pair_group",
        "/v2.0/sfc/port_pair_groups?limit=1000",
        "/port_pair_groups",
        &["DELETE /v2.0/sfc/port_pair_groups/{id}"],
    )
    .optional()
    .before(&[("network.sfc_port_pair", "/port_pairs/*")]),
    Row::new(
        "network.sfc_port_pair",
        "/v2.0/sfc/port_pairs?limit=1000",
        "/port_pairs",
        &["DELETE /v2.0/sfc/port_pairs/{id}"],
    )
    .optional()
    .owners(PAIR)
    .before(PAIR),
    Row::new(
        "network.sfc_flow_classifier",
        "/v2.0/sfc/flow_classifiers?limit=1000",
        "/flow_classifiers",
        &["DELETE /v2.0/sfc/flow_classifiers/{id}"],
    )
    .optional()
    .owners(CLASSIFIED)
    .before(CLASSIFIED),
];

const PAIR: &[Place] = &[("network.port", "/ingress"), ("network.port", "/egress")];

const CLASSIFIED: &[Place] = &[
    ("network.port", "/logical_source_port"),
    ("network.port", "/logical_destination_port"),
];
