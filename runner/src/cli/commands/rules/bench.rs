//! `runner rules bench`: what components cost, side by side.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use crate::audit::Audit;
use crate::case::{Case, Timed};
use crate::cli::app::App;
use crate::cli::cases::{case_files, read, tape_header};
use crate::cli::failure::Failure;
use crate::cli::flags::CommonArgs;
use crate::cli::output::print;
use crate::exit::Exit;
use crate::guest::{Component, Sandbox, StartCost};
use crate::report::{Format, rows_in};

#[derive(Debug, Args)]
pub(in crate::cli::commands) struct BenchArgs {
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

/// What one component costs. Times in microseconds.
#[derive(Serialize)]
struct Row {
    rule: String,
    bytes: usize,
    compile_us: f64,
    load_us: f64,
    start_us: f64,
    memory_bytes: usize,
    things: Option<usize>,
    list_us: Option<f64>,
    name_us: Option<f64>,
    owners_us: Option<f64>,
    order_us: Option<f64>,
    delete_us: Option<f64>,
    checks_us: Option<f64>,
}

/// `runner rules bench`
pub(super) async fn run(common: &CommonArgs, args: &BenchArgs) -> Result<Exit, Failure> {
    let app = App::load(common)?;
    let case = match &args.cases {
        Some(dir) => Some(largest(dir)?),
        None => None,
    };
    let mut rows = Vec::with_capacity(args.files.len());
    for file in &args.files {
        rows.push(Row::of(&app, file, case.as_ref()).await?);
    }
    let header = [
        "Rule", "Size", "Compile", "Load", "Start", "Memory", "Things", "list", "name", "owners",
        "order", "delete", "Checks",
    ];
    let cells = rows.iter().map(Row::cells).collect();
    print(&rows_in(args.format, &header, cells, &rows).map_err(Failure::unexpected)?)
}

/// The case with the most things: the larger a page, the less the clock counts.
fn largest(dir: &Path) -> Result<Case, Failure> {
    let cases = case_files(dir)?.into_iter().map(|file| read(&file));
    let cases = cases.collect::<Result<Vec<Case>, _>>()?;
    let largest = cases.into_iter().max_by_key(|case| case.things.len());
    largest.ok_or_else(|| Failure::usage(format!("there is no case in {}", dir.display())))
}

impl Row {
    async fn of(app: &App, file: &Path, case: Option<&Case>) -> Result<Self, Failure> {
        let scratch = tempfile::tempdir()
            .map_err(|error| Failure::unexpected(format!("no temporary folder: {error}")))?;
        // The first run fills the cache, the second one takes from it.
        let (_, compile) = load(app, file, scratch.path()).await?;
        let (rule, from_cache) = load(app, file, scratch.path()).await?;
        let fails = |why: String| Failure::usage(format!("{}: {why}", file.display()));
        let start = rule.time_start().await;
        let StartCost { time, memory_bytes } = start.map_err(|cause| fails(cause.to_string()))?;
        // The disk is no part of what a rule costs.
        let audit = Audit::to_writer(std::io::sink(), Timestamp::now, &tape_header(&rule))
            .map_err(|error| Failure::input(&error))?;
        let timed = match case {
            Some(case) => Some(
                case.time(&rule, &audit)
                    .await
                    .map_err(|error| fails(error.to_string()))?,
            ),
            None => None,
        };
        let cost = timed.map(|Timed { cost, .. }| cost).unwrap_or_default();
        Ok(Self {
            rule: file.display().to_string(),
            bytes: rule.bytes(),
            compile_us: us(compile),
            load_us: us(from_cache),
            start_us: us(time),
            memory_bytes,
            things: timed.map(|timed| timed.things),
            list_us: cost.list.map(us),
            name_us: cost.name.map(us),
            owners_us: cost.owners.map(us),
            order_us: cost.order.map(us),
            delete_us: cost.delete.map(us),
            checks_us: cost.checks.map(us),
        })
    }

    fn cells(&self) -> Vec<String> {
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        vec![
            self.rule.clone(),
            size(self.bytes),
            time(self.compile_us),
            time(self.load_us),
            time(self.start_us),
            size(self.memory_bytes),
            or_dash(self.things.map(|things| things.to_string())),
            or_dash(self.list_us.map(time)),
            or_dash(self.name_us.map(time)),
            or_dash(self.owners_us.map(time)),
            or_dash(self.order_us.map(time)),
            or_dash(self.delete_us.map(time)),
            or_dash(self.checks_us.map(time)),
        ]
    }
}

/// Loads a component as a run does that keeps what it compiles in this folder.
async fn load(app: &App, file: &Path, cache: &Path) -> Result<(Arc<Component>, Duration), Failure> {
    let sandbox = Sandbox::new(Some(cache)).map_err(|error| Failure::wasm(&error))?;
    let begin = Instant::now();
    let rule = Component::load(&sandbox, file, &app.grants(file)).await?;
    Ok((Arc::new(rule), begin.elapsed()))
}

fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn time(us: f64) -> String {
    match us {
        _ if us < 1e3 => format!("{us:.1} µs"),
        _ if us < 1e6 => format!("{:.1} ms", us / 1e3),
        _ => format!("{:.1} s", us / 1e6),
    }
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn size(bytes: usize) -> String {
    match bytes as f64 {
        bytes if bytes < 1e6 => format!("{:.0} kB", bytes / 1e3),
        bytes => format!("{:.1} MB", bytes / 1e6),
    }
}
