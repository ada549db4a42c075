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
/// A component of yesterday runs today, and the contract only grows.
mod compatibility;
/// What is compiled: each crate once; and what a machine lacks is said first.
mod compiled;
/// What the rule pack covers, and how that was verified.
mod coverage;
/// What Rally's own cleanup gets wrong, one law each.
mod defects;
/// The examples: each is built, described, and asks for nothing out of the ordinary.
mod examples;
/// A fault at a time, in each phase of a run, at the wire.
mod faults;
/// The lock file: what is not as it says does not run.
mod lock;
/// The runner's formats against Rally's own answers.
mod names;
/// What a run writes beside its report.
mod outputs;
/// What holds for every input, tried with random ones.
mod properties;
/// The engine against a scripted rule: order, waiting, giving up, looking again.
mod purge;
/// The contract's reference says what the WIT says.
mod reference;
/// Rules from a registry, and signatures: what is not what it should be is not put there.
mod registry;
/// The run as a value, as the command line and whoever embeds it drive it.
mod run;
/// Every hostile rule is stopped, named, and stops nothing else.
mod sandbox;
/// Services of the configuration: who we are there, whom we trust, which way leads there, and names of other makers.
mod services;
/// The fake cloud, the components, and what else tests share.
mod support;
/// The main job: what goes, what stays, what is said.
mod sweep;
/// The author's tools: a rule is begun, checked, tested, recorded and measured.
mod tools;
