//! `runner doctor`: who one is in the cloud, where, and what a sweep would reach.

use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde::Serialize;

use crate::cli::app::App;
use crate::cli::failure::Failure;
use crate::cli::flags::CommonArgs;
use crate::cli::flags::rules::RulesArgs;
use crate::cli::output::print;
use crate::cloud::{Method, Request, Session};
use crate::exit::Exit;
use crate::guest::Component;
use crate::report::rows_in;
use crate::text;

/// Clocks that differ by less are taken for the same.
const SKEW_S_MIN: i64 = 60;

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
    /// How far Keystone's clock is ahead of this machine's, in seconds; nothing if it does not say.
    clock_ahead_s: Option<i64>,
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
        clock_ahead_s: clock_ahead_s(&connected.session).await,
        services,
    };
    if let Some(ahead) = diagnosis.clock_ahead_s.filter(|it| it.abs() >= SKEW_S_MIN) {
        tracing::warn!(
            "the cloud's clock is {}: ages that are counted back from now (7d) are off by as much, so set the clock or give times",
            ahead_in_words(ahead)
        );
    }
    let rows = diagnosis.rows();
    print(
        &rows_in(args.rules.format, &["What", "Is"], rows, &diagnosis)
            .map_err(Failure::unexpected)?,
    )
}

/// How far Keystone's clock is ahead, by the `Date` of an answer. Nothing if there is no Keystone, or no answer with a date.
async fn clock_ahead_s(session: &Session) -> Option<i64> {
    let request = Request::new("identity", Method::Get, "/v3");
    let answer = session.send(request).await.ok()?;
    let theirs = rfc2822::parse(answer.header("date")?).ok()?;
    let ahead = theirs.timestamp().duration_since(Timestamp::now());
    Some(ahead.as_secs())
}

fn ahead_in_words(ahead_s: i64) -> String {
    match ahead_s {
        0.. => format!("{ahead_s} s ahead of this machine's"),
        _ => format!("{} s behind this machine's", ahead_s.unsigned_abs()),
    }
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
        if let Some(ahead) = self.clock_ahead_s {
            let clock = match ahead.abs() < SKEW_S_MIN {
                true => "as this machine's, within a minute".to_owned(),
                false => ahead_in_words(ahead),
            };
            rows.push(vec!["clock".to_owned(), clock]);
        }
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
