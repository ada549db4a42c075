//! A link to the next page that is followed leads to where any other client would follow it, and that is at the endpoint.

use arbitrary::{Arbitrary, Result, Unstructured};
use runner::cloud::path::{Joining, RelativePath, join, relative};
use url::Url;

use super::{draw, path};

const PIECES: &[&str] = &[
    "http://h:1",
    "https://h",
    "http://h",
    "HTTPS://h:443",
    "https://h.example/a%20b",
    "http://",
    "//",
    "/",
    "\\",
    "@",
    ":",
    ":1",
    ":443",
    "h",
    "evil",
    "[::1]",
    "/v3",
    "/v3/p1",
    "/p1",
    "/identity",
    "/v2.0",
    "/a%20b/v1/AUTH_p",
    "/images",
    "?marker=a",
    "&x=http://evil/",
    "#",
    "..",
    ".",
    "%2e",
    "%2f",
    "\t",
    "file:",
    "u:p@",
    "é",
    ";",
    "?",
];

const ORIGINS: &[&str] = &[
    "http://h:1",
    "http://h:2",
    "https://h",
    "http://h",
    "//h:1",
    "http://evil",
    "https://h@evil",
    "http://h:1\\@evil",
    "https://[::1]:8774",
];

/// A link in an answer.
#[derive(Debug)]
pub struct Case {
    endpoint: Url,
    joining: Joining,
    link: String,
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let endpoint = path::endpoint(bytes)?;
        let origin = bytes.choose(ORIGINS)?;
        let mut link = match bytes.int_in_range(0..=2)? {
            0 => endpoint.to_string(),
            1 => format!("{origin}{}", endpoint.path()),
            _ => String::new(),
        };
        link.push_str(&draw::text(bytes, PIECES, 8)?);
        Ok(Self {
            joining: path::joining(bytes)?,
            endpoint,
            link,
        })
    }
}

pub fn holds(case: Case) {
    let Ok(path) = relative(&case.endpoint, &case.link, case.joining) else {
        return;
    };
    let path = RelativePath::parse(&path).expect("a cut link is a path");
    let followed = join(&case.endpoint, path, case.joining).expect("a cut link can be joined");
    let meant = case.endpoint.join(&case.link).expect("a link");
    assert_eq!(meant.origin(), case.endpoint.origin());
    assert_eq!(
        (meant.username(), meant.password(), meant.fragment()),
        ("", None, None)
    );
    if case.link.starts_with('/') {
        // Some services leave out what stands before the version in their own address, which may be written as `v2` or `v2.0`.
        assert_eq!(followed.query(), meant.query());
        let versionless = meant
            .path()
            .trim_start_matches("/v2.0")
            .trim_start_matches("/v2");
        assert!(
            followed.path().ends_with(versionless),
            "{followed}, not {meant}"
        );
    } else {
        assert_eq!(followed, meant);
    }
}
