//! The simulator: small clouds, random or all there are, against the real engine, judged by an oracle that knows the truth.
//!
//!     cargo test --test simulator                       # a few thousand seeds, and all that ever failed
//!     cargo test --test simulator -- --seed 123         # one of them, cut down and in words
//!     cargo test --test simulator -- --fresh 50000      # so many that nobody has tried
//!     cargo test --test simulator -- --from 0 --count 1000000
//!     cargo test --test simulator -- --small            # all small worlds there are; `--world 123` is one of them
//!
//! Nothing here is measured in real time: clouds live in tokio's paused time, have no sockets, and a seed always does the same.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it found"
)]

/// A cloud in memory.
mod cloud;
/// From the command line to worlds.
mod commands;
/// The engine, driven as the command line does.
mod drive;
/// One world in all its runs.
mod judge;
/// What rules say and clouds do.
mod kinds;
/// What must hold of every run.
mod laws;
/// What may go.
mod oracle;
/// Worlds by chance.
mod random;
/// A failing world, made smaller.
mod reduce;
/// Small worlds, all of them.
mod small;
/// A world as a value.
mod world;

fn main() -> std::process::ExitCode {
    commands::main()
}
