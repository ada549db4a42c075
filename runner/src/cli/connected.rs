//! A cloud that was reached: who we are in it, what we reach, and what nobody looks at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::audit::Audit;
use crate::cloud::{
    self, CloudConfig, ErrorKind, GrantedScope, Identity, PlainService, Session,
    official_service_type,
};
use crate::config::Config;
use crate::config::clouds::{nearest, resolve};
use crate::engine::{Engine, Reachable};
use crate::guest::{Component, Guest};
use crate::plan::{Place, SweepScope};
use crate::resource::{Kind, Reach};
use crate::rule::Rule;
use crate::run::Chronicle;
use crate::unlooked::Unlooked;

use super::app::{App, VERSION};
use super::components::digest;
use super::failure::Failure;
use super::flags::CommonArgs;

/// A cloud that was reached, and who we are in it.
pub(super) struct Connected {
    pub(super) session: Session,
    pub(super) reached: Reached,
    pub(super) identity: Option<Identity>,
    pub(super) cloud: String,
}

/// How a cloud was reached.
pub(super) struct Reached {
    pub(super) auth_url: Option<String>,
    pub(super) region: Option<String>,
    pub(super) interfaces: Vec<String>,
}

impl App {
    /// Authenticates, and learns from the token itself who we are and where.
    pub(super) async fn connect(
        &self,
        common: &CommonArgs,
        components: &[Arc<Component>],
    ) -> Result<Connected, Failure> {
        let config = self.reachable_cloud(common, components)?;
        let cloud = config.name.clone();
        let auth_url = config.keystone.as_ref().map(|it| it.auth_url.clone());
        let reached = Reached {
            auth_url: auth_url.as_ref().map(ToString::to_string),
            region: config.region.clone(),
            interfaces: config.interfaces.iter().map(ToString::to_string).collect(),
        };
        let services: BTreeSet<String> = config.plain_services.keys().cloned().collect();
        let session = Session::connect(config, self.config.http_limits()).await;
        let session = session.map_err(|error| match (error.kind(), auth_url) {
            (_, _) if is_about(&error, &services) => {
                let service = error
                    .context()
                    .map_or_else(String::new, |it| it.service.clone());
                Failure::from(error)
                    .hint(format!("check [services.{service}]; nothing was changed"))
            }
            (ErrorKind::Unreachable | ErrorKind::Timeout, Some(url)) => {
                let hint = unreached(&error, &url);
                Failure::from(error).hint(hint)
            }
            _ => Failure::from(error),
        })?;
        let identity = session.identity();
        if let (Some(why), Some(identity)) = (session.ends(), &identity) {
            let end = end_of_session(identity.expires_at, Timestamp::now());
            tracing::warn!(
                "{end}, and {why}: what is not done by then is reported as left, or not listed"
            );
        }
        Ok(Connected {
            session,
            reached,
            identity,
            cloud,
        })
    }
}

/// What to check where nobody answers, which need not be Keystone.
fn unreached(error: &cloud::Error, auth_url: &Url) -> String {
    match error.context() {
        Some(context) if context.service != "identity" => format!(
            "nothing was changed; check the addresses of the {} under `auth` of the cloud, and the network",
            context.service
        ),
        _ => format!("nothing was changed; check auth_url, which is {auth_url}, and the network"),
    }
}

/// When a token that nothing renews ends. Keystone has just given or accepted it, so it has not ended.
fn end_of_session(at: Timestamp, now: Timestamp) -> String {
    let minutes = at.duration_since(now).as_mins();
    if at <= now {
        return format!(
            "the token ends at {at} by Keystone's clock, which by this machine's is over (one of the two clocks is wrong)"
        );
    }
    format!("the token ends at {at}, in {minutes} min")
}

impl App {
    /// The cloud and the services of the configuration that these rules need. Nothing is asked yet.
    fn reachable_cloud(
        &self,
        common: &CommonArgs,
        components: &[Arc<Component>],
    ) -> Result<CloudConfig, Failure> {
        let services = self
            .config
            .plain_services(&self.surroundings)
            .map_err(|error| Failure::input(&error))?;
        let mut kinds = components.iter().flat_map(|component| component.kinds());
        let flags = common.cloud.given();
        // Without rules, who names a cloud means it.
        let needs_cloud = services.is_empty()
            || kinds.any(|kind| !services.contains_key(&kind.service))
            || (components.is_empty() && !flags.is_empty());
        if !needs_cloud {
            if !flags.is_empty() {
                return Err(Failure::usage(format!(
                    "{} would do nothing: these rules ask services under [services] only, and no cloud",
                    flags.join(", ")
                ))
                .hint(
                    "leave it out; what a service needs is said in its section: cacert, cert, key, insecure, and who we are there \
                     (docs/services.md)",
                ));
            }
            return Ok(CloudConfig::without_keystone(
                "configured services",
                services,
            ));
        }
        let strange = strangers(components, |service| services.contains_key(service));
        let config = resolve(&common.cloud.options(), &self.surroundings).map_err(|error| {
            let failure = Failure::input(&error);
            match strange.first() {
                // Whoever has no cloud meant the service.
                Some(stranger) => failure.hint(format!(
                    "the rule {} asks for the service `{}`: {}",
                    stranger.rule,
                    stranger.service,
                    stranger.cure(&services)
                )),
                None => failure,
            }
        })?;
        let proxies = self.config.proxies(&self.surroundings);
        Ok(CloudConfig {
            plain_services: services,
            proxies: proxies.map_err(|error| Failure::input(&error))?,
            ..config
        })
    }

    /// Refuses a service of the configuration that no rule asks: a sweep would say that nothing is left, and nobody would have
    /// looked there.
    pub(super) fn check_services(&self, components: &[Arc<Component>]) -> Result<(), Failure> {
        // What is wrong with a section comes before what is wrong with having it.
        self.config
            .plain_services(&self.surroundings)
            .map_err(|error| Failure::input(&error))?;
        let kinds = components
            .iter()
            .flat_map(|component| component.described());
        let asked: BTreeSet<&str> = kinds.map(|kind| kind.service.as_str()).collect();
        let idle = self
            .config
            .services
            .keys()
            .find(|name| !asked.contains(name.as_str()));
        match idle {
            None => Ok(()),
            Some(name) => Err(Failure::usage(format!(
                "[services.{name}] is for a service that no rule here asks for, so nobody would look there"
            ))
            .hint(format!(
                "the rules here ask for: {}; add the rule to the folder of --guests, or take the section out",
                asked.into_iter().collect::<Vec<_>>().join(", ")
            ))),
        }
    }
}

/// Whether an error belongs to a request to one of these services, or on behalf of it.
fn is_about(error: &cloud::Error, services: &BTreeSet<String>) -> bool {
    let context = error.context();
    context.is_some_and(|it| services.contains(&it.service))
}

/// A service that a rule asks for, that OpenStack does not have, and that is configured nowhere.
struct Stranger<'a> {
    rule: &'a str,
    service: &'a str,
}

impl Stranger<'_> {
    fn cure(&self, services: &BTreeMap<String, PlainService>) -> String {
        let known: Vec<String> = services.keys().cloned().collect();
        let there_are = if known.is_empty() {
            "there is no such section yet".to_owned()
        } else {
            let slip = nearest(self.service, &known);
            format!("there are sections for {}{slip}", known.join(", "))
        };
        format!(
            "if it is none of OpenStack's, write [services.{}] with its url into the configuration (docs/services.md); {there_are}",
            self.service
        )
    }
}

/// Services that rules ask for, that are no type of OpenStack's, and that are not there.
fn strangers(components: &[Arc<Component>], is_there: impl Fn(&str) -> bool) -> Vec<Stranger<'_>> {
    let mut strangers = Vec::new();
    for component in components {
        for kind in component.kinds() {
            let service = kind.service.as_str();
            if official_service_type(service).is_none() && !is_there(service) {
                let rule = component.name();
                strangers.push(Stranger { rule, service });
            }
        }
    }
    strangers
}

impl Connected {
    /// Refuses rules for a service that neither the catalog nor the configuration has. An OpenStack service may be absent: not every
    /// cloud has all of them.
    pub(super) fn check_services(&self, components: &[Arc<Component>]) -> Result<(), Failure> {
        let strange = strangers(components, |service| self.session.has_service(service));
        match strange.first() {
            None => Ok(()),
            Some(stranger) => {
                let Stranger { rule, service } = stranger;
                let configured = &self.session.config().plain_services;
                Err(Failure::usage(format!(
                    "the rule {rule} is for the service `{service}`, which neither the catalog nor the configuration has"
                ))
                .hint(stranger.cure(configured)))
            }
        }
    }

    /// Whether listings show all projects. A cloud without Keystone has no projects.
    pub(super) fn is_admin(&self) -> bool {
        self.identity.as_ref().is_none_or(Identity::is_admin)
    }

    pub(super) fn user(&self) -> String {
        self.identity
            .as_ref()
            .map_or_else(String::new, |identity| identity.user_name.clone())
    }

    /// What the token is good for, in words.
    pub(super) fn token_scope(&self) -> String {
        let scope = self.granted();
        let trust = self.identity.as_ref().and_then(|it| it.trust.as_ref());
        match trust {
            Some(trust) => format!("{scope} by the trust {trust}"),
            None => scope,
        }
    }

    fn granted(&self) -> String {
        match self.identity.as_ref().map(|identity| &identity.scope) {
            Some(GrantedScope::Project { id, name, domain }) => {
                format!("project {name} ({id}) of domain {}", domain.name)
            }
            Some(GrantedScope::Domain(domain)) => format!("domain {} ({})", domain.name, domain.id),
            Some(GrantedScope::System) => "the whole system".to_owned(),
            Some(GrantedScope::Unscoped) => "no scope".to_owned(),
            None => "no Keystone".to_owned(),
        }
    }

    /// Where plans of this run are made, and for where they are good.
    pub(super) fn place(&self, scope: &SweepScope, components: &[Arc<Component>]) -> Place {
        let identity = self.identity.as_ref();
        let user = identity.map(|it| format!("{} ({})", it.user_name, it.user_id));
        let rules = components.iter().map(|rule| digest(rule));
        let kinds = components.iter().flat_map(|rule| rule.kinds());
        let asked: BTreeSet<&str> = kinds.map(|kind| kind.service.as_str()).collect();
        let endpoints = asked.into_iter().filter_map(|service| {
            let url = self.session.url_of(service)?;
            Some((service.to_owned(), url.to_string()))
        });
        Place {
            cloud: self.cloud.clone(),
            auth_url: self.reached.auth_url.clone(),
            region: self.reached.region.clone(),
            interfaces: self.reached.interfaces.clone(),
            endpoints: endpoints.collect(),
            user: user.unwrap_or_default(),
            scope: self.token_scope(),
            rules: rules.map(|rule| (rule.name, rule.sha256)).collect(),
            tasks: scope.tasks.clone(),
            made_at: Timestamp::now(),
            version: VERSION.to_owned(),
        }
    }

    /// The engine of all rules whose services this cloud has.
    pub(super) fn engine(
        &self,
        components: Vec<Arc<Component>>,
        reachable: Reachable,
        app: &App,
        chronicle: &Arc<Chronicle>,
        cancel: &CancellationToken,
        audit: Option<&Audit>,
    ) -> Result<Engine<Guest>, Failure> {
        let kinds = components.iter().flat_map(|it| it.kinds());
        let kinds: Arc<[Arc<Kind>]> = kinds.cloned().collect();
        let at_work = |it| {
            let guest = Guest::new(it, self.session.clone(), audit.cloned());
            guest.beside(kinds.clone()).stopped_by(cancel.clone())
        };
        let guests: Vec<Guest> = components.into_iter().map(at_work).collect();
        let at_work: usize = guests.iter().map(|guest| Rule::kinds(guest).len()).sum();
        let absent: BTreeSet<&str> = guests.iter().flat_map(Guest::absent_services).collect();
        if at_work == 0 {
            let absent: Vec<&str> = absent.into_iter().collect();
            return Err(Failure::usage(format!(
                "this cloud has none of the services that the rules are for: {}",
                absent.join(", ")
            ))
            .hint(
                "`runner doctor` lists its services; check --os-region-name and --os-interface",
            ));
        }
        for service in absent {
            tracing::info!("the cloud has no service {service:?}; its kinds are left out");
        }
        let limits = app.config.engine_limits();
        Engine::new(guests, reachable, limits, chronicle.clone(), cancel.clone())
            .map_err(|error| Failure::input(&error))
    }

    pub(super) fn reachable(&self, scope: &SweepScope) -> Reachable {
        Reachable {
            is_admin: self.is_admin(),
            projects: scope.projects.clone(),
            user: self
                .identity
                .as_ref()
                .map(|identity| Arc::from(identity.user_id.as_str())),
        }
    }

    /// Narrows the scope to what the credentials reach and the operator asked for.
    pub(super) async fn sweep_scope(
        &self,
        mut scope: SweepScope,
        given: &[String],
        config: &Config,
    ) -> Result<SweepScope, Failure> {
        scope
            .protected_tags
            .extend(config.protect.tags.iter().cloned());
        // Whoever is no administrator sees the things of the own project, also those that do not show it.
        let is_narrowed = !given.is_empty() || scope.projects.is_some();
        scope.projectless = scope.projectless || !self.is_admin() || !is_narrowed;
        if let Some(identity) = self
            .identity
            .as_ref()
            .filter(|identity| !identity.is_admin())
        {
            let GrantedScope::Project { id, name, .. } = &identity.scope else {
                return Err(Failure::refused(format!("the token is for {}, not for a project", self.token_scope()))
                    .hint("give a project (OS_PROJECT_NAME, or project_name in clouds.yaml), or use an administrator's credentials"));
            };
            if let Some(other) = given.iter().find(|given| *given != id && *given != name) {
                return Err(Failure::refused(format!(
                    "--project {other} is out of reach: the token is for {}, and {} is no administrator",
                    self.token_scope(),
                    identity.user_name
                )));
            }
            scope.projects = Some(BTreeSet::from([Arc::from(id.as_str())]));
        } else if !given.is_empty() {
            let mut projects = BTreeSet::new();
            for given in given {
                projects.insert(self.project_id(given).await?);
            }
            scope.projects = Some(projects);
        }
        for protected in &config.protect.projects {
            scope
                .protected_projects
                .insert(self.project_id(protected).await?);
        }
        let blocked = self.session.projects_called(&config.guard.blocked_words);
        let blocked = blocked.await?.into_iter().map(Arc::from);
        scope.protected_projects.extend(blocked);
        Ok(scope)
    }

    /// The id of a project that was given by name or id.
    async fn project_id(&self, given: &str) -> Result<Arc<str>, Failure> {
        let id = self.session.project_id(given).await?;
        Ok(Arc::from(id))
    }

    /// What the catalog offers and nobody looks at, for these rules: services, and kinds that the configuration leaves to no rule.
    pub(super) fn unlooked(
        &self,
        components: &[Arc<Component>],
        words: BTreeSet<String>,
    ) -> Result<Vec<Unlooked>, Failure> {
        let left_out = self.left_out(components, &words);
        let is_kind = |word: &String| left_out.iter().any(|it| it.service == *word);
        let words = words.into_iter().filter(|word| !is_kind(word)).collect();
        let kinds = components.iter().flat_map(|component| component.kinds());
        let asked = kinds.map(|kind| kind.service.clone()).collect();
        let unlooked = self.session.unlooked(&asked, &words);
        let unlooked = unlooked.map_err(|error| Failure::input(&error))?;
        Ok(unlooked.into_iter().chain(left_out).collect())
    }

    /// The kinds that rules describe, that may be in projects, and that the configuration leaves to none of them.
    fn left_out(&self, components: &[Arc<Component>], words: &BTreeSet<String>) -> Vec<Unlooked> {
        let left = components.iter().flat_map(|component| component.kinds());
        let left: BTreeSet<&str> = left.map(|kind| &*kind.name).collect();
        let described = components.iter().flat_map(|component| {
            let rule = component.name();
            component.described().iter().map(move |kind| (rule, kind))
        });
        let may_be_in_projects = |kind: &Kind| {
            let is_apart = matches!(kind.reach, Reach::Cloud | Reach::UnderDeleted(_));
            !is_apart && !kind.effects.is_witness && self.session.has_service(&kind.service)
        };
        let missing = described.filter(|(_, kind)| !left.contains(&*kind.name));
        let missing = missing.filter(|(_, kind)| may_be_in_projects(kind));
        let unlooked = missing.map(|(rule, kind)| Unlooked {
            service: kind.name.to_string(),
            region: None,
            interface: None,
            why: format!("[rules.{rule}] in the configuration leaves it to no rule"),
            is_failure: false,
            by_word: words.contains(&*kind.name) || words.contains(&kind.service),
        });
        unlooked.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_token_is_told_by_both_clocks() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let told = |at: &str| end_of_session(at.parse().unwrap(), now);
        assert_eq!(
            told("2026-01-01T01:00:30Z"),
            "the token ends at 2026-01-01T01:00:30Z, in 60 min"
        );
        assert!(told("2025-12-31T23:00:00Z").contains("one of the two clocks is wrong"));
    }
}
