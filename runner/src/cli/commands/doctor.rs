//! `runner doctor`: who one is in the cloud, where, and what a sweep would reach.

use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use crate::cli::app::App;
use crate::cli::failure::Failure;
use crate::cli::flags::CommonArgs;
use crate::cli::flags::rules::RulesArgs;
use crate::cli::output::print;
use crate::exit::Exit;
use crate::guest::Component;
use crate::report::rows_in;
use crate::text;

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    pub(super) rules: RulesArgs,
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
pub(super) async fn run(common: &CommonArgs, args: &DoctorArgs) -> Result<Exit, Failure> {
    let app = App::load(common)?;
    // Who am I can be answered without rules; what they reach cannot.
    let components = match app.components(&args.rules.place).await {
        Ok(components) => components,
        Err(failure) => {
            tracing::warn!("without rules: {}", failure.to_string().trim_end());
            Vec::new()
        }
    };
    let connected = app.connect(common, &components).await?;
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
