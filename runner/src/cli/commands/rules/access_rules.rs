//! `runner rules access-rules`: what the rules ask for, in the words by which the cloud itself can hold them to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::app::App;
use crate::cli::connected::Connected;
use crate::cli::failure::Failure;
use crate::cli::flags::CommonArgs;
use crate::cli::flags::rules::RulesPlace;
use crate::cli::output::print;
use crate::cloud::{AccessRule, MadeCredential, Method, Session, WantedCredential};
use crate::exit::Exit;
use crate::guest::Component;
use crate::report::{Format, document};
use crate::resource::{Kind, Template};

/// Which rules the cloud is to hold to their word, and how.
#[derive(Debug, Args)]
pub(in crate::cli::commands) struct AccessRulesArgs {
    #[command(flatten)]
    pub(super) place: RulesPlace,
    /// Also let through what is sent only with --force
    #[arg(long)]
    pub(super) force: bool,
    /// Make an application credential of this name with the rules, and write a clouds.yaml with it and its secret
    ///
    /// It is for the project of the token, and has all of the token's roles.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(super) create: Option<String>,
    /// When the credential ends (RFC 3339) [default: never]
    #[arg(long, value_name = "TIME", requires = "create")]
    pub(super) expires_at: Option<Timestamp>,
}

/// `runner rules access-rules`
pub(super) async fn run(common: &CommonArgs, args: &AccessRulesArgs) -> Result<Exit, Failure> {
    let app = App::load(common)?;
    let components = app.components(&args.place).await?;
    let connected = app.connect(common, &components).await?;
    if connected.identity.is_none() {
        return Err(Failure::usage(
            "access rules are Keystone's, and there is none here",
        ));
    }
    let rules = asked_for(&connected.session, &components, args.force).await?;
    let Some(name) = &args.create else {
        return print(&written(Format::Json, &rules)?);
    };
    let wanted = WantedCredential {
        name,
        expires_at: args.expires_at,
        rules: &rules,
    };
    let made = connected.session.make_credential(&wanted).await?;
    tracing::info!("{name} has {} access rules", rules.len());
    print(&written(
        Format::Yaml,
        &Clouds::of(&connected, name, &made),
    )?)
}

/// All that these rules, and the runner in its own name, may ask of the services that this cloud has.
async fn asked_for(
    session: &Session,
    components: &[Arc<Component>],
    is_forced: bool,
) -> Result<BTreeSet<AccessRule>, Failure> {
    let mut rules = BTreeSet::from_iter(session.own_access_rules().await?);
    let mut absent = BTreeSet::new();
    for kind in components.iter().flat_map(|component| component.kinds()) {
        if !session.has_service(&kind.service) {
            absent.insert(kind.service.as_str());
            continue;
        }
        for (method, pattern) in forms(kind, is_forced) {
            rules.extend(
                session
                    .access_rules(&kind.service, method, &pattern)
                    .await?,
            );
        }
    }
    if !absent.is_empty() {
        let absent: Vec<&str> = absent.into_iter().collect();
        let absent = absent.join(", ");
        tracing::warn!(
            "this cloud does not have these services, and nothing is let through to them: {absent}"
        );
    }
    Ok(rules)
}

/// The forms of all requests for a kind: reads at and below where its rule may look, and changes by template.
fn forms(kind: &Kind, is_forced: bool) -> Vec<(Method, String)> {
    let reads = kind.read_paths().flat_map(|path| {
        let below = format!("{path}/**");
        [path.to_string(), below].map(|pattern| (Method::Get, pattern))
    });
    let is_meant = |template: &&Template| is_forced || !template.is_forced();
    let changes = kind
        .requests
        .iter()
        .filter(is_meant)
        .filter_map(|template| {
            let method = template.method().parse().ok()?;
            Some((method, template.path_pattern()))
        });
    reads.chain(changes).collect()
}

fn written(format: Format, value: &impl Serialize) -> Result<String, Failure> {
    document(format, value).map_err(Failure::unexpected)
}

/// A `clouds.yaml` with one cloud.
#[derive(Serialize)]
struct Clouds<'a> {
    clouds: BTreeMap<&'a str, Cloud<'a>>,
}

#[derive(Serialize)]
struct Cloud<'a> {
    auth_type: &'static str,
    auth: Auth<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<&'a str>,
}

#[derive(Serialize)]
struct Auth<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_url: Option<&'a str>,
    application_credential_id: &'a str,
    application_credential_secret: &'a str,
}

impl<'a> Clouds<'a> {
    /// A cloud of the credential's name: the one that was reached, by the credential.
    fn of(connected: &'a Connected, name: &'a str, made: &'a MadeCredential) -> Self {
        let reached = &connected.reached;
        let cloud = Cloud {
            auth_type: "v3applicationcredential",
            auth: Auth {
                auth_url: reached.auth_url.as_deref(),
                application_credential_id: &made.id,
                application_credential_secret: &made.secret,
            },
            region_name: reached.region.as_deref(),
            interface: reached.interfaces.first().map(String::as_str),
        };
        Self {
            clouds: BTreeMap::from([(name, cloud)]),
        }
    }
}
