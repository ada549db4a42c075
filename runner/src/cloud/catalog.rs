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
pub(crate) fn choose_version(document: &str, major: u32) -> Option<String> {
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
pub(crate) enum Unfound {
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
pub(crate) struct Catalog {
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
pub(crate) struct CatalogEntry {
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
    pub(crate) fn new(raw: Vec<CatalogEntry>) -> Self {
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
    pub(crate) fn find(
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
            for entry in &entries {
                let fits = |at: &&Endpoint| {
                    at.interface == *wanted
                        && region.is_none_or(|region| at.region.as_deref() == Some(region))
                };
                let found: Vec<&Endpoint> = entry.endpoints.iter().filter(fits).collect();
                let Some(first) = found.first() else { continue };
                if found.iter().any(|at| at.region != first.region) {
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

fn several_regions(service: &str, found: &[&Endpoint]) -> String {
    let regions: BTreeSet<&str> = found.iter().filter_map(|at| at.region.as_deref()).collect();
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
mod tests {
    use super::*;

    fn catalog(rows: &[(&str, &str, &str, &str)]) -> Catalog {
        let raw = rows
            .iter()
            .map(|(service_type, interface, region, url)| CatalogEntry {
                service_type: (*service_type).to_owned(),
                name: Some(format!("{service_type}-name")),
                endpoints: vec![CatalogEndpoint {
                    interface: (*interface).to_owned(),
                    region_id: Some((*region).to_owned()),
                    region: None,
                    url: (*url).to_owned(),
                }],
            });
        Catalog::new(raw.collect())
    }

    fn found(
        catalog: &Catalog,
        service: &str,
        region: Option<&str>,
        interfaces: &[Interface],
    ) -> Result<String, String> {
        let found = catalog.find(service, region, interfaces);
        found
            .map(|summary| summary.url.to_string())
            .map_err(|why| why.to_string())
    }

    #[test]
    fn the_table_has_no_word_twice() {
        let mut seen = BTreeSet::new();
        for (official, aliases) in SERVICE_TYPES {
            for word in std::iter::once(official).chain(aliases.iter()) {
                assert!(seen.insert(word), "{word} is in the table twice");
            }
        }
    }

    #[test]
    fn aliases_lead_to_the_same_service_best_first() {
        let catalog = catalog(&[
            ("volumev2", "public", "A", "http://h/v2/p"),
            ("volumev3", "public", "A", "http://h/v3/p"),
            ("sharev2", "public", "A", "http://h/share/v2"),
            ("infra-optim", "public", "A", "http://h/watcher"),
        ]);
        for (service, expected) in [
            ("block-storage", "http://h/v3/p"),
            ("volume", "http://h/v3/p"),
            ("volumev2", "http://h/v2/p"),
            ("shared-file-system", "http://h/share/v2"),
            ("resource-optimization", "http://h/watcher"),
        ] {
            assert_eq!(
                found(&catalog, service, Some("A"), &[Interface::Public]).as_deref(),
                Ok(expected),
                "{service}"
            );
        }
        assert_eq!(catalog.summaries(None, &[Interface::Public]).len(), 3);
    }

    #[test]
    fn interface_and_region_are_obeyed() {
        let catalog = catalog(&[
            ("compute", "public", "A", "http://a/"),
            ("compute", "internalURL", "A", "http://a-int/"),
            ("image", "public", "A", "http://img/"),
            ("image", "public", "A", "ftp://img/"),
        ]);
        let both = [Interface::Admin, Interface::Internal];
        assert_eq!(
            found(&catalog, "compute", Some("A"), &both).as_deref(),
            Ok("http://a-int/")
        );
        assert_eq!(
            found(&catalog, "image", None, &[Interface::Public]).as_deref(),
            Ok("http://img/")
        );
        let missing = found(&catalog, "compute", Some("B"), &[Interface::Public]).unwrap_err();
        assert!(
            missing.contains("region `B`") && missing.contains("public in A"),
            "{missing}"
        );
        let absent = found(&catalog, "dns", None, &[Interface::Public]).unwrap_err();
        assert!(
            absent.contains("`dns`") && absent.contains("compute, image"),
            "{absent}"
        );
        assert!(
            found(&Catalog::default(), "dns", None, &[Interface::Public])
                .unwrap_err()
                .contains("no catalog")
        );
    }

    #[test]
    fn a_region_nobody_named_is_not_guessed() {
        let raw = serde_json::json!([{ "type": "compute", "name": "nova", "endpoints": [
            { "interface": "public", "region_id": "A", "url": "http://a" },
            { "interface": "public", "region_id": "B", "url": "http://b" },
        ]}]);
        let catalog = Catalog::new(serde_json::from_value(raw).unwrap());
        let message = found(&catalog, "compute", None, &[Interface::Public]).unwrap_err();
        assert!(
            message.contains("A, B") && message.contains("--os-region-name"),
            "{message}"
        );
        assert_eq!(
            found(&catalog, "compute", Some("B"), &[Interface::Public]).as_deref(),
            Ok("http://b/")
        );
        assert!(matches!(
            catalog.check(None, &[Interface::Public]),
            Err(Unfound::Ambiguous(_))
        ));
        assert!(matches!(
            catalog.check(Some("C"), &[Interface::Public]),
            Err(Unfound::Elsewhere(_))
        ));
        assert!(matches!(
            catalog.check(Some("A"), &[Interface::Admin]),
            Err(Unfound::Elsewhere(_))
        ));
        assert_eq!(catalog.check(Some("A"), &[Interface::Public]), Ok(()));
        assert_eq!(Catalog::default().check(None, &[Interface::Public]), Ok(()));
    }

    #[test]
    fn a_version_is_taken_from_the_link() {
        let nova = r#"{"versions":[
            {"id":"v2.0","status":"DEPRECATED","links":[{"rel":"self","href":"http://wrong/v2/"}]},
            {"id":"v2.1","status":"CURRENT","links":[{"rel":"self","href":"http://wrong/compute/v2.1/"}]}]}"#;
        let cinder = r#"{"versions":[{"id":"v3.0","status":"CURRENT","links":[
            {"rel":"describedby","href":"http://docs"},{"rel":"self","href":"http://wrong/v3/"}]}]}"#;
        for (document, major, expected) in [
            (nova, 2, Some("v2.1")),
            (nova, 3, None),
            (cinder, 3, Some("v3")),
            (
                r#"{"versions":[{"id":"v1.0","links":[]}]}"#,
                1,
                Some("v1.0"),
            ),
            ("<html>", 1, None),
        ] {
            assert_eq!(choose_version(document, major).as_deref(), expected);
        }
    }
}
