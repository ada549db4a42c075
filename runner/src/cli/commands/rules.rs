//! `runner rules …`: looking at rules, and writing them.

mod access_rules;
mod add;
mod bench;
mod check;
mod diff;
mod list;
mod load;
mod lock;
mod new;
mod outdated;
mod record;
mod remove;
mod save;
mod test;
mod update;

use clap::Subcommand;

use crate::cli::failure::Failure;
use crate::cli::flags::CommonArgs;
use crate::cli::flags::rules::{RulesArgs, RulesPlace};
use crate::exit::Exit;

use access_rules::AccessRulesArgs;
use add::AddArgs;
use bench::BenchArgs;
use check::CheckArgs;
use load::LoadArgs;
use new::NewArgs;
use outdated::OutdatedArgs;
use remove::RemoveArgs;
use save::SaveArgs;
use test::TestArgs;
use update::UpdateArgs;

#[derive(Debug, Subcommand)]
pub(super) enum RulesCommand {
    /// List the kinds of a folder of rules
    List(RulesArgs),
    /// Check component files: contract, imports, kinds, and every request that they may send
    Check(CheckArgs),
    /// Fetch a rule from an OCI registry, or take a file; check it, put it into the folder, and pin it in the lock file
    Add(AddArgs),
    /// Say which rules have moved in their registries since they were pinned
    Outdated(OutdatedArgs),
    /// Fetch anew what has moved in its registry; what declares something else than before is not taken unasked
    Update(UpdateArgs),
    /// Take rules out of the folder and the lock file
    Remove(RemoveArgs),
    /// Pack the rules of a folder with their signatures and lock file, for where no registry can be reached
    Save(SaveArgs),
    /// Put what `rules save` has packed into a folder, if all of it is as its lock file says
    Load(LoadArgs),
    /// Write the lock file: a later run takes these rules, as they are now, and no others
    Lock(RulesPlace),
    /// Say how the rules differ from the lock file
    Diff(RulesPlace),
    /// Write the Keystone access rules that let through what the rules ask for, and nothing else; or make a credential of them
    AccessRules(AccessRulesArgs),
    /// Begin a rule: make a project that builds and passes its test as it is
    New(NewArgs),
    /// Test a rule with recorded exchanges, offline; or record them
    Test(TestArgs),
    /// Measure what components cost: size, compilation, start, memory, time of a call
    Bench(BenchArgs),
}

/// Does what the command line says.
pub(super) async fn run(common: &CommonArgs, command: &RulesCommand) -> Result<Exit, Failure> {
    match command {
        RulesCommand::List(args) => list::run(common, args).await,
        RulesCommand::Check(args) => check::run(common, args).await,
        RulesCommand::Add(args) => add::run(common, args).await,
        RulesCommand::Outdated(args) => outdated::run(common, args).await,
        RulesCommand::Update(args) => update::run(common, args).await,
        RulesCommand::Remove(args) => remove::run(args),
        RulesCommand::Save(args) => save::run(common, args).await,
        RulesCommand::Load(args) => load::run(common, args).await,
        RulesCommand::Lock(place) => lock::run(common, place).await,
        RulesCommand::Diff(place) => diff::run(common, place).await,
        RulesCommand::AccessRules(args) => access_rules::run(common, args).await,
        RulesCommand::New(args) => new::run(args),
        RulesCommand::Test(args) => test::run(common, args).await,
        RulesCommand::Bench(args) => bench::run(common, args).await,
    }
}
