//! Where a service's requests go: the catalog's word, the configuration's, and the version that the endpoint lacks.
//!
//! The invariant: what the configuration says of a service's endpoint counts before what the catalog says.

use url::Url;

use crate::cloud::catalog::{self, ServiceSummary, Unversioned, canonical};
use crate::cloud::http::{Again, Outgoing};
use crate::cloud::path::{self, Joining, RelativePath};
use crate::cloud::{CloudConfig, Context, Error, ErrorKind, Identity, Method, Request, headers};

use super::{Session, cell};

/// Where a service's requests go.
pub(super) struct Destination {
    pub(super) summary: ServiceSummary,
    pub(super) joining: Joining,
    pub(super) is_plain: bool,
}

impl Session {
    pub(super) fn destination(&self, service: &str) -> Result<Destination, Error> {
        let config = &self.shared.config;
        if let Some(plain) = config.plain_services.get(service) {
            let summary = ServiceSummary {
                service_type: service.to_owned(),
                name: service.to_owned(),
                region: None,
                url: plain.url.clone(),
            };
            return Ok(Destination {
                summary,
                joining: Joining::Literal,
                is_plain: true,
            });
        }
        let joining = catalog::joining(service);
        let found = |url: Url, summary: Option<ServiceSummary>| {
            let (name, region) =
                summary.map_or_else(|| (String::new(), None), |known| (known.name, known.region));
            let summary = ServiceSummary {
                service_type: canonical(service).to_owned(),
                name,
                region,
                url,
            };
            Destination {
                summary,
                joining,
                is_plain: false,
            }
        };
        let listed = self.listed(service);
        let replaced = config
            .endpoint_overrides
            .iter()
            .find(|(name, _)| canonical(name) == canonical(service));
        if let Some((_, url)) = replaced {
            return Ok(found(self.filled_in(url)?, listed.ok()));
        }
        match (listed, &config.keystone) {
            (Ok(summary), _) => Ok(found(summary.url.clone(), Some(summary))),
            // Keystone is often listed under one region only; where it is, we know.
            (Err(_), Some(keystone)) if canonical(service) == "identity" => {
                Ok(found(keystone.auth_url.clone(), None))
            }
            (Err(error), _) => Err(error),
        }
    }

    fn listed(&self, service: &str) -> Result<ServiceSummary, Error> {
        let CloudConfig {
            region, interfaces, ..
        } = &self.shared.config;
        let account = self.account.as_ref().ok_or_else(|| {
            let known: Vec<&str> = self
                .shared
                .config
                .plain_services
                .keys()
                .map(String::as_str)
                .collect();
            let message = format!(
                "no service `{service}` is configured; there are {}",
                known.join(", ")
            );
            Error::new(ErrorKind::NoService, message)
        })?;
        let found = account
            .current()
            .catalog
            .find(service, region.as_deref(), interfaces);
        found.map_err(|unfound| Error::new(ErrorKind::NoService, unfound.to_string()))
    }

    /// Fills the project into an endpoint override; `Url` has encoded nothing of the placeholder.
    fn filled_in(&self, url: &Url) -> Result<Url, Error> {
        const PLACEHOLDERS: [&str; 4] = [
            "%(project_id)s",
            "%(tenant_id)s",
            "$(project_id)s",
            "$(tenant_id)s",
        ];
        let text = url.as_str();
        if !PLACEHOLDERS
            .iter()
            .any(|placeholder| text.contains(placeholder))
        {
            return Ok(url.clone());
        }
        let invalid = |why: &str| {
            Error::new(
                ErrorKind::Invalid,
                format!("endpoint override `{url}` {why}"),
            )
        };
        let identity = self.identity();
        let project = identity.as_ref().and_then(Identity::project_id);
        let project = project.ok_or_else(|| invalid("needs a project, and the token has none"))?;
        let filled = PLACEHOLDERS
            .iter()
            .fold(text.to_owned(), |text, placeholder| {
                text.replace(placeholder, project)
            });
        Url::parse(&filled).map_err(|_| invalid("is no URL once the project is filled in"))
    }

    /// The endpoint with the version that a path without one needs.
    pub(super) async fn versioned(
        &self,
        summary: &ServiceSummary,
        path: RelativePath<'_>,
    ) -> Result<Url, Error> {
        let endpoint = &summary.url;
        let wanted = match catalog::unversioned(&summary.service_type) {
            Some(wanted) if !path::has_version(endpoint) && !path.has_version() => wanted,
            Some(_) | None => return Ok(endpoint.clone()),
        };
        let cell = cell(&self.shared.versions, endpoint.as_str());
        let version = cell
            .get_or_try_init(|| self.discover(summary, wanted))
            .await?;
        let mut text = format!("{}/{version}", endpoint.path().trim_end_matches('/'));
        if let Some(project) = self.identity().as_ref().and_then(Identity::project_id)
            && wanted.with_project
        {
            text = format!("{text}/{project}");
        }
        let mut url = endpoint.clone();
        url.set_path(&text);
        Ok(url)
    }

    async fn discover(
        &self,
        summary: &ServiceSummary,
        wanted: Unversioned,
    ) -> Result<String, Error> {
        let service = &summary.service_type;
        let context = Context {
            service: service.clone(),
            method: Method::Get,
            path: "/".to_owned(),
        };
        let mut url = summary.url.clone();
        url.set_path(&format!("{}/", url.path().trim_end_matches('/')));
        // Version documents are public, so no token goes along.
        let request = Request::new(service.clone(), Method::Get, "/");
        let headers = headers::for_request(&request, false)?;
        let outgoing = Outgoing {
            context: &context,
            url: &url,
            headers,
            body: None,
            again: Again::Nothing,
        };
        let answer = self
            .shared
            .wire
            .deliver(&outgoing, &self.lane(service))
            .await?;
        let document = String::from_utf8_lossy(&answer.body);
        catalog::choose_version(&document, wanted.major).ok_or_else(|| {
            let message = format!(
                "the endpoint {} names no version, and its version document (status {}) offers no v{}: \
                 set an endpoint override with the version for `{service}`",
                summary.url, answer.status, wanted.major
            );
            Error::new(ErrorKind::Malformed, message).during(&context)
        })
    }
}
