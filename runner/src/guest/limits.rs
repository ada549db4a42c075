//! Every limit of the sandbox, by name.

use serde::{Deserialize, Serialize};

/// What one rule may use. Each limit has its place in the configuration under `[limits]`, and under `[rules.<name>.limits]`
/// for one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Linear memory of one instance, in bytes. A Python rule starts at 13 MiB, a Rust rule at 1.
    pub memory_bytes_max: usize,
    /// Elements of one table. CPython needs about 8,000.
    pub table_elements_max: usize,
    /// CPU time of one call, in milliseconds, counted in ticks of the epoch.
    pub cpu_ms_max: u64,
    /// Wall time of one call, waiting for the cloud included, in seconds.
    pub call_s_max: u64,
    /// Requests that one call may send.
    pub requests_max: u32,
    /// Bytes of the answers that one call may be shown. Those of a listing are kept, for its page to point to.
    pub answers_bytes_max: usize,
    /// Bytes that a call may hand to the runner at once.
    pub handover_bytes_max: usize,
    /// Things on one page of a listing.
    pub page_things_max: usize,
    /// Pages of one listing.
    pub pages_max: usize,
    /// Things of one listing.
    pub things_max: usize,
    /// Bytes of the cursor of a page.
    pub cursor_bytes_max: usize,
    /// Owners of one thing, and its places in the order.
    pub relations_max: usize,
    /// Bytes of all owners and places in the order of a rule's things, which are kept until the plan is made.
    pub relation_bytes_max: usize,
    /// Bytes of the objects of a rule's things, which are kept as long.
    pub objects_bytes_max: usize,
    /// Kinds of one component.
    pub kinds_max: usize,
    /// Bytes that a rule may write to the log in a run.
    pub log_bytes_max: usize,
    /// Bytes of standard error kept for the report of a crash.
    pub stderr_bytes_max: usize,
    /// Instances of a rule alive at once, and so calls that run side by side.
    pub instances_max: usize,
    /// Size of a component file, in bytes.
    pub component_bytes_max: u64,
    /// CPU time for compiling it, in seconds, over all cores. A Python rule takes about 20.
    pub compile_cpu_s_max: u64,
    /// Memory for compiling it, in bytes. A Python rule takes about 400 MiB.
    pub compile_memory_bytes_max: u64,
    /// Failures in a row (crashes, limits, misdeeds) that switch a rule off. Sending a request that nobody approved
    /// and lying about a thing do so at once.
    pub failures_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 256 << 20,
            table_elements_max: 100_000,
            cpu_ms_max: 10_000,
            call_s_max: 300,
            requests_max: 1_000,
            answers_bytes_max: 128 << 20,
            handover_bytes_max: 16 << 20,
            page_things_max: 20_000,
            pages_max: 10_000,
            things_max: 1_000_000,
            cursor_bytes_max: 8 << 10,
            relations_max: 10_000,
            relation_bytes_max: 256 << 20,
            objects_bytes_max: 4 << 30,
            kinds_max: 500,
            log_bytes_max: 64 << 10,
            stderr_bytes_max: 16 << 10,
            instances_max: 32,
            component_bytes_max: 64 << 20,
            compile_cpu_s_max: 120,
            compile_memory_bytes_max: 2 << 30,
            failures_max: 3,
        }
    }
}
