//! The service catalog: service types and their aliases, and which endpoint a request goes to.
//!
//! Pure; the catalog comes out of a token that `auth` read. The invariant: when the catalog leaves
//! a choice that nobody made (several regions, none named), nothing is chosen.

use std::collections::BTreeSet;

use serde::Deserialize;
use url::Url;

use super::Interface;
use super::path::{self, Joining};

/// Official service types and the other names that catalogs give them, best first
/// (the service-types authority, and for `metric` custom).
const SERVICE_TYPES: &[(&str, &[&str])] = &[
    ("accelerator", &[]),
    ("admin-logic", &["registration"]),
    ("alarm", &["alarming"]),
    ("application-catalog", &[]),
    ("application-container", &["container"]),
    ("backup", &[]),
    ("baremetal", &["bare-metal"]),
    ("baremetal-introspection", &[]),
    (
        "block-storage",
        &["volumev3", "volumev2", "volume", "block-store"],
    ),
    ("clustering", &["resource-cluster", "cluster"]),
    ("compute", &[]),
    (
        "container-infrastructure-management",
        &["container-infrastructure", "container-infra"],
    ),
    ("data-processing", &[]),
    ("database", &[]),
    ("dns", &[]),
    ("event", &["events"]),
    ("identity", &["identityv3"]),
    ("image", &[]),
    ("instance-ha", &["ha"]),
    ("key-manager", &[]),
    ("load-balancer", &[]),
    ("message", &["messaging"]),
    ("meter", &["metering", "telemetry"]),
    ("metric", &["metrics"]),
    ("monitoring", &[]),
    ("network", &[]),
    ("nfv-orchestration", &[]),
    ("object-store", &[]),
    ("operator-policy", &["policy"]),
    ("orchestration", &[]),
    ("placement", &[]),
    ("rating", &[]),
    ("reservation", &[]),
    ("resource-optimization", &["infra-optim"]),
    ("root-cause-analysis", &["rca"]),
    ("search", &[]),
    ("shared-file-system", &["sharev2", "share"]),
    ("workflow", &["workflowv2"]),
];

/// The official type for a service type or one of its aliases; `None` for a word nobody knows.
///
/// ```
/// use runner::cloud::official_service_type;
/// assert_eq!(official_service_type("volumev3"), Some("block-storage"));
/// assert_eq!(official_service_type("git"), None);
/// ```
pub fn official_service_type(service: &str) -> Option<&'static str> {
    row(service).map(|(official, _)| *official)
}

fn row(service: &str) -> Option<&'static (&'static str, &'static [&'static str])> {
    SERVICE_TYPES
        .iter()
        .find(|(official, aliases)| *official == service || aliases.contains(&service))
}

/// Official type where there is one, else the word itself: two services are the same if this is.
pub(crate) fn canonical(service: &str) -> &str {
    official_service_type(service).unwrap_or(service)
}

/// How a service's paths are joined to its endpoint.
pub(crate) fn joining(service: &str) -> Joining {
    match canonical(service) {
        "object-store" => Joining::Literal,
        "identity" => Joining::PathVersionWins,
        _ => Joining::Versioned,
    }
}

/// What a service's unversioned endpoint lacks before a path without a version makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unversioned {
    /// Major version to look for in the version document.
    pub(crate) major: u32,
    /// Whether the project's id follows the version.
    pub(crate) with_project: bool,
}

/// Services whose rules write paths without a version, as their API references do.
pub(crate) fn unversioned(service: &str) -> Option<Unversioned> {
    match canonical(service) {
        "compute" => Some(Unversioned {
            major: 2,
            with_project: false,
        }),
        "block-storage" => Some(Unversioned {
            major: 3,
            with_project: true,
        }),
        "shared-file-system" => Some(Unversioned {
            major: 2,
            with_project: false,
        }),
        "orchestration" => Some(Unversioned {
            major: 1,
            with_project: true,
        }),
        _ => None,
    }
}

/// Reads a version document and picks the path segment of a major version: the highest minor that
/// is not marked deprecated, else the highest.
///
/// The segment is taken from the entry's own link (`http://cloud/v2.1/` gives `v2.1`), because an
/// entry may be called `v3.0` and live at `/v3`; the link's host is often wrong and never used.
pub fn choose_version(document: &str, major: u32) -> Option<String> {
    #[derive(Deserialize)]
    struct Document {
        versions: Vec<Version>,
    }
    #[derive(Deserialize)]
    struct Version {
        id: String,
        #[serde(default)]
        status: String,
        #[serde(default)]
        links: Vec<Link>,
    }
    #[derive(Deserialize)]
    struct Link {
        rel: String,
        href: String,
    }
    let document: Document = serde_json::from_str(document).ok()?;
    let offered = document.versions.into_iter().filter_map(|offer| {
        let number = path::version(&offer.id).filter(|(found, _)| *found == major)?;
        let own = offer.links.iter().find(|link| link.rel == "self");
        let linked = own
            .and_then(|link| link.href.trim_end_matches('/').rsplit('/').next())
            .filter(|segment| path::version(segment).is_some_and(|(found, _)| found == major));
        let is_current = !offer.status.eq_ignore_ascii_case("deprecated");
        Some(((is_current, number), linked.unwrap_or(&offer.id).to_owned()))
    });
    offered.max().map(|(_, segment)| segment)
}

/// One service as the session sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSummary {
    /// Official service type, or the name of a plain service.
    pub service_type: String,
    /// The service's own name in the catalog, such as `nova`.
    pub name: String,
    /// Region of the endpoint, if it has one.
    pub region: Option<String>,
    /// Where requests go.
    pub url: Url,
}

/// Why the catalog gives no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfound {
    /// No entry for the service.
    #[error("{0}")]
    Absent(String),
    /// Entries, but none in the region and interface asked for.
    #[error("{0}")]
    Elsewhere(String),
    /// Several regions, and none was named.
    #[error("{0}")]
    Ambiguous(String),
}

/// The catalog of one token.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    service_type: String,
    name: String,
    endpoints: Vec<Endpoint>,
}

#[derive(Debug, Clone)]
struct Endpoint {
    interface: Interface,
    region: Option<String>,
    url: Url,
}

/// The `catalog` list of a token body.
#[derive(Debug, Deserialize)]
pub struct CatalogEntry {
    #[serde(rename = "type")]
    service_type: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    endpoints: Vec<CatalogEndpoint>,
}

#[derive(Debug, Deserialize)]
struct CatalogEndpoint {
    interface: String,
    #[serde(default)]
    region_id: Option<String>,
    #[serde(default)]
    region: Option<String>,
    url: String,
}

impl Catalog {
    /// Takes the endpoints that could ever be used; others (no URL, another protocol) are left out.
    pub fn new(raw: Vec<CatalogEntry>) -> Self {
        let entries = raw.into_iter().map(|entry| Entry {
            service_type: entry.service_type,
            name: entry.name.unwrap_or_default(),
            endpoints: entry
                .endpoints
                .into_iter()
                .filter_map(Endpoint::read)
                .collect(),
        });
        Self {
            entries: entries.collect(),
        }
    }

    /// Finds the endpoint for a service type, as the configuration wants it.
    ///
    /// # Errors
    /// [`Unfound`], which says what the catalog has instead.
    pub fn find(
        &self,
        service: &str,
        region: Option<&str>,
        interfaces: &[Interface],
    ) -> Result<ServiceSummary, Unfound> {
        let entries = self.entries_of(service);
        if entries.is_empty() {
            return Err(Unfound::Absent(self.absent(service)));
        }
        for wanted in interfaces {
            // Some clouds have an entry of the same type for each region.
            for same in entries.chunk_by(|one, other| one.service_type == other.service_type) {
                let fits = |(_, at): &(&Entry, &Endpoint)| {
                    at.interface == *wanted
                        && region.is_none_or(|region| at.region.as_deref() == Some(region))
                };
                let offers = same.iter().flat_map(|entry| entry.offers());
                let found: Vec<(&Entry, &Endpoint)> = offers.filter(fits).collect();
                let Some((entry, first)) = found.first() else {
                    continue;
                };
                if found.iter().any(|(_, at)| at.region != first.region) {
                    return Err(Unfound::Ambiguous(several_regions(service, &found)));
                }
                return Ok(entry.summary(first));
            }
        }
        let subject = format!("service `{service}` has no");
        Err(Unfound::Elsewhere(elsewhere(
            &subject, region, interfaces, &entries,
        )))
    }

    /// Refuses a choice of region and interfaces under which services would silently be missing:
    /// one that fits nothing at all, or none where one is needed.
    pub(crate) fn check(
        &self,
        region: Option<&str>,
        interfaces: &[Interface],
    ) -> Result<(), Unfound> {
        let mut fits_nothing = !self.entries.is_empty();
        for service in self.types() {
            match self.find(service, region, interfaces) {
                Err(Unfound::Ambiguous(text)) => return Err(Unfound::Ambiguous(text)),
                found => fits_nothing &= found.is_err(),
            }
        }
        if fits_nothing {
            let entries: Vec<&Entry> = self.entries.iter().collect();
            return Err(Unfound::Elsewhere(elsewhere(
                "no service of the catalog has a",
                region,
                interfaces,
                &entries,
            )));
        }
        Ok(())
    }

    fn types(&self) -> BTreeSet<&str> {
        self.entries
            .iter()
            .map(|entry| canonical(&entry.service_type))
            .collect()
    }

    /// Every service that [`find`](Self::find) finds, in order of their types.
    pub(crate) fn summaries(
        &self,
        region: Option<&str>,
        interfaces: &[Interface],
    ) -> Vec<ServiceSummary> {
        self.types()
            .into_iter()
            .filter_map(|service| self.find(service, region, interfaces).ok())
            .collect()
    }

    /// Entries for a service: the exact word first, then the official type, then its aliases in order.
    fn entries_of(&self, service: &str) -> Vec<&Entry> {
        let mut words = vec![service];
        if let Some((official, aliases)) = row(service) {
            words.push(official);
            words.extend(aliases.iter());
        }
        let mut entries: Vec<&Entry> = Vec::new();
        for word in words {
            for entry in self
                .entries
                .iter()
                .filter(|entry| entry.service_type == word)
            {
                if !entries.iter().any(|known| std::ptr::eq(*known, entry)) {
                    entries.push(entry);
                }
            }
        }
        entries
    }

    fn absent(&self, service: &str) -> String {
        if self.entries.is_empty() {
            return format!(
                "no service `{service}`: the token carries no catalog, as tokens without a project do; \
                 name a project, a domain or the system scope"
            );
        }
        let known: Vec<&str> = self.types().into_iter().collect();
        format!(
            "the catalog has no service `{service}`; it has {}",
            known.join(", ")
        )
    }
}

impl Entry {
    fn offers(&self) -> impl Iterator<Item = (&Self, &Endpoint)> {
        self.endpoints.iter().map(move |at| (self, at))
    }

    fn summary(&self, endpoint: &Endpoint) -> ServiceSummary {
        ServiceSummary {
            service_type: canonical(&self.service_type).to_owned(),
            name: self.name.clone(),
            region: endpoint.region.clone(),
            url: endpoint.url.clone(),
        }
    }
}

impl Endpoint {
    fn read(raw: CatalogEndpoint) -> Option<Self> {
        let url = Url::parse(&raw.url).ok()?;
        let is_plain_http = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        let interface = raw.interface.parse().ok()?;
        is_plain_http.then(|| Self {
            interface,
            region: raw.region_id.or(raw.region),
            url,
        })
    }
}

fn several_regions(service: &str, found: &[(&Entry, &Endpoint)]) -> String {
    let regions = found.iter().filter_map(|(_, at)| at.region.as_deref());
    let regions: BTreeSet<&str> = regions.collect();
    let regions: Vec<&str> = regions.into_iter().collect();
    format!(
        "service `{service}` is offered in several regions ({}): choose one with --os-region-name, \
         OS_REGION_NAME or `region_name` in clouds.yaml",
        regions.join(", ")
    )
}

fn elsewhere(
    subject: &str,
    region: Option<&str>,
    interfaces: &[Interface],
    entries: &[&Entry],
) -> String {
    let offers: BTreeSet<String> = entries
        .iter()
        .flat_map(|entry| &entry.endpoints)
        .map(|at| {
            format!(
                "{} in {}",
                at.interface,
                at.region.as_deref().unwrap_or("no region")
            )
        })
        .collect();
    let offers: Vec<String> = offers.into_iter().collect();
    let wanted: Vec<&str> = interfaces
        .iter()
        .map(|interface| interface.as_str())
        .collect();
    let place = region.map_or_else(String::new, |region| format!(" in region `{region}`"));
    let offers = if offers.is_empty() {
        "no endpoint".to_owned()
    } else {
        offers.join(", ")
    };
    format!(
        "{subject} {} endpoint{place}; the catalog offers {offers}",
        wanted.join(" or ")
    )
}

#[cfg(test)]
mod tests;
