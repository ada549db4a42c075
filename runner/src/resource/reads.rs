//! Where a rule may look: at and below the collections that its kinds are deleted from, and the further paths that they declare.
//!
//! A rule that lists ports has no business with servers, and none with whatever else a token for everything shows.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::declaration::without_version;

/// A path at and below which may be read. `*` stands for one segment that only a thing says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReadPath(String);

/// Why a text is no such path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a valid path to read: expected /segments of letters, digits and -._~:@, the first one no `*`"
)]
pub struct ReadPathError(String);

impl ReadPath {
    /// Reads a declared path.
    ///
    /// # Errors
    /// If it is not of the form `/v3/things/*/parts`.
    pub fn parse(text: &str) -> Result<Self, ReadPathError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:@".contains(c);
        let is_segment = |segment: &str| {
            segment == "*" || !matches!(segment, "" | "." | "..") && segment.chars().all(is_plain)
        };
        let path = text.strip_prefix('/').unwrap_or_default();
        // With nothing but `*` behind the version it would be the whole service.
        let has_end = without_version(text).split('/').nth(1) != Some("*");
        match path.split('/').all(is_segment) && has_end {
            true => Ok(Self(text.to_owned())),
            false => Err(ReadPathError(text.to_owned())),
        }
    }

    /// Where a path with these segments may be read, `None` for one that only a thing says.
    pub(super) fn of_segments<'a>(segments: impl Iterator<Item = Option<&'a str>>) -> Self {
        let segments = segments.map(|segment| format!("/{}", segment.unwrap_or("*")));
        Self(segments.collect())
    }

    /// Whether a request's path is this very one, and not below it.
    pub fn is(&self, path: &str) -> bool {
        let path = path.split('?').next().unwrap_or_default();
        let depth = |path: &str| {
            without_version(path.trim_end_matches('/'))
                .matches('/')
                .count()
        };
        self.covers(path) && depth(path) == depth(&self.0)
    }

    /// Whether a request's path is this one or below it. A link to the next page, made relative to the service's endpoint, may have
    /// lost the API's version.
    pub fn covers(&self, path: &str) -> bool {
        let path = path.split('?').next().unwrap_or_default();
        let mut segments = without_version(path).split('/');
        let mut own = without_version(&self.0).split('/');
        own.all(|own| {
            segments
                .next()
                .is_some_and(|segment| own == "*" && !segment.is_empty() || own == segment)
        })
    }
}

impl fmt::Display for ReadPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl AsRef<str> for ReadPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ReadPath {
    type Error = ReadPathError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<ReadPath> for String {
    fn from(path: ReadPath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::Template;
    use super::*;

    #[test]
    fn what_is_below_is_read_and_what_is_beside_is_not() {
        for (own, path, is_covered) in [
            ("/v2.0/ports", "/v2.0/ports", true),
            ("/v2.0/ports", "/v2.0/ports?limit=2", true),
            ("/v2.0/ports", "/v2.0/ports/4f/tags", true),
            ("/v2.0/ports", "/ports?marker=4f", true),
            ("/v2.0/ports", "/v2.0/ports-of-others", false),
            ("/v2.0/ports", "/v2.0/networks", false),
            ("/v2.0/ports", "/v2.0", false),
            ("/v2.0/ports", "/", false),
            ("/v2/zones/*/recordsets", "/v2/zones/z/recordsets/r", true),
            ("/v2/zones/*/recordsets", "/v2/zones//recordsets", false),
            ("/v2/zones/*/recordsets", "/v2/zones/z", false),
        ] {
            let own = ReadPath::parse(own).unwrap();
            assert_eq!(own.covers(path), is_covered, "{own} {path}");
        }
    }

    #[test]
    fn a_rule_reads_where_its_things_are_deleted() {
        for (template, paths) in [
            ("DELETE /v2.0/ports/{id}", &["/v2.0/ports"][..]),
            (
                "DELETE /os-keypairs/{id}?user_id={parent}",
                &["/os-keypairs"],
            ),
            (
                "POST /servers/{id}/action {\"forceDelete\":null}",
                &["/servers"],
            ),
            (
                "DELETE /v2/zones/{/zone_id}/recordsets/{id}",
                &["/v2/recordsets", "/v2/zones/*/recordsets"],
            ),
            (
                "DELETE /stacks/{/stack_name}/{id}",
                &["/stacks", "/stacks/*"],
            ),
            (
                "PUT /v2.0/routers/{/device_id}/remove {\"port_id\":\"{id}\"}",
                &[],
            ),
        ] {
            let read = Template::parse(template).unwrap().read_paths();
            let read: Vec<String> = read.iter().map(ToString::to_string).collect();
            assert_eq!(read, paths, "{template}");
        }
    }

    #[test]
    fn a_path_that_says_too_little_is_refused() {
        for text in [
            "",
            "/",
            "v3/x",
            "/v3//x",
            "/*",
            "/v3/*",
            "/v3/../x",
            "/v3/x?y=1",
            "/v3/%2e",
        ] {
            let refused = ReadPath::parse(text).unwrap_err().to_string();
            assert!(refused.contains("is not a valid path to read"), "{refused}");
        }
    }
}
