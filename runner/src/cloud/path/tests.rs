//! Tables and laws of joining, refusing and cutting back paths.

use proptest::prelude::*;

use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[test]
fn tricky_paths_are_refused() {
    for path in [
        "http://evil/",
        "//evil/x",
        "servers",
        "/a//b",
        "/a/../b",
        "/..",
        "/.",
        "/a/.",
        "/a/./b",
        "/a/..;/b",
        "/a\\b",
        "\\\\evil",
        "/a/%2e%2e/b",
        "/a/%2E./b",
        "/x%2ey",
        "/a%2fb",
        "/a%2Fb",
        "/a%5cb",
        "/a%5Cb",
        "/a%252fb",
        "/a/%252e%252e/b",
        "/a/%25252e%25252e",
        "/a%00b",
        "/a%0ab",
        "/a%7fb",
        "/a\nb",
        "/a b",
        "/a\tb",
        "/a#b",
        "/a?b#c",
        "/é",
        "/a?é",
        "/a%",
        "/a%4",
        "/a%zz",
        "/a?b%",
        "/a?b\\c",
        "/a?b c",
        "@evil/",
        ":80/x",
        "/a|b",
        "/a\"b",
        "/a<b",
        "/{id}",
        "/a%2525252541",
    ] {
        assert!(RelativePath::parse(path).is_err(), "{path:?} was accepted");
    }
    assert_eq!(
        RelativePath::parse(&format!("/{}", "a".repeat(9000))),
        Err(PathError::TooLong(9001))
    );
}

#[test]
fn ordinary_paths_are_accepted() {
    for path in [
        "",
        "?format=json",
        "/",
        "/servers",
        "/v2.0/ports?device_id=a&limit=10",
        "/a/b/",
        "/os-keypairs/a%20b%40c",
        "/c/name..with.dots",
        "/x?marker=/a/../b%2fc",
        "/x/100%25",
        "/x/caf%C3%A9",
        "/x?q=it's:(a,b)*;~!$+@=",
        "/.hidden",
        "/...",
        "/a%3fb%23c",
    ] {
        assert!(
            RelativePath::parse(path).is_ok(),
            "{path:?} was refused: {:?}",
            RelativePath::parse(path)
        );
    }
}

#[test]
fn names_may_hold_slashes_where_they_are_names() {
    let endpoint = url("http://h/v1/AUTH_p");
    for path in [
        "/c/a%2Fb",
        "/c/%2F",
        "/c/a%2F%2Fb%2F",
        "/c/http%3A%2F%2Fevil%2Fx%3Fa%3Db",
        "/c/a%2F..%2F.%2Fb",
        "/c/..%2Fb",
        "/c/a%2F..",
        "/c/.%2F",
        "/c/100%25%2Fa",
        "/c/caf%C3%A9%2Fa%20b",
        "/c/plain",
    ] {
        let parsed = RelativePath::parse_with_names(path).unwrap();
        let joined = join(&endpoint, parsed, Joining::Literal).unwrap();
        assert_eq!(joined.as_str(), format!("http://h/v1/AUTH_p{path}"));
        if path.contains("%2F") {
            assert!(RelativePath::parse(path).is_err(), "{path:?} was accepted");
        }
    }
}

#[test]
fn what_else_is_tricky_is_refused_in_names_too() {
    for path in [
        "//evil/x",
        "/c//b",
        "/c/../b",
        "/c/..",
        "/c/.",
        "/c/..;a%2Fb",
        "/c/a%2F..;b",
        "/c/a\\b",
        "/c/a%2Fb%5Cc",
        "/c/%2e%2e%2Fb",
        "/c/%2E%2E",
        "/c/a%2F%2e%2e",
        "/c/a%252Fb",
        "/c/a%2Fb%252Fc",
        "/c/a%2F%252e%252e%2Fb",
        "/c/a%2F%252525252Fb",
        "/c/a%2Fb%0A",
        "/c/a%2F%00",
        "/c/a%2Fb#x",
        "/c/a%2",
        "c/a%2Fb",
    ] {
        assert!(
            RelativePath::parse_with_names(path).is_err(),
            "{path:?} was accepted"
        );
    }
}

/// Endpoint, path, and the URL they make where versions are reconciled.
const VERSIONED: &[(&str, &str, &str)] = &[
    (
        "http://h:9696",
        "/v2.0/ports?a=b",
        "http://h:9696/v2.0/ports?a=b",
    ),
    ("http://h:9696/", "/v2.0/ports", "http://h:9696/v2.0/ports"),
    (
        "http://h/networking/v2.0/",
        "/v2.0/ports",
        "http://h/networking/v2.0/ports",
    ),
    (
        "http://h/compute/v2.1",
        "/servers/detail",
        "http://h/compute/v2.1/servers/detail",
    ),
    (
        "http://h/compute/v2.1",
        "/v2.1/servers",
        "http://h/compute/v2.1/servers",
    ),
    (
        "http://h:8776/v3/p1",
        "/volumes/detail",
        "http://h:8776/v3/p1/volumes/detail",
    ),
    (
        "http://h:8776/v3/p1",
        "/v3/volumes",
        "http://h:8776/v3/p1/volumes",
    ),
    ("http://h:9292", "/v2/images", "http://h:9292/v2/images"),
    ("http://h:9292/v2/", "/v2/images", "http://h:9292/v2/images"),
    (
        "http://h/lb/v2.0",
        "/v2/lbaas/pools",
        "http://h/lb/v2.0/lbaas/pools",
    ),
    (
        "http://h:8778",
        "/resource_providers",
        "http://h:8778/resource_providers",
    ),
    ("http://h", "", "http://h/"),
];

/// The same where the path's version wins.
const PATH_VERSION_WINS: &[(&str, &str, &str)] = &[
    ("http://h:5000/v3", "/v3/users", "http://h:5000/v3/users"),
    (
        "http://h/identity",
        "/v3/users",
        "http://h/identity/v3/users",
    ),
    (
        "http://h/identity/v2.0",
        "/v3/users",
        "http://h/identity/v3/users",
    ),
];

/// The same where nothing is read into a segment.
const LITERAL: &[(&str, &str, &str)] = &[
    ("http://h/v1/AUTH_p", "/v1", "http://h/v1/AUTH_p/v1"),
    (
        "http://h/v1/AUTH_p",
        "/v1/object",
        "http://h/v1/AUTH_p/v1/object",
    ),
    (
        "http://h/v1/AUTH_p",
        "?format=json",
        "http://h/v1/AUTH_p?format=json",
    ),
];

#[test]
fn versions_are_reconciled() {
    for (joining, table) in [
        (Joining::Versioned, VERSIONED),
        (Joining::PathVersionWins, PATH_VERSION_WINS),
        (Joining::Literal, LITERAL),
    ] {
        for (endpoint, path, expected) in table {
            let joined = join(&url(endpoint), RelativePath::parse(path).unwrap(), joining);
            assert_eq!(
                joined.map(String::from).as_deref(),
                Ok(*expected),
                "{endpoint} + {path}"
            );
        }
    }
}

#[test]
fn another_version_is_refused() {
    for (endpoint, path) in [
        ("http://h/v2.1", "/v3/x"),
        ("http://h/v2.1", "/v2/x"),
        ("http://h/v1/p", "/v2/x"),
    ] {
        let joined = join(
            &url(endpoint),
            RelativePath::parse(path).unwrap(),
            Joining::Versioned,
        );
        assert!(
            matches!(joined, Err(PathError::Version { .. })),
            "{endpoint} + {path}: {joined:?}"
        );
    }
}

#[test]
fn links_are_cut_back_to_paths() {
    for (endpoint, link, expected) in [
        (
            "http://h:8774/v2.1",
            "http://h:8774/v2.1/servers?marker=x",
            "/servers?marker=x",
        ),
        (
            "http://h:9696",
            "http://h:9696/v2.0/ports?marker=x",
            "/v2.0/ports?marker=x",
        ),
        (
            "http://h:8776/v3/p",
            "http://h:8776/v3/p/volumes?marker=x",
            "/volumes?marker=x",
        ),
        (
            "http://h:9292",
            "/v2/images?marker=x",
            "/v2/images?marker=x",
        ),
        (
            "https://h/image",
            "/v2/images?marker=x",
            "/v2/images?marker=x",
        ),
        (
            "https://h/image/v2",
            "/v2/images?marker=x",
            "/v2/images?marker=x",
        ),
        (
            "https://h/image",
            "/image/v2/images?marker=x",
            "/v2/images?marker=x",
        ),
        ("https://h/x", "https://h:443/x/y", "/y"),
        ("https://H/x", "https://h/x", ""),
    ] {
        assert_eq!(
            relative(&url(endpoint), link, Joining::Versioned).as_deref(),
            Ok(expected),
            "{link}"
        );
    }
}

#[test]
fn foreign_links_are_refused() {
    for (endpoint, link) in [
        ("http://h:8774/v2.1", "http://evil:8774/v2.1/servers"),
        ("http://h:8774/v2.1", "https://h:8774/v2.1/servers"),
        ("http://h:8774/v2.1", "http://h:8775/v2.1/servers"),
        ("http://h:8774/v2.1", "http://h:8774@evil/v2.1/servers"),
        ("http://h:8774/v2.1", "http://u:p@h:8774/v2.1/servers"),
        ("http://h:8774/v2.1", "http://h:8774\\evil/v2.1/servers"),
        ("http://h:8774/v2.1", "http://h:8774\0/v2.1/servers"),
        ("http://h:8774/v2.1", "http://h:87\t74/v2.1/servers"),
        ("http://h:8774/v2.1", "http://h:8774/v2.10/servers"),
        ("http://h:8774/v2.1", "http://h:8774/v2.1/../admin"),
        ("http://h:8774/v2.1", "http://h:8774/v2.1/%2e%2e/admin"),
        ("http://h:8774/v2.1", "http://h:8774/admin"),
        ("http://h:8774/v2.1", "/admin"),
        ("http://h:8776/v3/p", "/v3/other/volumes"),
        ("http://h:8776/v3/p", "http://h:8776/v3/other/volumes"),
        ("http://h/v3", "http://h/v3/v3/users"),
        ("http://h/x", "//evil/x/y"),
        ("http://h/x", "?marker=1"),
        ("http://h/x", "y?marker=1"),
        ("http://h/x", "file:///x/y"),
        ("http://h/x", "javascript://h/x/y"),
        ("http://h/x", "http://h/x/y#z"),
    ] {
        let cut = relative(&url(endpoint), link, Joining::Versioned);
        assert!(cut.is_err(), "{link} at {endpoint} became {cut:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_accepted_stays_below_the_endpoint(raw in "[/a-c.%25eEfF;?#@:\\\\ v13é-]{0,24}", which in 0usize..4) {
        let endpoint = url(["http://h:1", "http://h:1/v3", "http://h:1/v3/p", "http://h:1/x/"][which]);
        let base = endpoint.path().trim_end_matches('/').to_owned();
        if let Ok(path) = RelativePath::parse(&raw)
            && let Ok(joined) = join(&endpoint, path, Joining::Versioned)
        {
            prop_assert_eq!(joined.origin(), endpoint.origin());
            let below = format!("{base}/");
            prop_assert!(joined.path() == base || joined.path().starts_with(&below));
            prop_assert_eq!(joined.username(), "");
        }
    }

    #[test]
    fn whatever_link_is_accepted_leads_where_it_said(raw in "(http://h:1)?[/a-c.%25v13p?=-]{0,24}", which in 0usize..3) {
        let endpoint = url(["http://h:1", "http://h:1/v3", "http://h:1/v3/p"][which]);
        if raw.starts_with("http")
            && let Ok(cut) = relative(&endpoint, &raw, Joining::Versioned)
        {
            let joined = join(&endpoint, RelativePath::parse(&cut).unwrap(), Joining::Versioned).unwrap();
            prop_assert_eq!(joined, url(&raw));
        }
    }
}
