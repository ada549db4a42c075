//! networking-sfc: service function chains.

use runner_guest::{Place, Row};

const ROW: Row = crate::ROW.optional();

pub const ROWS: &[Row] = &[
    ROW.kind("network.sfc_service_graph", "/v2.0/sfc/service_graphs"),
    // A graph names its chains by the keys of an object, where no pointer can find them.
    ROW.kind("network.sfc_port_chain", "/v2.0/sfc/port_chains")
        .last_of(&["network.sfc_service_graph"])
        .before(&[
            ("network.sfc_port_pair_group", "/port_pair_groups/*"),
            ("network.sfc_flow_classifier", "/flow_classifiers/*"),
        ]),
    ROW.kind("network.sfc_port_pair_group", "/v2.0/sfc/port_pair_groups")
        .before(&[("network.sfc_port_pair", "/port_pairs/*")]),
    ROW.kind("network.sfc_port_pair", "/v2.0/sfc/port_pairs")
        .owners(PAIR)
        .before(PAIR),
    ROW.kind("network.sfc_flow_classifier", "/v2.0/sfc/flow_classifiers")
        .owners(CLASSIFIED)
        .before(CLASSIFIED),
];

const PAIR: &[Place] = &[("network.port", "/ingress"), ("network.port", "/egress")];

const CLASSIFIED: &[Place] = &[
    ("network.port", "/logical_source_port"),
    ("network.port", "/logical_destination_port"),
];
