//! Commands that look and change nothing: names, rules, doctor.

use std::sync::Arc;

use serde::Serialize;

use crate::exit::Exit;
use crate::guest::Component;
use crate::name::TaskId;
use crate::report::rows_in;
use crate::resource::Kind;
use crate::text;

use super::args::{CommonArgs, DoctorArgs, NamesArgs, RulesArgs};
use super::failure::Failure;
use super::output::print;
use super::setup::Setup;

/// `runner names`
pub(super) fn names(common: &CommonArgs, args: &NamesArgs) -> Result<Exit, Failure> {
    let setup = Setup::load(common)?;
    let task = TaskId::parse(&args.task).map_err(|error| Failure::input(&error))?;
    let formats = setup.formats()?;
    let mut draw = |choices: usize| fastrand::usize(..choices.max(1));
    if args.all {
        let lines = formats.iter().map(|named| {
            format!(
                "{}\t{}\n",
                named.label,
                named.format.generate(&task, &mut draw)
            )
        });
        return print(&lines.collect::<String>());
    }
    let Some(named) = formats.iter().find(|named| named.label == args.label) else {
        let known: Vec<&str> = formats.iter().map(|named| named.label.as_str()).collect();
        return Err(
            Failure::usage(format!("there is no name format {:?}", args.label))
                .hint(format!("known are: {}", known.join(", "))),
        );
    };
    let lines = (0..args.count).map(|_| named.format.generate(&task, &mut draw) + "\n");
    print(&lines.collect::<String>())
}

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
pub(super) async fn list(common: &CommonArgs, args: &RulesArgs) -> Result<Exit, Failure> {
    let setup = Setup::load(common)?;
    let components = setup.components(&args.place).await?;
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

/// What `doctor` says.
#[derive(Serialize)]
struct Diagnosis {
    cloud: String,
    user: String,
    token: String,
    roles: Vec<String>,
    administrator: bool,
    token_expires: Option<String>,
    services: Vec<ServiceRow>,
}

#[derive(Serialize)]
struct ServiceRow {
    service: String,
    endpoint: String,
    rules: Vec<Arc<str>>,
}

/// `runner doctor`
pub(super) async fn doctor(common: &CommonArgs, args: &DoctorArgs) -> Result<Exit, Failure> {
    let setup = Setup::load(common)?;
    // Who am I can be answered without rules; what they reach cannot.
    let components = match setup.components(&args.rules.place).await {
        Ok(components) => components,
        Err(failure) => {
            tracing::warn!("without rules: {}", failure.to_string().trim_end());
            Vec::new()
        }
    };
    let connected = setup.connect(common, &components).await?;
    let rules_for = |service: &str| {
        let serves =
            |rule: &&Arc<Component>| rule.kinds().iter().any(|kind| kind.service == service);
        components
            .iter()
            .filter(serves)
            .map(|rule| rule.name().clone())
            .collect()
    };
    let identity = connected.identity.as_ref();
    let services: Vec<ServiceRow> = connected
        .session
        .services()
        .into_iter()
        .map(|summary| ServiceRow {
            rules: rules_for(&summary.service_type),
            service: summary.service_type,
            endpoint: summary.url.to_string(),
        })
        .collect();
    let diagnosis = Diagnosis {
        cloud: connected.cloud.clone(),
        user: connected.user(),
        token: connected.token_scope(),
        roles: identity
            .map(|identity| identity.roles.clone())
            .unwrap_or_default(),
        administrator: connected.is_admin(),
        token_expires: identity.map(|identity| identity.expires_at.to_string()),
        services,
    };
    let rows = diagnosis.rows();
    print(
        &rows_in(args.rules.format, &["What", "Is"], rows, &diagnosis)
            .map_err(Failure::unexpected)?,
    )
}

impl Diagnosis {
    fn rows(&self) -> Vec<Vec<String>> {
        let mut rows = vec![
            vec!["cloud".to_owned(), self.cloud.clone()],
            vec!["user".to_owned(), self.user.clone()],
            vec!["token for".to_owned(), self.token.clone()],
            vec!["roles".to_owned(), self.roles.join(", ")],
            vec![
                "reaches".to_owned(),
                if self.administrator {
                    "all projects"
                } else {
                    "the own project"
                }
                .to_owned(),
            ],
        ];
        rows.extend(self.services.iter().map(|service| {
            let rules: Vec<&str> = service.rules.iter().map(|rule| &**rule).collect();
            let rules = if rules.is_empty() {
                "no rule".to_owned()
            } else {
                rules.join(", ")
            };
            vec![
                service.service.clone(),
                format!("{} ({rules})", service.endpoint),
            ]
        }));
        let visible = |cells: Vec<String>| cells.iter().map(|cell| text::lines(cell)).collect();
        rows.into_iter().map(visible).collect()
    }
}
