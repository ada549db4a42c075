//! Relative paths: which are safe, how one is joined to an endpoint, how a `next` link is cut back
//! to one. Pure functions; no request is made here and nothing is looked up.
//!
//! The invariant: a joined URL has the endpoint's origin, begins with the endpoint's path, and is
//! byte for byte what was checked. Doubtful paths are refused, never put in order.

use percent_encoding::percent_decode_str;
use url::Url;

/// Longest accepted path and query, in bytes; common servers cut off at 8 KiB.
const PATH_BYTES_MAX: usize = 8 << 10;

/// Layers of percent-encoding that are looked through: servers behind proxies sometimes decode twice.
const DECODING_DEPTH_MAX: usize = 3;

/// Why a path is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// It does not begin with a single slash: a URL, a network path, or a bare word.
    #[error("path `{0}` must begin with one `/` and be relative to the service's endpoint")]
    NotRelative(String),
    /// Two slashes in a row.
    #[error("path `{0}` holds an empty segment (`//`)")]
    EmptySegment(String),
    /// A segment that is `.` or `..`, however encoded.
    #[error("path `{0}` holds a dot segment")]
    DotSegment(String),
    /// A backslash, or an encoded slash, backslash, dot or control character.
    #[error("path `{0}` holds a backslash or an encoded separator, dot or control character")]
    Separator(String),
    /// A `#`.
    #[error("path `{0}` holds a fragment (`#`)")]
    Fragment(String),
    /// A character that must be percent-encoded.
    #[error("path `{path}` holds {found:?}, which must be percent-encoded")]
    Character {
        /// The path, shortened.
        path: String,
        /// The first such character.
        found: char,
    },
    /// A `%` that is not followed by two hexadecimal digits.
    #[error("path `{0}` holds a broken percent-encoding")]
    Encoding(String),
    /// Longer than 8 KiB.
    #[error("path of {0} bytes is longer than {PATH_BYTES_MAX}")]
    TooLong(usize),
    /// The path asks for another API version than the endpoint serves.
    #[error(
        "path `{path}` asks for another API version than the endpoint `{endpoint}` serves: leave the version out, or set an endpoint override"
    )]
    Version {
        /// The path, shortened.
        path: String,
        /// The endpoint's path.
        endpoint: String,
    },
    /// The joined URL would not lie below the endpoint.
    #[error("path `{0}` leads out of the service's endpoint")]
    Outside(String),
}

/// Why a link of an answer cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// Neither an absolute http(s) URL nor a path from the root.
    #[error("link `{0}` is neither an http URL nor a path that begins with `/`")]
    NotALink(String),
    /// It leads to another host, port or scheme.
    #[error("link leads to `{found}`, but the service is at `{expected}`")]
    OtherOrigin {
        /// Origin of the link.
        found: String,
        /// Origin of the endpoint.
        expected: String,
    },
    /// Right origin, but not below the endpoint.
    #[error("link `{0}` leads out of the service's endpoint")]
    Outside(String),
    /// Its path is not safe.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The service has no endpoint here.
    #[error("{0}")]
    NoService(String),
}

/// How versions in endpoint and path are reconciled; see [`join`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joining {
    /// Paths are appended as they are. For object storage, where the first segment is a container
    /// (and may be called `v1`), and for plain services.
    Literal,
    /// One version: the endpoint's and the path's must agree.
    Versioned,
    /// Like `Versioned`, but the path's version wins: catalogs still list Keystone under `/v2.0`.
    PathVersionWins,
}

/// A path and query that passed every check of [`RelativePath::parse`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelativePath<'a> {
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> RelativePath<'a> {
    /// Checks a path as a rule gave it. The empty path means the endpoint itself.
    ///
    /// # Errors
    /// [`PathError`], if it is doubtful.
    pub fn parse(raw: &'a str) -> Result<Self, PathError> {
        Self::checked(raw, check_segment)
    }

    /// Checks a path that the runner itself has filled in for a service whose things are called by names with slashes in them:
    /// each is encoded once. Nothing else is let through that [`parse`](Self::parse) refuses.
    ///
    /// # Errors
    /// [`PathError`], if it is doubtful.
    pub(crate) fn parse_with_names(raw: &'a str) -> Result<Self, PathError> {
        Self::checked(raw, check_name)
    }

    fn checked(
        raw: &'a str,
        check: fn(&str, &str) -> Result<(), PathError>,
    ) -> Result<Self, PathError> {
        if raw.len() > PATH_BYTES_MAX {
            return Err(PathError::TooLong(raw.len()));
        }
        if let Some(found) = raw.chars().find(|c| !c.is_ascii_graphic()) {
            return Err(PathError::Character {
                path: shown(raw),
                found,
            });
        }
        let (path, query) = match raw.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (raw, None),
        };
        if raw.contains('#') {
            return Err(PathError::Fragment(shown(path)));
        }
        if raw.contains('\\') {
            return Err(PathError::Separator(shown(path)));
        }
        if path.starts_with("//") || !(path.is_empty() || path.starts_with('/')) {
            return Err(PathError::NotRelative(shown(path)));
        }
        if path.contains("//") {
            return Err(PathError::EmptySegment(shown(path)));
        }
        check_characters(path, path)?;
        check_characters(path, query.unwrap_or_default())?;
        path.split('/')
            .try_for_each(|segment| check(path, segment))?;
        Ok(Self { path, query })
    }

    /// The path without its query.
    pub fn path(&self) -> &'a str {
        self.path
    }

    fn first_segment(&self) -> &'a str {
        self.path
            .trim_start_matches('/')
            .split('/')
            .next()
            .unwrap_or_default()
    }

    /// Whether the path itself begins with an API version (`/v2.0/ports`).
    pub(crate) fn has_version(&self) -> bool {
        version(self.first_segment()).is_some()
    }

    fn without_first_segment(self) -> &'a str {
        let rest = self.path.strip_prefix('/').unwrap_or(self.path);
        rest.strip_prefix(self.first_segment()).unwrap_or(rest)
    }
}

/// RFC 3986 `pchar`, `/` and `?`; every `%` must begin an encoding.
fn check_characters(path: &str, text: &str) -> Result<(), PathError> {
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits = [rest.next(), rest.next()];
                if !digits
                    .iter()
                    .all(|digit| digit.is_some_and(|d| d.is_ascii_hexdigit()))
                {
                    return Err(PathError::Encoding(shown(path)));
                }
            }
            b'"' | b'<' | b'>' | b'[' | b']' | b'^' | b'`' | b'{' | b'|' | b'}' => {
                return Err(PathError::Character {
                    path: shown(path),
                    found: char::from(byte),
                });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Looks at a segment as it is and as servers may decode it.
fn check_segment(path: &str, segment: &str) -> Result<(), PathError> {
    check_layers(path, segment, 0)
}

/// The same for a segment that is a name and may hold slashes, encoded once: what stands between them is no segment of a path, so
/// that dots are but dots there. A name that is nothing but dots would be one, and nothing may be encoded twice.
fn check_name(path: &str, segment: &str) -> Result<(), PathError> {
    let name = percent_decode_str(segment).decode_utf8_lossy();
    if !name.contains('/') {
        return check_segment(path, segment);
    }
    if contains_encoded_dot(segment) {
        return Err(PathError::Separator(shown(path)));
    }
    let mut pieces = name
        .split('/')
        .filter(|piece| !matches!(*piece, "." | ".."));
    pieces.try_for_each(|piece| check_layers(path, piece, 1))
}

/// Decodes a text layer by layer; so many of them have been looked through before.
fn check_layers(path: &str, text: &str, before: usize) -> Result<(), PathError> {
    let mut seen = text.to_owned();
    for depth in before..=DECODING_DEPTH_MAX {
        // Some servers drop `;parameters` before they look at dots.
        if matches!(seen.split(';').next(), Some("." | "..")) {
            return Err(PathError::DotSegment(shown(path)));
        }
        if depth > 0 && seen.contains(['/', '\\']) || seen.chars().any(char::is_control) {
            return Err(PathError::Separator(shown(path)));
        }
        if contains_encoded_dot(&seen) {
            return Err(PathError::Separator(shown(path)));
        }
        let decoded = percent_decode_str(&seen).decode_utf8_lossy().into_owned();
        if decoded == seen {
            return Ok(());
        }
        seen = decoded;
    }
    Err(PathError::Encoding(shown(path)))
}

/// A dot never needs encoding, so an encoded one is a trick.
fn contains_encoded_dot(text: &str) -> bool {
    text.as_bytes()
        .windows(3)
        .any(|window| window.eq_ignore_ascii_case(b"%2e"))
}

/// Joins a checked path to an endpoint.
///
/// The rule, where *version* is a segment such as `v2.1`, and `v2` is the same as `v2.0`:
///
/// | endpoint | path | URL |
/// |---|---|---|
/// | `/` | `/v2.0/ports` | `/v2.0/ports` |
/// | `/v2.1` | `/servers` | `/v2.1/servers` |
/// | `/v3/{project}` | `/volumes` | `/v3/{project}/volumes` |
/// | `/identity/v3` | `/v3/users` | `/identity/v3/users`: the version is not doubled |
/// | `/v3/{project}` | `/v3/volumes` | `/v3/{project}/volumes`: the same |
/// | `/identity/v2.0` | `/v3/users` | `/identity/v3/users`: for Keystone only the path's version wins |
/// | `/v2.1` | `/v3/servers` | refused: [`PathError::Version`] |
///
/// An endpoint without a version and a path without one are joined as they are; the session asks
/// the version document first where a service needs that.
///
/// # Errors
/// [`PathError`], if the versions do not agree, or the result would not lie below the endpoint.
pub fn join(
    endpoint: &Url,
    relative: RelativePath<'_>,
    joining: Joining,
) -> Result<Url, PathError> {
    let base = endpoint.path().trim_end_matches('/');
    let (base, rest) = match (
        joining,
        last_version(base),
        version(relative.first_segment()),
    ) {
        (Joining::Versioned | Joining::PathVersionWins, Some((_, ours)), Some(theirs))
            if ours == theirs =>
        {
            (base, relative.without_first_segment())
        }
        (Joining::PathVersionWins, Some((prefix, _)), Some(_)) => (prefix, relative.path),
        (Joining::Versioned, Some(_), Some(_)) => {
            return Err(PathError::Version {
                path: shown(relative.path),
                endpoint: endpoint.path().to_owned(),
            });
        }
        (Joining::Literal, _, _) | (_, None, _) | (_, _, None) => (base, relative.path),
    };
    let text = format!("{base}{rest}");
    let mut url = endpoint.clone();
    url.set_path(&text);
    url.set_query(relative.query);
    url.set_fragment(None);
    if lies_below(&url, endpoint, base) && url.path() == if text.is_empty() { "/" } else { &text } {
        Ok(url)
    } else {
        Err(PathError::Outside(shown(relative.path)))
    }
}

/// Whether a finished URL has the endpoint's origin and begins with `base`, segment by segment.
fn lies_below(url: &Url, endpoint: &Url, base: &str) -> bool {
    let same_login = url.username() == endpoint.username() && url.password() == endpoint.password();
    url.origin() == endpoint.origin()
        && same_login
        && url
            .path()
            .strip_prefix(base)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        && !url
            .path()
            .split('/')
            .any(|segment| segment == "." || segment == "..")
}

/// Cuts a `next` link back to a path that [`join`] turns into the same URL again.
///
/// Absolute links must have the endpoint's origin and lie below its path. Links from the root may
/// leave out the part of the endpoint's path before its version, as Glance's do behind a prefix
/// (`/v2/images?marker=…` at `https://cloud/image`).
///
/// # Errors
/// [`LinkError`], if it leads elsewhere or cannot be told.
pub fn relative(endpoint: &Url, link: &str, joining: Joining) -> Result<String, LinkError> {
    let (origin, raw) = split_link(link)?;
    if let Some(origin) = &origin
        && origin.origin() != endpoint.origin()
    {
        return Err(LinkError::OtherOrigin {
            found: origin.origin().ascii_serialization(),
            expected: endpoint.origin().ascii_serialization(),
        });
    }
    let checked = RelativePath::parse(raw)?;
    let base = endpoint.path().trim_end_matches('/');
    let below = checked
        .path
        .strip_prefix(base)
        .filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let kept = match below {
        Some(rest) => rest,
        None if origin.is_none() && may_lack_prefix(base, checked) => checked.path,
        None => return Err(LinkError::Outside(shown(checked.path))),
    };
    let result = match checked.query {
        Some(query) => format!("{kept}?{query}"),
        None => kept.to_owned(),
    };
    let again = join(endpoint, RelativePath::parse(&result)?, joining)?;
    // A version that `join` would fold away could make this another URL than the one linked to.
    if below.is_some() && again.path() != checked.path {
        return Err(LinkError::Outside(shown(checked.path)));
    }
    Ok(result)
}

/// Splits an absolute link into its origin and the rest as written, before any parser tidies it up.
fn split_link(link: &str) -> Result<(Option<Url>, &str), LinkError> {
    if link.starts_with('/') && !link.starts_with("//") {
        return Ok((None, link));
    }
    let not_a_link = || LinkError::NotALink(shown(link));
    let (scheme, rest) = link.split_once("://").ok_or_else(not_a_link)?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(not_a_link());
    }
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, raw) = rest.split_at(end);
    // The parser would tidy up control characters and white space.
    if authority.contains(|c: char| c == '@' || c.is_control() || c.is_whitespace()) {
        return Err(not_a_link());
    }
    let origin = Url::parse(&format!("{scheme}://{authority}")).map_err(|_| not_a_link())?;
    Ok((Some(origin), raw))
}

fn may_lack_prefix(base: &str, link: RelativePath<'_>) -> bool {
    match (last_version(base), version(link.first_segment())) {
        (None, Some(_)) => true,
        (Some((prefix, ours)), Some(theirs)) => {
            ours == theirs
                && !base
                    .strip_prefix(prefix)
                    .unwrap_or(base)
                    .trim_start_matches('/')
                    .contains('/')
        }
        (_, None) => false,
    }
}

/// Whether an endpoint's path names an API version.
pub(crate) fn has_version(endpoint: &Url) -> bool {
    last_version(endpoint.path().trim_end_matches('/')).is_some()
}

/// The last version segment of an endpoint's path, with what stands before it.
pub(crate) fn last_version(base: &str) -> Option<(&str, (u32, u32))> {
    let mut rest = base;
    while let Some((prefix, segment)) = rest.rsplit_once('/') {
        if let Some(found) = version(segment) {
            return Some((prefix, found));
        }
        rest = prefix;
    }
    None
}

/// Reads `v2`, `v2.0`, `v2.1`: major and minor, where no minor is zero.
pub(crate) fn version(segment: &str) -> Option<(u32, u32)> {
    let digits = segment.strip_prefix('v')?;
    let (major, minor) = digits.split_once('.').unwrap_or((digits, "0"));
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| text.parse().ok()).flatten()
    };
    Some((number(major)?, number(minor)?))
}

/// A path for messages: bounded, and with nothing that could garble a terminal.
fn shown(path: &str) -> String {
    const CHARS_MAX: usize = 200;
    let mut text: String = path
        .chars()
        .take(CHARS_MAX)
        .flat_map(char::escape_debug)
        .collect();
    if path.chars().nth(CHARS_MAX).is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests;
