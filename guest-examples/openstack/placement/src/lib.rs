//! Placement.
//!
//! Inventories, usages, traits and aggregates of a provider go with it. Most providers are made by other services, under names
//! of theirs: a host's, a node's id.

use runner_guest::{Paging, Row};

runner_guest::rules!("placement", KINDS);

const ROW: Row = Row::PLAIN.cloud_wide().paged(Paging::None).created_at("");

static KINDS: &[Row] = &[
    // 409: something is allocated from it, or it has children.
    ROW.kind("placement.resource_provider", "/resource_providers")
        .beside("its inventories, traits, aggregates and usages")
        .microversion("1.14")
        .id("/uuid")
        .before(&[("placement.resource_provider", "/parent_provider_uuid")]),
    // 400: those without CUSTOM_ are everybody's. 409: a provider has an inventory of it.
    ROW.kind("placement.resource_class", "/resource_classes")
        .microversion("1.2")
        .id("/name")
        .last_of(&["placement.resource_provider"]),
];
