//! The catalog, on what clouds write into it.

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
        ("image", "internal", "A", "http://:secret@img/"),
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
    assert!(found(&catalog, "image", None, &[Interface::Internal]).is_err());
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
    let rows = ["A", "B"].map(|region| ("compute", "public", region, "http://h"));
    let entry_for_each = self::catalog(&rows);
    assert!(found(&entry_for_each, "compute", None, &[Interface::Public]).is_err());
    assert!(found(&entry_for_each, "compute", Some("B"), &[Interface::Public]).is_ok());
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

#[test]
fn offers_are_all_that_the_catalog_says() {
    let raw = serde_json::json!([
        { "type": "volumev3", "name": "cinderv3", "endpoints": [] },
        { "type": "git", "name": "gitea" },
        { "type": "compute", "name": "nova", "endpoints": [
            { "interface": "public", "region_id": "A", "url": "http://a" },
            { "interface": "publicURL", "region_id": "A", "url": "http://again" },
            { "interface": "internal", "region": "B", "url": "http://b" },
            { "interface": "partner", "region_id": "C", "url": "http://c" },
            { "interface": "admin", "url": "ftp://d" },
        ]},
    ]);
    let catalog = Catalog::new(serde_json::from_value(raw).unwrap());
    let shown = catalog.offers().into_iter().map(|offer| {
        let Offer {
            service_type,
            name,
            region,
            interface,
        } = offer;
        let place = |it: Option<String>| it.unwrap_or_else(|| "-".to_owned());
        format!(
            "{service_type} {name} {} {}",
            place(region),
            place(interface)
        )
    });
    assert_eq!(
        shown.collect::<Vec<String>>(),
        [
            "block-storage cinderv3 - -",
            "compute nova - admin",
            "compute nova A public",
            "compute nova B internal",
            "compute nova C partner",
            "git gitea - -",
        ]
    );
}

#[test]
#[expect(
    clippy::too_many_lines,
    clippy::type_complexity,
    reason = "a table and its columns"
)]
fn of_two_versions_the_wanted_one_is_taken() {
    let (v2, v3, none) = ("http://h/v2/p", "http://h/v3/p", "http://h/volume");
    let official = "block-storage";
    let cases: &[(&str, &[(&str, &str)], &str, &str)] = &[
        (
            "older first",
            &[(official, v2), (official, v3)],
            official,
            v3,
        ),
        (
            "newer first",
            &[(official, v3), (official, v2)],
            official,
            v3,
        ),
        (
            "any other, if there is no better",
            &[(official, v2)],
            official,
            v2,
        ),
        (
            "one that can be asked is better",
            &[(official, v2), (official, none)],
            official,
            none,
        ),
        (
            "and the wanted one best",
            &[(official, none), (official, v3)],
            official,
            v3,
        ),
        (
            "an alias has it",
            &[(official, v2), ("volumev3", v3)],
            official,
            v3,
        ),
        (
            "asked for by the other's alias",
            &[(official, v2), ("volumev3", v3)],
            "volume",
            v3,
        ),
        (
            "the exact word is meant",
            &[("volumev3", v3), ("volumev2", v2)],
            "volumev2",
            v2,
        ),
        (
            "of minor versions the higher",
            &[("compute", "http://h/v2"), ("compute", "http://h/v2.1")],
            "compute",
            "http://h/v2.1",
        ),
        (
            "of versions that nobody wants the higher",
            &[("image", "http://h/v1"), ("image", "http://h/v2")],
            "image",
            "http://h/v2",
        ),
        (
            "of equals the first",
            &[("image", "http://a/"), ("image", "http://b/")],
            "image",
            "http://a/",
        ),
    ];
    for (case, listed, service, expected) in cases {
        let rows: Vec<_> = listed
            .iter()
            .map(|(kind, url)| (*kind, "public", "A", *url))
            .collect();
        let found = found(&catalog(&rows), service, Some("A"), &[Interface::Public]);
        assert_eq!(found.as_deref(), Ok(*expected), "{case}");
    }
    let two = catalog(&[(official, "public", "A", v2), (official, "public", "B", v3)]);
    assert!(
        matches!(
            two.find(official, None, &[Interface::Public]),
            Err(Unfound::Ambiguous(_))
        ),
        "a version chooses no region"
    );
    let apart = catalog(&[
        (official, "public", "A", v2),
        ("volumev3", "public", "B", v3),
    ]);
    assert_eq!(
        found(&apart, official, None, &[Interface::Public]).as_deref(),
        Ok(v2)
    );
}
