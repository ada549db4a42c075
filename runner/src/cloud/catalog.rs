//! The service catalog: service types and their aliases, and which endpoint a request goes to.
//!
//! Pure; the catalog comes out of a token that `auth` read. The invariant: when the catalog leaves
//! a choice that nobody made (several regions, none named), nothing is chosen.

use std::cmp::Reverse;
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

/// One place at which the catalog offers a service, whether or not it can be used from here; or a service that it
/// names without any place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offer {
    /// Official service type, or the catalog's own word where there is none.
    pub service_type: String,
    /// The service's own name in the catalog, such as `nova`.
    pub name: String,
    /// Region of the endpoint, if it has one.
    pub region: Option<String>,
    /// The endpoint's interface in the catalog's own word; `None` where the service has no endpoint at all.
    pub interface: Option<String>,
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
    /// Endpoints that are never used, for what their address or interface is.
    odd: Vec<Odd>,
}

#[derive(Debug, Clone)]
struct Endpoint {
    interface: Interface,
    region: Option<String>,
    url: Url,
}

#[derive(Debug, Clone)]
struct Odd {
    interface: String,
    region: Option<String>,
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
    /// Takes the endpoints that could ever be used; of others (no URL, another protocol) only that they are there.
    pub fn new(raw: Vec<CatalogEntry>) -> Self {
        Self {
            entries: raw.into_iter().map(Entry::read).collect(),
        }
    }

    /// Everything that the catalog offers, in order and each place once: what can be reached and what cannot.
    pub fn offers(&self) -> Vec<Offer> {
        let offers: BTreeSet<Offer> = self.entries.iter().flat_map(Entry::offered).collect();
        offers.into_iter().collect()
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
            if let Some((entry, endpoint)) = best(service, region, *wanted, &entries)? {
                return Ok(entry.summary(endpoint));
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

    /// The types of all entries for a service, as the catalog writes them.
    pub(super) fn types_of(&self, service: &str) -> Vec<String> {
        let entries = self.entries_of(service).into_iter();
        let mut types: Vec<String> = entries.map(|entry| entry.service_type.clone()).collect();
        types.dedup();
        types
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

/// The endpoint of one interface whose version suits best, of entries in their order. A version chooses no region.
fn best<'a>(
    service: &str,
    region: Option<&str>,
    wanted: Interface,
    entries: &[&'a Entry],
) -> Result<Option<(&'a Entry, &'a Endpoint)>, Unfound> {
    let fits = |(_, at): &(&Entry, &Endpoint)| {
        at.interface == wanted && region.is_none_or(|region| at.region.as_deref() == Some(region))
    };
    let rank = |(_, at): &(&Entry, &Endpoint)| Reverse(Fit::of(service, &at.url));
    let is_alias = official_service_type(service) != Some(service);
    let mut best: Option<(&Entry, &Endpoint)> = None;
    // Some clouds have an entry of the same type for each region.
    for same in entries.chunk_by(|one, other| one.service_type == other.service_type) {
        let offers = same.iter().flat_map(|entry| entry.offers());
        let found: Vec<(&Entry, &Endpoint)> = offers.filter(fits).collect();
        let Some((first, at)) = found.first() else {
            continue;
        };
        if found.iter().any(|(_, other)| other.region != at.region) {
            return Err(Unfound::Ambiguous(several_regions(service, &found)));
        }
        let is_exact = is_alias && first.service_type == service;
        if best.is_none_or(|(_, known)| known.region == at.region) {
            // Of equals the first.
            best = best.into_iter().chain(found).min_by_key(rank);
        }
        // Who asks for `volumev2` in so many words gets it.
        if is_exact {
            break;
        }
    }
    Ok(best)
}

/// How well an endpoint's version suits the paths of a service's rules; the greatest is best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// A version that nobody wants, or nobody wants in particular.
    Other(u32, u32),
    /// No version: paths bring theirs, or the service is asked.
    Unversioned,
    /// The wanted major version, with this minor.
    Wanted(u32),
}

impl Fit {
    fn of(service: &str, url: &Url) -> Self {
        let wanted = unversioned(service).map(|it| it.major);
        match path::last_version(url.path().trim_end_matches('/')) {
            None => Self::Unversioned,
            Some((_, (major, minor))) if Some(major) == wanted => Self::Wanted(minor),
            Some((_, (major, minor))) => Self::Other(major, minor),
        }
    }
}

impl Entry {
    fn read(raw: CatalogEntry) -> Self {
        let mut entry = Self {
            service_type: raw.service_type,
            name: raw.name.unwrap_or_default(),
            endpoints: Vec::new(),
            odd: Vec::new(),
        };
        for raw in raw.endpoints {
            match Endpoint::read(&raw) {
                Some(endpoint) => entry.endpoints.push(endpoint),
                None => entry.odd.push(Odd {
                    interface: raw.interface,
                    region: raw.region_id.or(raw.region),
                }),
            }
        }
        entry
    }

    fn offered(&self) -> Vec<Offer> {
        let offer = |region: Option<&str>, interface: Option<&str>| Offer {
            service_type: canonical(&self.service_type).to_owned(),
            name: self.name.clone(),
            region: region.map(str::to_owned),
            interface: interface.map(str::to_owned),
        };
        let usable = self.endpoints.iter();
        let usable = usable.map(|at| offer(at.region.as_deref(), Some(at.interface.as_str())));
        let odd = self.odd.iter();
        let odd = odd.map(|at| offer(at.region.as_deref(), Some(&at.interface)));
        let mut offers: Vec<Offer> = usable.chain(odd).collect();
        if offers.is_empty() {
            offers.push(offer(None, None));
        }
        offers
    }

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
    fn read(raw: &CatalogEndpoint) -> Option<Self> {
        let url = Url::parse(&raw.url).ok()?;
        let is_plain_http = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        let interface = raw.interface.parse().ok()?;
        is_plain_http.then(|| Self {
            interface,
            region: raw.region_id.as_ref().or(raw.region.as_ref()).cloned(),
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
