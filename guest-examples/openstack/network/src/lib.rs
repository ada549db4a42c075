//! Neutron and its plug-ins, one module for each project that has an API of its own.
//!
//! A plug-in that a cloud does not have answers 404 to the first page, once.

mod base;
mod bgp;
mod firewall;
mod lbaas;
mod optional;
mod port;
mod sfc;
mod tap;
mod vpn;

use runner_guest::{Row, joined, rows_in};

runner_guest::rules!("network", &KINDS);

const ROW: Row = Row::PLAIN.query("limit=1000");

static KINDS: [Row; rows_in(TABLES)] = joined(TABLES);

const TABLES: &[&[Row]] = &[
    base::ROWS,
    optional::ROWS,
    bgp::ROWS,
    sfc::ROWS,
    vpn::ROWS,
    firewall::ROWS,
    tap::ROWS,
    lbaas::V2,
    lbaas::V1,
];
