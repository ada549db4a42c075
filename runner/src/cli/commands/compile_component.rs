//! The process that compiles a component and ends. Not for people: its parent makes a sentence of what it says.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::cli::failure::Failure;
use crate::exit::Exit;
use crate::guest::{CompileError, compile_in_bounds};
use crate::text;

/// Bounds within which the component on standard input is compiled.
#[derive(Debug, Args)]
pub(super) struct CompileArgs {
    pub(super) cache_dir: PathBuf,
    pub(super) cpu_s_max: u64,
    pub(super) memory_bytes_max: u64,
}

/// `runner compile-component`, with the component on standard input.
pub(super) fn run(bounds: &CompileArgs) -> Result<Exit, Failure> {
    let CompileArgs {
        cache_dir,
        cpu_s_max,
        memory_bytes_max,
    } = bounds;
    let component = std::io::stdin().lock();
    match compile_in_bounds(cache_dir, *cpu_s_max, *memory_bytes_max, component) {
        Ok(()) => Ok(Exit::Clean),
        Err(CompileError::Refused(why)) => {
            let _ = writeln!(std::io::stderr(), "{}", text::lines(&why));
            Ok(Exit::Usage)
        }
        Err(error) => Err(Failure::usage(error.to_string())),
    }
}
