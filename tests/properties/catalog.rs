//! The endpoint that is found is one that the catalog lists for this service, in the region and interface asked for, and nothing
//! was chosen that nobody chose.

use std::str::FromStr;

use arbitrary::{Arbitrary, Result, Unstructured};
use runner::cloud::catalog::{Catalog, CatalogEntry, choose_version};
use runner::cloud::{Interface, official_service_type};
use serde_json::{Value, json};
use url::Url;

use super::draw;

const TYPES: &[&str] = &[
    "compute",
    "volumev3",
    "volume",
    "block-storage",
    "volumev2",
    "git",
    "network",
];
const INTERFACES: &[&str] = &[
    "public",
    "internal",
    "admin",
    "publicURL",
    "adminURL",
    "PUBLIC",
    "",
];
const REGIONS: &[&str] = &["A", "B", "a"];
const URLS: &[&str] = &[
    "http://a/v3",
    "https://b:1/%20x/",
    "ftp://c/",
    "http://u@d/",
    "http://:secret@d/",
    "http://e/?x=1",
    "http://f/#x",
    "",
    "/g",
    "http://[::1]/",
    "HTTP://I/",
];
const WORDS: &[&str] = &[
    "{", "}", "[", "]", ",", ":", "null", "\"url\"", "\"x\"", "1", "v2.1", "/",
];
const VERSIONS: &[&str] = &[
    r#"{"versions":[{"id":"v2.0","status":"DEPRECATED","links":[{"rel":"self","href":"http://wrong/v2/"}]},{"id":"v2.1","status":"CURRENT","links":[{"rel":"self","href":"http://wrong/compute/v2.1/"}]}]}"#,
    r#"{"versions":[{"id":"v3.0","links":[{"rel":"self","href":"http://wrong/../v3/"}]},{"id":"v3.70"}]}"#,
];

/// A catalog, and a question to it.
#[derive(Debug)]
pub struct Case {
    catalog: Value,
    service: String,
    region: Option<String>,
    interfaces: Vec<Interface>,
    versions: String,
    major: u32,
}

fn endpoint(bytes: &mut Unstructured<'_>) -> Result<Value> {
    let mut endpoint = json!({"interface": bytes.choose(INTERFACES)?, "url": bytes.choose(URLS)?});
    for name in ["region", "region_id"] {
        if let Some(region) = draw::perhaps(bytes, REGIONS)? {
            endpoint[name] = region.into();
        }
    }
    Ok(endpoint)
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let entries = 0..bytes.int_in_range(0..=4)?;
        let entries = entries.map(|_: u8| {
            let endpoints = 0..bytes.int_in_range(0..=3)?;
            let endpoints = endpoints.map(|_: u8| endpoint(bytes));
            let endpoints = endpoints.collect::<Result<Vec<_>>>()?;
            Ok(json!({"type": bytes.choose(TYPES)?, "name": draw::perhaps(bytes, &["nova"])?, "endpoints": endpoints}))
        });
        let catalog = entries.collect::<Result<Vec<_>>>()?.into();
        let all = [Interface::Public, Interface::Internal, Interface::Admin];
        let interfaces = 0..=bytes.int_in_range(0..=1)?;
        Ok(Self {
            catalog,
            service: (*bytes.choose(TYPES)?).to_owned(),
            region: draw::perhaps(bytes, REGIONS)?,
            interfaces: interfaces
                .map(|_: u8| bytes.choose(&all).copied())
                .collect::<Result<_>>()?,
            versions: draw::document(bytes, VERSIONS, WORDS)?,
            major: bytes.int_in_range(1..=3)?,
        })
    }
}

/// A listed endpoint: service type, interface, region, address.
type Listed = (String, Option<Interface>, Option<String>, Option<Url>);

fn listed(catalog: &Value) -> Vec<Listed> {
    let entries = catalog.as_array().into_iter().flatten();
    let rows = entries.flat_map(|entry| {
        let endpoints = entry["endpoints"].as_array().into_iter().flatten();
        endpoints.map(|at| {
            let text = |name: &str| at[name].as_str().map(str::to_owned);
            let interface = text("interface").and_then(|it| Interface::from_str(&it).ok());
            let url = text("url").and_then(|it| Url::parse(&it).ok());
            let service = entry["type"].as_str().unwrap_or_default().to_owned();
            (
                service,
                interface,
                text("region_id").or(text("region")),
                url,
            )
        })
    });
    rows.collect()
}

pub fn holds(case: Case) {
    if let Some(version) = choose_version(&case.versions, case.major) {
        let number = version.strip_prefix('v').expect("a version");
        assert!(
            number.bytes().all(|it| it == b'.' || it.is_ascii_digit()),
            "{version}"
        );
        let major = number.split('.').next().and_then(|it| it.parse().ok());
        assert_eq!(major, Some(case.major), "{version}");
    }
    let entries: Vec<CatalogEntry> =
        serde_json::from_value(case.catalog.clone()).expect("a catalog");
    let Ok(found) =
        Catalog::new(entries).find(&case.service, case.region.as_deref(), &case.interfaces)
    else {
        return;
    };
    assert!(matches!(found.url.scheme(), "http" | "https"));
    assert_eq!(
        (found.url.username(), found.url.password()),
        ("", None),
        "a stranger's login"
    );
    assert_eq!((found.url.query(), found.url.fragment()), (None, None));
    assert!(case.region.is_none() || found.region == case.region);
    let official = |it: &str| official_service_type(it).map_or(it.to_owned(), str::to_owned);
    assert_eq!(found.service_type, official(&case.service));
    let listed = listed(&case.catalog);
    let offers = listed.iter().filter(|(service, _, region, url)| {
        official(service) == found.service_type
            && *region == found.region
            && url.as_ref() == Some(&found.url)
    });
    let offer = offers
        .clone()
        .find(|(_, interface, ..)| interface.is_some_and(|it| case.interfaces.contains(&it)));
    let (service, interface, ..) = offer.expect("an endpoint that is listed");
    if case.region.is_none() && offers.count() == 1 {
        let usable = |url: &Option<Url>| {
            url.as_ref().is_some_and(|it| {
                it.scheme().starts_with("http")
                    && it.username().is_empty()
                    && it.password().is_none()
                    && it.query().is_none()
                    && it.fragment().is_none()
            })
        };
        for (other, at, region, url) in &listed {
            let is_choice = other == service && at == interface && usable(url);
            assert!(
                !is_choice || *region == found.region,
                "{region:?} would have done as well as {:?}",
                found.region
            );
        }
    }
}
