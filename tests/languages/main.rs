//! Rules in every language: the example for ports is built in each as its page says, and then all must behave alike.
//!
//!     tests/languages/install                     # what the languages need, into target/languages
//!     cargo test --test languages                 # every language that is there
//!     cargo test --test languages -- python       # one of them; or one case in all: `crash`
//!
//! What an author has on the PATH serves as well. A language whose tools are missing is left out, and the run says so;
//! with `RUNNER_TEST_LANGUAGES=all` (or `python,go`) that is a failure instead. Rust is never left out.
//!
//! Each example is copied out of the repository, to `target/languages/build/<language>`, and built there, whenever
//! something in it has changed. What is expected of a rule is written once, for all languages.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it leaves out"
)]

/// What a rule must do, whatever it is written in.
mod conformance;
/// The examples in their languages: how each is built, and how it crashes.
mod example;
/// A service outside of OpenStack, cleaned by a team's own name format.
mod kinto;
/// The same cloud: the same plan, the same deletions, the same words in all languages.
mod reports;
/// What `runner rules new` writes, as it is written.
mod templates;
/// The tools that languages need, and what is done where they are missing.
mod toolkit;

/// The fake cloud, the components, and what else tests share.
#[expect(dead_code, reason = "these tests turn few of the knobs there are")]
#[path = "../support"]
mod support {
    #[expect(
        unused_imports,
        reason = "its own tests are compiled, but only the other binary runs them"
    )]
    #[path = "fake_cloud.rs"]
    pub(crate) mod fake_cloud;
    #[path = "guests.rs"]
    pub(crate) mod guests;
    #[path = "run.rs"]
    pub(crate) mod run;
}

use std::process::ExitCode;

use libtest_mimic::Arguments;

use example::EXAMPLES;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Two compilers at once are enough for two cores, and of Python's components one takes 400 MB to compile.
    arguments.test_threads.get_or_insert(2);
    if !arguments.list {
        let toolkits = EXAMPLES.iter().map(|example| &example.toolkit);
        let toolkits = toolkits.chain([&kinto::TOOLKIT]);
        for left_out in toolkits.filter_map(|toolkit| toolkit.left_out()) {
            eprintln!("{left_out}");
        }
    }
    let trials = conformance::trials()
        .chain(templates::trials())
        .chain(kinto::trials())
        .chain(reports::trials());
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
