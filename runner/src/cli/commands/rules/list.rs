//! `runner rules list`: the kinds of a folder of rules.

use std::sync::Arc;

use serde::Serialize;

use crate::cli::app::App;
use crate::cli::failure::Failure;
use crate::cli::flags::CommonArgs;
use crate::cli::flags::rules::RulesArgs;
use crate::cli::output::print;
use crate::exit::Exit;
use crate::guest::Component;
use crate::report::rows_in;
use crate::resource::Kind;
use crate::text;

/// A kind, as `rules list` shows it.
#[derive(Serialize)]
struct KindRow {
    kind: Arc<str>,
    service: String,
    rule: Arc<str>,
    signed_by: Option<String>,
    listed: String,
    names: Vec<String>,
    owners: Vec<String>,
    requests: Vec<String>,
}

impl KindRow {
    fn new(rule: &Component, kind: &Kind) -> Self {
        Self {
            kind: kind.name.clone(),
            service: kind.service.clone(),
            rule: rule.name().clone(),
            signed_by: rule.signed_by(),
            listed: kind.reach.to_string(),
            names: kind.fields.names.clone(),
            owners: kind
                .owners
                .iter()
                .map(|owner| format!("{} {}", owner.kind, owner.at))
                .collect(),
            requests: kind.requests.iter().map(ToString::to_string).collect(),
        }
    }
}

/// `runner rules list`
pub(super) async fn run(common: &CommonArgs, args: &RulesArgs) -> Result<Exit, Failure> {
    let app = App::load(common)?;
    let components = app.components(&args.place).await?;
    let mut kinds: Vec<KindRow> = components
        .iter()
        .flat_map(|rule| rule.kinds().iter().map(|kind| KindRow::new(rule, kind)))
        .collect();
    kinds.sort_by(|a, b| a.kind.cmp(&b.kind));
    let cells = kinds.iter().map(|row| {
        let cells = [
            &*row.kind,
            &row.service,
            &row.listed,
            &row.names.join(" "),
            &row.requests.join("\n"),
            row.signed_by.as_deref().unwrap_or_default(),
        ];
        cells.map(text::lines).to_vec()
    });
    let header = ["Kind", "Service", "Listed", "Name", "Requests", "Signed by"];
    print(&rows_in(args.format, &header, cells.collect(), &kinds).map_err(Failure::unexpected)?)
}
