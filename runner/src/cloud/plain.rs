//! Services outside OpenStack: what may be declared as one, and how it recognizes us.
//!
//! Pure. The invariant: a plain service gets its own credential and never anything of Keystone's.

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
            format!(
                "Basic {}",
                base64(format!("{user}:{}", password.expose_secret()).as_bytes())
            )
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

/// RFC 4648 §4; a dependency for one header would be too much.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let number = (0..3).fold(0_u32, |number, at| {
            number << 8 | u32::from(chunk.get(at).copied().unwrap_or(0))
        });
        for place in 0..4 {
            let index = (number >> (18 - 6 * place) & 63) as usize;
            let letter = ALPHABET.get(index).copied().unwrap_or(b'=');
            text.push(if place <= chunk.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_follows_the_rfc() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xff, 0xfe, 0xfd]), "//79");
    }
}
