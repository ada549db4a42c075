//! `runner plan graph`: a saved plan as a picture, for Graphviz or Mermaid.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::failure::Failure;
use crate::cli::output::print;
use crate::cli::plans::load;
use crate::exit::Exit;
use crate::report::graph;

#[derive(Debug, Args)]
pub(in crate::cli::commands) struct GraphArgs {
    /// The saved plan
    plan: PathBuf,
    /// For which program
    #[arg(short, long, value_enum, default_value_t)]
    format: Form,
}

/// What reads the graph.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Form {
    /// Graphviz: `runner plan graph plan.json | dot -Tsvg`
    #[default]
    Dot,
    /// Mermaid, as many pages of code hosts draw it
    Mermaid,
}

/// `runner plan graph FILE`
pub(super) fn run(args: &GraphArgs) -> Result<Exit, Failure> {
    let plan = load(&args.plan)?;
    print(&match args.format {
        Form::Dot => graph::dot(&plan),
        Form::Mermaid => graph::mermaid(&plan),
    })
}
