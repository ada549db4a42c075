//! A path that is accepted leads to a place below the endpoint, whoever reads it: the `url` crate, or a server that decodes once
//! too often.

use arbitrary::{Arbitrary, Result, Unstructured};
use percent_encoding::percent_decode_str;
use runner::cloud::path::{Joining, RelativePath, join};
use url::Url;

use super::draw;

pub const ENDPOINTS: &[&str] = &[
    "http://h:1",
    "http://h:1/v3/",
    "https://h/v3/p1",
    "http://h/identity/v2.0",
    "https://[::1]:8774/v2.1/",
    "https://h.example/a%20b/v1/AUTH_p",
];

const PIECES: &[&str] = &[
    "/", "/a", "/v3", "/v2.0", "/v2", "/p1", "b.c", "..", ".", "?", "?x=1", "&", "=", "%", "%2e",
    "%2E", "%2f", "%5c", "%25", "25", "%00", "%0a", "%c3%a9", "\\", "#", "@", ":", ";", "//", "h",
    "http:", " ", "~", "é", "\t", "{", "*", "+",
];

/// A request of a rule.
#[derive(Debug)]
pub struct Case {
    pub endpoint: Url,
    pub joining: Joining,
    path: String,
}

pub fn joining(bytes: &mut Unstructured<'_>) -> Result<Joining> {
    let all = [
        Joining::Literal,
        Joining::Versioned,
        Joining::PathVersionWins,
    ];
    bytes.choose(&all).copied()
}

pub fn endpoint(bytes: &mut Unstructured<'_>) -> Result<Url> {
    Ok(Url::parse(bytes.choose(ENDPOINTS)?).expect("an endpoint"))
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self {
            endpoint: endpoint(bytes)?,
            joining: joining(bytes)?,
            path: draw::text(bytes, PIECES, 12)?,
        })
    }
}

pub fn holds(case: Case) {
    let Ok(relative) = RelativePath::parse(&case.path) else {
        return;
    };
    for seen in as_servers_see(relative.path()) {
        let mut segments = seen.split('/');
        let is_step = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
        assert!(!segments.any(is_step), "a step up or none in {seen:?}");
        assert!(
            !seen.contains('\\') && !seen.contains(char::is_control),
            "{seen:?}"
        );
        let slashes = |text: &str| text.matches('/').count();
        assert_eq!(
            slashes(&seen),
            slashes(case.path.split('?').next().unwrap())
        );
    }
    let Ok(url) = join(&case.endpoint, relative, case.joining) else {
        return;
    };
    assert_eq!(url.origin(), case.endpoint.origin());
    assert_eq!(
        (url.username(), url.password(), url.fragment()),
        ("", None, None)
    );
    assert_eq!(
        Url::parse(url.as_str()).as_ref(),
        Ok(&url),
        "it changes when it is read again"
    );
    let others = resolutions(&case.endpoint, &case.path, case.joining);
    assert!(others.contains(&url), "{url} is none of {others:?}");
}

/// The path, as a server sees it that decodes not at all, once, twice, three times.
fn as_servers_see(path: &str) -> Vec<String> {
    let decode = |seen: &String| Some(percent_decode_str(seen).decode_utf8_lossy().into_owned());
    std::iter::successors(Some(path.to_owned()), decode)
        .take(4)
        .collect()
}

/// Where the `url` crate, which resolves as browsers do, would go: the whole path below the endpoint; or, where versions are
/// reconciled, without the path's version, or in the place of the endpoint's.
fn resolutions(endpoint: &Url, path: &str, joining: Joining) -> Vec<Url> {
    let mut found = vec![resolution(endpoint, path)];
    if joining != Joining::Literal
        && let Some(rest) = path.strip_prefix('/')
    {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        found.push(resolution(endpoint, &rest[end..]));
    }
    if joining == Joining::PathVersionWins {
        let cut = endpoint.path().rfind("/v").unwrap_or_default();
        let mut unversioned = endpoint.clone();
        unversioned.set_path(&endpoint.path()[..cut]);
        found.push(resolution(&unversioned, path));
    }
    found
}

fn resolution(endpoint: &Url, path: &str) -> Url {
    let mut base = endpoint.clone();
    let trimmed = endpoint.path().trim_end_matches('/');
    let reference = match path.strip_prefix('/') {
        Some(rest) => {
            base.set_path(&format!("{trimmed}/"));
            format!("./{rest}")
        }
        None => {
            base.set_path(trimmed);
            path.to_owned()
        }
    };
    base.join(&reference).expect("a reference")
}
