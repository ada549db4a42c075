//! Services outside OpenStack: what may be declared as one, and how it recognizes us.
//!
//! Pure. The invariant: a plain service gets its own credential and never anything of Keystone's.

use base64::prelude::{BASE64_STANDARD, Engine};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::ExposeSecret;

use super::catalog::official_service_type;
use super::{CloudConfig, Error, ErrorKind, PlainAuth};

/// Refuses names that would hide an OpenStack service, and URLs that hold more than an address.
pub(super) fn check(config: &CloudConfig) -> Result<(), Error> {
    let invalid =
        |name: &str, why: &str| Error::new(ErrorKind::Invalid, format!("service `{name}` {why}"));
    for (name, service) in &config.plain_services {
        if official_service_type(name).is_some() {
            return Err(invalid(
                name,
                "has the name of an OpenStack service type: give it another",
            ));
        }
        let url = &service.url;
        let has_login = !url.username().is_empty() || url.password().is_some();
        let has_more = has_login || url.query().is_some() || url.fragment().is_some();
        if !matches!(url.scheme(), "http" | "https") || has_more {
            return Err(invalid(
                name,
                "needs an http or https URL without user, query or fragment",
            ));
        }
    }
    Ok(())
}

/// Adds the service's own `Authorization`.
pub(super) fn authorize(headers: &mut HeaderMap, auth: &PlainAuth) -> Result<(), Error> {
    let text = match auth {
        PlainAuth::None => return Ok(()),
        PlainAuth::Bearer(token) => format!("Bearer {}", token.expose_secret()),
        PlainAuth::Basic { user, password } => {
            let pair = format!("{user}:{}", password.expose_secret());
            format!("Basic {}", BASE64_STANDARD.encode(pair))
        }
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        Error::new(
            ErrorKind::Invalid,
            "the service's credential holds characters that headers cannot carry",
        )
    })?;
    value.set_sensitive(true);
    headers.insert(AUTHORIZATION, value);
    Ok(())
}
