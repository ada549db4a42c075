//! Flags and their help. The doc comments are the help text.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use jiff::{Span, SpanRelativeTo, Timestamp, Unit};
use secrecy::SecretString;

use crate::config::clouds::CloudOptions;
use crate::name::{Origin, OriginFilter};
use crate::report::Format;
use crate::resource::{KindPattern, ThingRef};

use super::access_rules::AccessRulesArgs;

/// Delete exactly what one task left behind in a cloud
///
/// Finds the things that bear the task's names, and the nameless things that belong to these; deletes them and nothing
/// else; then looks again and says whether anything is left. Look first with --dry-run: it changes nothing.
///
/// Exit codes: 0 nothing is left (or dry run done); 1 unexpected error; 2 usage or configuration; 3 something that should be gone
/// is left; 4 a listing failed, or a service cannot be reached, so nobody can say that it is clean; 5 authentication or scope
/// refused; 6 a guard refused; 10 --dry-run --detailed-exitcode, and there is something to delete; 130 interrupted.
#[derive(Debug, Parser)]
#[command(
    name = "runner",
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) sweep: SweepArgs,
    #[command(flatten)]
    pub(super) common: CommonArgs,
    /// Say more about what happens; can be repeated
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = "General")]
    pub(super) verbose: u8,
    /// Say nothing but errors, and show no progress
    #[arg(short, long, global = true, help_heading = "General")]
    pub(super) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Execute a plan that a dry run has saved with --plan-out
    Apply(ApplyArgs),
    /// Say why a thing would be deleted or kept
    Explain(ExplainArgs),
    /// Print names that a task may give, so that what bears them can be cleaned
    Names(NamesArgs),
    /// Look at rules, and write them
    Rules {
        #[command(subcommand)]
        command: RulesCommand,
    },
    /// Say who you are in the cloud, where, and what a sweep would reach
    Doctor(DoctorArgs),
    #[command(hide = true)]
    CompileComponent(CompileArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum RulesCommand {
    /// List the kinds of a folder of rules
    List(RulesArgs),
    /// Check component files: contract, imports, kinds, and every request that they may send
    Check(CheckArgs),
    /// Fetch a rule from an OCI registry, or take a file; check it, put it into the folder, and pin it in the lock file
    Add(AddArgs),
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

/// What every command that looks at a cloud needs.
#[derive(Debug, Args)]
pub(super) struct CommonArgs {
    /// Configuration file [default: runner.toml here, or runner/config.toml in your configuration folder]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "RUNNER_CONFIG",
        help_heading = "General"
    )]
    pub(super) config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) cloud: CloudArgs,
}

/// Which cloud, as whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cloud")]
pub(super) struct CloudArgs {
    /// Cloud in clouds.yaml [default: OS_CLOUD, the OS_* variables, or the only one]
    #[arg(long = "os-cloud", global = true, value_name = "NAME", visible_aliases = ["cloud", "deployment"])]
    os_cloud: Option<String>,
    /// Region
    #[arg(long, global = true, value_name = "NAME")]
    os_region_name: Option<String>,
    /// Which endpoints of the catalog: public, internal or admin
    #[arg(long, global = true, value_name = "INTERFACE")]
    os_interface: Option<String>,
    // A PEM text begins with hyphens; refusing it as an unknown flag would show it.
    /// File with certificates of authorities to trust
    #[arg(long, global = true, value_name = "FILE", allow_hyphen_values = true)]
    os_cacert: Option<String>,
    /// File with a client certificate
    #[arg(long, global = true, value_name = "FILE", allow_hyphen_values = true)]
    os_cert: Option<String>,
    /// File with the client certificate's key
    #[arg(long, global = true, value_name = "FILE", allow_hyphen_values = true)]
    os_key: Option<String>,
    /// Do not verify the servers' certificates
    #[arg(long, global = true)]
    insecure: bool,
    #[arg(
        long,
        global = true,
        value_name = "TYPE",
        hide_short_help = true,
        help = "How to authenticate: password, token, application credential"
    )]
    os_auth_type: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "URL",
        hide_short_help = true,
        help = "Keystone's address"
    )]
    os_auth_url: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        hide_short_help = true,
        help = "User"
    )]
    os_username: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "ID",
        hide_short_help = true,
        help = "User, by id"
    )]
    os_user_id: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        hide_short_help = true,
        help = "The user's domain"
    )]
    os_user_domain_name: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "ID",
        hide_short_help = true,
        help = "The user's domain, by id"
    )]
    os_user_domain_id: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        hide_short_help = true,
        help = "Project to get a token for"
    )]
    os_project_name: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "ID",
        hide_short_help = true,
        help = "Project to get a token for, by id"
    )]
    os_project_id: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        hide_short_help = true,
        help = "That project's domain"
    )]
    os_project_domain_name: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "ID",
        hide_short_help = true,
        help = "That project's domain, by id"
    )]
    os_project_domain_id: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "all",
        hide_short_help = true,
        help = "Get a token for the whole system"
    )]
    os_system_scope: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "SECRET",
        hide_short_help = true,
        hide_env_values = true,
        help = "Password; better in OS_PASSWORD or secure.yaml, where no process list shows it"
    )]
    os_password: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "SECRET",
        hide_short_help = true,
        help = "Token; better in OS_TOKEN"
    )]
    os_token: Option<String>,
}

impl CloudArgs {
    pub(super) fn options(&self) -> CloudOptions {
        let secret = |text: &Option<String>| text.clone().map(SecretString::from);
        CloudOptions {
            cloud: self.os_cloud.clone(),
            region_name: self.os_region_name.clone(),
            interface: self.os_interface.clone(),
            cacert: self.os_cacert.clone(),
            cert: self.os_cert.clone(),
            key: self.os_key.clone(),
            insecure: self.insecure.then_some(true),
            auth_type: self.os_auth_type.clone(),
            auth_url: self.os_auth_url.clone(),
            username: self.os_username.clone(),
            user_id: self.os_user_id.clone(),
            user_domain_id: self.os_user_domain_id.clone(),
            user_domain_name: self.os_user_domain_name.clone(),
            password: secret(&self.os_password),
            token: secret(&self.os_token),
            project_id: self.os_project_id.clone(),
            project_name: self.os_project_name.clone(),
            project_domain_id: self.os_project_domain_id.clone(),
            project_domain_name: self.os_project_domain_name.clone(),
            system_scope: self.os_system_scope.clone(),
            ..CloudOptions::default()
        }
    }
}

/// What a sweep looks for, and where.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sweep")]
pub(super) struct ScopeArgs {
    /// Id of the task whose things are to go; can be repeated [default: every task that a name format knows]
    ///
    /// Rally's names carry the id of the workload, not that of the task: `rally task report --json` shows both.
    #[arg(long = "task", value_name = "ID")]
    pub(super) tasks: Vec<String>,
    /// What `rally task report --json` wrote: its tasks stand for their workloads; can be repeated
    ///
    /// Without --task, everything in the report is meant; with it, a task or a subtask of the report stands for its workloads.
    #[arg(long = "rally-report", value_name = "FILE")]
    pub(super) rally_reports: Vec<PathBuf>,
    /// Only names of this family: Rally's scenarios or contexts
    #[arg(long, value_enum, default_value_t = OriginArg::All, conflicts_with = "unmatched")]
    pub(super) origin: OriginArg,
    /// Touch only this project (name or id); can be repeated [default: all an administrator reaches, one's own for others]
    #[arg(long = "project", value_name = "PROJECT")]
    pub(super) projects: Vec<String>,
    /// Touch only kinds that fit, with * as wildcard (network.*); can be repeated
    #[arg(long, value_name = "PATTERN", value_parser = KindPattern::parse)]
    pub(super) only: Vec<KindPattern>,
    /// Keep things of kinds that fit, with * as wildcard; can be repeated
    #[arg(long, value_name = "PATTERN", value_parser = KindPattern::parse)]
    pub(super) except: Vec<KindPattern>,
    /// Take along all that is in a project that goes, whatever it is called
    #[arg(long)]
    pub(super) with_projects: bool,
    /// The other way round: delete what bears no such name, in the projects given by --project, and keep what bears one
    ///
    /// Never touches what belongs to no project, the projects themselves, nor what the cloud named itself.
    #[arg(long, requires = "projects", conflicts_with = "with_projects")]
    pub(super) unmatched: bool,
    /// With --unmatched or --with-projects: also take what others use beyond its project, such as public images and shared networks
    #[arg(long)]
    pub(super) shared: bool,
    /// A type of service that nobody looks at and that holds nothing of what is swept; can be repeated
    ///
    /// Else projects, domains and users stay, for nobody knows what of theirs is there.
    #[arg(long, value_name = "TYPE")]
    pub(super) unlooked: Vec<String>,
    /// Keep what was made before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(super) created_after: Option<Timestamp>,
    /// Keep what was made at this time or later (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(super) created_before: Option<Timestamp>,
    /// Keep things with this tag (`tag` or `key=value`); can be repeated
    #[arg(long = "protect-tag", value_name = "TAG", value_parser = NonEmptyStringValueParser::new())]
    pub(super) protect_tags: Vec<String>,
}

/// Which rules.
#[derive(Debug, Args)]
pub(super) struct RulesPlace {
    /// Folder with rules, or a single component file
    #[arg(long, value_name = "PATH", default_value = "rules")]
    pub(super) guests: PathBuf,
    /// Lock file, which the rules must be as [default: rules.lock beside the rules, if there is one]
    #[arg(long, value_name = "FILE")]
    pub(super) lock: Option<PathBuf>,
}

/// Which rules, and how to write what comes of them.
#[derive(Debug, Args)]
pub(super) struct RulesArgs {
    #[command(flatten)]
    pub(super) place: RulesPlace,
    /// How to write the result
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct SweepArgs {
    #[command(flatten)]
    pub(super) scope: ScopeArgs,
    #[command(flatten)]
    pub(super) rules: RulesArgs,
    /// Show the plan and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// With --dry-run: exit with 10 if there is something to delete
    #[arg(long, requires = "dry_run")]
    pub(super) detailed_exitcode: bool,
    /// Save the plan, for `runner apply` or for review
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(super) plan_out: Option<PathBuf>,
    /// Also show what is kept, and why
    #[arg(long)]
    pub(super) show_kept: bool,
    #[command(flatten)]
    pub(super) guards: GuardArgs,
}

/// Guards of a change.
#[derive(Debug, Args)]
#[command(next_help_heading = "Guards")]
pub(super) struct GuardArgs {
    /// Refuse to delete more things than this
    #[arg(long, value_name = "N")]
    pub(super) max_deletions: Option<usize>,
    /// Do not ask before a sweep without --task, or with --unmatched
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Insist on what an ordinary deletion does not move: reset states, take protections off, force-delete
    ///
    /// Only for things of the plan, only after they could not be deleted, and only where a rule declares how.
    #[arg(long)]
    pub(super) force: bool,
    /// Where to write the audit log [default: runner/audit.jsonl in your state folder]
    #[arg(long, value_name = "FILE")]
    pub(super) audit_log: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// The saved plan
    pub(super) plan: PathBuf,
    /// Refuse a plan that is older than this: 1d, 12h [default: plan_age_s_max of the configuration, a day]
    #[arg(long, value_name = "AGE", value_parser = seconds)]
    pub(super) plan_max_age: Option<u64>,
    /// A type of service that nobody looks at and that holds nothing of what is swept; can be repeated
    #[arg(long, value_name = "TYPE")]
    pub(super) unlooked: Vec<String>,
    #[command(flatten)]
    pub(super) rules: RulesArgs,
    #[command(flatten)]
    pub(super) guards: GuardArgs,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The thing, as <kind>/<id>: network.port/4f5c…
    pub(super) thing: String,
    #[command(flatten)]
    pub(super) scope: ScopeArgs,
    #[command(flatten)]
    pub(super) rules: RulesArgs,
}

#[derive(Debug, Args)]
pub(super) struct NamesArgs {
    /// Id of the task
    #[arg(long, value_name = "ID")]
    pub(super) task: String,
    /// Label of the name format, as `--all` shows it
    #[arg(long, default_value = "rally scenario")]
    pub(super) label: String,
    /// How many names
    #[arg(short = 'n', long, default_value_t = 1)]
    pub(super) count: usize,
    /// One name of every format, with its label
    #[arg(long, conflicts_with_all = ["label", "count"])]
    pub(super) all: bool,
}

/// Bounds within which the component on standard input is compiled.
#[derive(Debug, Args)]
pub(super) struct CompileArgs {
    pub(super) cache_dir: PathBuf,
    pub(super) cpu_s_max: u64,
    pub(super) memory_bytes_max: u64,
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Component files
    #[arg(required = true)]
    pub(super) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Where the rule is: oci://registry/repository:tag, or @sha256:… instead of the tag; or a component file
    pub(super) source: String,
    /// What the rule is called here, and its file, without .wasm [default: the last part of the repository, or the file's name]
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Take it also where another file of this name is there, or another one is pinned
    #[arg(long)]
    pub(super) replace: bool,
    #[command(flatten)]
    pub(super) place: RulesPlace,
}

#[derive(Debug, Args)]
pub(super) struct NewArgs {
    /// The language to write it in
    pub(super) language: Language,
    /// Name of the rule and of its folder: my-zones
    pub(super) name: String,
    /// Service type in the catalog, or name of a service in the configuration
    #[arg(long, value_name = "TYPE")]
    pub(super) service: String,
    /// Kind that the rule cleans [default: <service>.<name>]
    #[arg(long, value_name = "KIND")]
    pub(super) kind: Option<String>,
    /// Path of the collection below the service's endpoint, with the API's version: GET lists it, DELETE of path/id deletes one
    #[arg(long, value_name = "PATH")]
    pub(super) path: String,
    /// Member of the answer that holds the list [default: the path's last part]
    #[arg(long, value_name = "MEMBER")]
    pub(super) at: Option<String>,
    /// Folder to write to [default: one of the rule's name, here]
    #[arg(long, value_name = "DIR")]
    pub(super) into: Option<PathBuf>,
}

/// Languages that there is a template for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    Rust,
    Python,
    Javascript,
    Go,
    C,
}

#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// Folder of the rule's project, with cases in tests/*.json
    pub(super) dir: PathBuf,
    /// The rule's component [default: the only one in the folder, or in its target/wasm32-wasip2/release]
    #[arg(long, value_name = "FILE")]
    pub(super) rule: Option<PathBuf>,
    /// Write what was found into the cases, where every request was recorded
    #[arg(long, conflicts_with = "record")]
    pub(super) update: bool,
    #[command(flatten)]
    pub(super) recording: RecordArgs,
}

#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// Component files
    #[arg(required = true)]
    pub(super) files: Vec<PathBuf>,
    /// Folder of a rule's project: calls are timed in the case of its tests folder with the most things
    #[arg(long, value_name = "DIR")]
    pub(super) cases: Option<PathBuf>,
    /// How to write the result
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) format: Format,
}

/// What to record.
#[derive(Debug, Args)]
#[command(next_help_heading = "Recording")]
pub(super) struct RecordArgs {
    /// List a real cloud and write a case for each kind, instead of testing; changes nothing there without --delete-task
    #[arg(long)]
    pub(super) record: bool,
    /// Only kinds that fit, with * as wildcard; can be repeated
    #[arg(long = "kind", value_name = "PATTERN", requires = "record", value_parser = KindPattern::parse)]
    pub(super) kinds: Vec<KindPattern>,
    /// A thing under which to list, for kinds that are listed so; can be repeated
    #[arg(long, value_name = "KIND/ID", requires = "record", value_parser = thing)]
    pub(super) under: Vec<ThingRef>,
    /// List in this project only (name or id)
    #[arg(long, value_name = "PROJECT", requires = "record")]
    pub(super) project: Option<String>,
    /// Also delete, and record it, what bears a name of this task, such as `runner names` gives
    #[arg(long, value_name = "ID", requires = "record")]
    pub(super) delete_task: Option<String>,
    /// Where to write the audit log of what is deleted [default: runner/audit.jsonl in your state folder]
    #[arg(long, value_name = "FILE", requires = "delete_task")]
    pub(super) audit_log: Option<PathBuf>,
}

/// Reads a span of time: `1d`, `12h`, `90m`.
fn seconds(text: &str) -> Result<u64, String> {
    let span: Result<Span, _> = text.parse();
    let seconds =
        span.and_then(|span| span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())));
    match seconds {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is positive, and whole seconds are meant"
        )]
        Ok(seconds) if seconds >= 0.0 => Ok(seconds as u64),
        _ => Err("a span of time is given as 1d, 12h or 90m".to_owned()),
    }
}

/// Reads `<kind>/<id>`.
fn thing(text: &str) -> Result<ThingRef, String> {
    ThingRef::parse(text)
        .ok_or_else(|| "a thing is given as <kind>/<id>: network.port/4f5c…".to_owned())
}

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    pub(super) rules: RulesArgs,
}

/// Families of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OriginArg {
    /// All of them
    All,
    /// Names that scenarios give
    Scenario,
    /// Names that contexts give
    Context,
}

impl From<OriginArg> for OriginFilter {
    fn from(origin: OriginArg) -> Self {
        match origin {
            OriginArg::All => Self::All,
            OriginArg::Scenario => Self::Only(Origin::Scenario),
            OriginArg::Context => Self::Only(Origin::Context),
        }
    }
}
