//! The tests that need no root and no network but loopback. An index: something new goes where its sentence fits.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and so does what helps it"
)]

/// The house's floor plan, checked on the source text.
mod architecture;
/// A log that survives SIGKILL and tells the truth.
mod audit;
/// The command line: help, streams, forms of output, refusals.
mod cli;
/// The examples: each is built, described, and asks for nothing out of the ordinary.
mod examples;
/// The runner's formats against Rally's own answers.
mod names;
/// The engine against a scripted rule: order, waiting, giving up, looking again.
mod purge;
/// Every hostile rule is stopped, named, and stops nothing else.
mod sandbox;
/// The fake cloud, the components, and what else tests share.
mod support;
/// The main job: what goes, what stays, what is said.
mod sweep;
