//! Request headers: which ones a rule may set, and how a microversion is written for each service.
//!
//! Pure. The invariant: nothing that a rule puts into a header can change who we are, where the
//! request goes, which method it is, or how its length is counted.

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::catalog::canonical;
use super::{Error, ErrorKind, Request};

/// Headers that a rule may set. A list of what is allowed, because lists of what is harmful leak.
/// `x-auth-…-projects` and the two `sudo` headers are how Designate widens a listing.
const ALLOWED: &[&str] = &[
    "accept",
    "accept-language",
    "content-type",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "prefer",
    "x-auth-all-projects",
    "x-auth-sudo-project-id",
    "x-auth-sudo-tenant-id",
    "x-designate-edit-managed-records",
    "x-newest",
    "x-requested-with",
];

/// Zaqar answers no request that does not say which client it is from, so that nobody is shown messages of his own. Any UUID
/// will do; this one reads `runner` in ASCII.
const CLIENT_ID: HeaderValue = HeaderValue::from_static("72756e6e-6572-4000-8000-000000000000");

/// Answers' headers that may carry a secret and are not handed on.
const SECRET: &[&str] = &[
    "authorization",
    "set-cookie",
    "x-auth-token",
    "x-storage-token",
    "x-subject-token",
];

/// Whether rules may set a header, given in small letters: then it cannot carry who we are.
pub(super) fn may_be_set_by_rules(name: &str) -> bool {
    ALLOWED.contains(&name)
}

/// Builds the headers of a request: what the rule set, the defaults, and the microversion.
pub(super) fn for_request(request: &Request, is_plain: bool) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let lower = name.to_ascii_lowercase();
        if !may_be_set_by_rules(&lower) {
            let allowed = ALLOWED.join(", ");
            return Err(invalid(format!(
                "header `{name}` may not be set; allowed are {allowed}"
            )));
        }
        insert(&mut headers, &lower, value)?;
    }
    if !headers.contains_key(ACCEPT) {
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    }
    if request.body.is_some() && !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if canonical(&request.service) == "message" && !is_plain {
        headers.insert("client-id", CLIENT_ID);
    }
    if let Some(microversion) = &request.microversion {
        if is_plain {
            return Err(invalid(format!(
                "service `{}` is no OpenStack service and has no microversions",
                request.service
            )));
        }
        add_microversion(&mut headers, &request.service, microversion)?;
    }
    Ok(headers)
}

/// Writes the standard header, and the one of the services that came before the standard.
fn add_microversion(
    headers: &mut HeaderMap,
    service: &str,
    microversion: &str,
) -> Result<(), Error> {
    if !is_microversion(microversion) {
        return Err(invalid(format!(
            "`{microversion}` is no microversion: write `2.90` or `latest`"
        )));
    }
    let service = canonical(service);
    insert(
        headers,
        "openstack-api-version",
        &format!("{} {microversion}", name_in_header(service)),
    )?;
    let legacy = match service {
        "compute" => "x-openstack-nova-api-version",
        "shared-file-system" => "x-openstack-manila-api-version",
        "baremetal" => "x-openstack-ironic-api-version",
        "baremetal-introspection" => "x-openstack-ironic-inspector-api-version",
        _ => return Ok(()),
    };
    insert(headers, legacy, microversion)
}

/// Some services go by an older type in this header, whatever the catalog calls them.
fn name_in_header(service: &str) -> &str {
    match service {
        "application-container" => "container",
        "block-storage" => "volume",
        "container-infrastructure-management" => "container-infra",
        "resource-optimization" => "infra-optim",
        other => other,
    }
}

fn is_microversion(text: &str) -> bool {
    let is_number = |part: &str| {
        !part.is_empty() && part.len() <= 9 && part.bytes().all(|b| b.is_ascii_digit())
    };
    text == "latest"
        || text
            .split_once('.')
            .is_some_and(|(major, minor)| is_number(major) && is_number(minor))
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Error> {
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| invalid(format!("`{name}` is no header name")))?;
    let value = HeaderValue::from_str(value).map_err(|_| {
        invalid(format!(
            "header `{name}` holds a character that headers cannot carry"
        ))
    })?;
    headers.insert(name, value);
    Ok(())
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

/// An answer's headers as text, without secrets; values that are no text are left out.
pub(super) fn of_response(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| !SECRET.contains(&name.as_str()))
        .filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        })
        .collect()
}

/// The id under which a service's operators find a request; Nova's and Cinder's older name comes second.
pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    let names = [
        "x-openstack-request-id",
        "x-compute-request-id",
        "x-request-id",
    ];
    let found = names.iter().find_map(|name| headers.get(*name))?;
    let text: String = found
        .to_str()
        .ok()?
        .chars()
        .filter(char::is_ascii_graphic)
        .take(100)
        .collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Method;

    fn headers(
        service: &str,
        microversion: Option<&str>,
        extra: &[(&str, &str)],
    ) -> Result<HeaderMap, Error> {
        let mut request = Request::new(service, Method::Get, "/x");
        request.microversion = microversion.map(str::to_owned);
        request.headers = extra
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        for_request(&request, false)
    }

    #[test]
    fn each_service_gets_its_own_microversion_header() {
        for (service, standard, legacy) in [
            (
                "compute",
                "compute 2.90",
                Some("x-openstack-nova-api-version"),
            ),
            ("volumev3", "volume 2.90", None),
            (
                "sharev2",
                "shared-file-system 2.90",
                Some("x-openstack-manila-api-version"),
            ),
            (
                "baremetal",
                "baremetal 2.90",
                Some("x-openstack-ironic-api-version"),
            ),
            ("container-infra", "container-infra 2.90", None),
            ("resource-optimization", "infra-optim 2.90", None),
            ("placement", "placement 2.90", None),
        ] {
            let headers = headers(service, Some("2.90"), &[]).unwrap();
            assert_eq!(headers["openstack-api-version"], standard);
            let legacy_found: Vec<&str> = headers
                .keys()
                .map(HeaderName::as_str)
                .filter(|name| name.starts_with("x-"))
                .collect();
            assert_eq!(
                legacy_found,
                legacy.into_iter().collect::<Vec<_>>(),
                "{service}"
            );
        }
    }

    #[test]
    fn only_zaqar_is_told_which_client_asks() {
        for service in ["message", "messaging"] {
            assert_eq!(headers(service, None, &[]).unwrap()["client-id"], CLIENT_ID);
            assert!(headers(service, None, &[("Client-ID", "x")]).is_err());
        }
        let others = headers("compute", None, &[]).unwrap();
        assert!(!others.contains_key("client-id"));
    }

    #[test]
    fn broken_microversions_are_refused() {
        for text in [
            "",
            "2",
            "2.",
            ".1",
            "2.latest",
            "2.1\r\nx: y",
            "v2.1",
            "2.1.0",
        ] {
            assert!(
                headers("compute", Some(text), &[]).is_err(),
                "{text:?} was accepted"
            );
        }
        assert!(headers("compute", Some("latest"), &[]).is_ok());
    }

    #[test]
    fn headers_that_could_do_harm_are_refused() {
        for name in [
            "X-Auth-Token",
            "authorization",
            "Host",
            "Cookie",
            "content-length",
            "Transfer-Encoding",
            "Connection",
            "X-HTTP-Method-Override",
            "X-Forwarded-For",
            "x-subject-token",
            "x-service-token",
            "X-Roles",
            "openstack-api-version",
            "accept-encoding",
            "expect",
            "te",
            "upgrade",
            "",
        ] {
            assert!(
                headers("compute", None, &[(name, "x")]).is_err(),
                "{name} was accepted"
            );
        }
        assert!(headers("compute", None, &[("Accept", "a\r\nb: c")]).is_err());
        assert_eq!(
            headers("dns", None, &[("X-Auth-All-Projects", "true")]).unwrap()["x-auth-all-projects"],
            "true"
        );
    }

    #[test]
    fn secrets_in_answers_are_not_handed_on() {
        let mut headers = HeaderMap::new();
        headers.insert("x-subject-token", HeaderValue::from_static("secret"));
        headers.insert("etag", HeaderValue::from_static("e"));
        assert_eq!(
            of_response(&headers),
            vec![("etag".to_owned(), "e".to_owned())]
        );
    }
}
