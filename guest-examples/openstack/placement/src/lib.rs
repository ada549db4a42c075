//! Placement.
//!
//! Inventories, usages, traits and aggregates of a provider go with it. Most providers are made by other services, under names
//! of theirs: a host's, a node's id.

use runner_guest::{Paging, Row, Table};

runner_guest::rules!(Table {
    service: "placement",
    rows: KINDS
});

static KINDS: &[Row] = &[
    // 409: something is allocated from it, or it has children.
    Row::new(
        "placement.resource_provider",
        "/resource_providers",
        "/resource_providers",
        &["DELETE /resource_providers/{id}"],
    )
    .beside("its inventories, traits, aggregates and usages")
    .cloud_wide()
    .paged(Paging::None)
    .microversion("1.14")
    .id("/uuid")
    .created_at("")
    .before(&[("placement.resource_provider", "/parent_provider_uuid")]),
    // 400: those without CUSTOM_ are everybody's. 409: a provider has an inventory of it.
    Row::new(
        "placement.resource_class",
        "/resource_classes",
        "/resource_classes",
        &["DELETE /resource_classes/{id}"],
    )
    .cloud_wide()
    .paged(Paging::None)
    .microversion("1.2")
    .id("/name")
    .created_at("")
    .last_of(&["placement.resource_provider"]),
];
