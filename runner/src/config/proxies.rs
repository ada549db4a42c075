//! Which proxies there are: by the configuration, else by the variables that everybody reads.
//!
//! The invariant: a key of the configuration replaces the variables that mean the same, and what cannot be used is an error where it
//! would be needed, never no proxy.

use std::sync::Arc;

use crate::cloud::{Exemptions, Proxies, ProxyAddress};

use super::clouds::Surroundings;
use super::{Config, ConfigError};

/// The word for no proxy at all.
pub(super) const NONE: &str = "none";

impl Config {
    /// Which way requests take, to the cloud and to registries. A service of the configuration may have a proxy of its own.
    ///
    /// # Errors
    /// If the configuration's words are no proxy or no exceptions. What variables hold is refused where it would be needed.
    pub fn proxies(&self, surroundings: &Surroundings) -> Result<Proxies, ConfigError> {
        let http = &self.http;
        let wrong = |why: String| ConfigError::Proxy { why };
        let of_variables = of_variables(surroundings);
        let (https, plain) = match http.proxy.as_deref() {
            Some(NONE) => (None, None),
            Some(text) => {
                let address = ProxyAddress::parse(text, "`proxy` under [http]").map_err(wrong)?;
                (Some(Ok(address.clone())), Some(Ok(address)))
            }
            None => of_variables,
        };
        let exempt = match &http.no_proxy {
            Some(words) => {
                let exempt = Exemptions::parse(&words.join(","));
                Ok(exempt.map_err(|why| wrong(format!("`no_proxy` under [http] {why}")))?)
            }
            None => exempt_by_variables(surroundings),
        };
        let common = Proxies {
            https,
            http: plain,
            shows_plain: http.plain_http_through_proxy,
            ..Proxies::default()
        };
        Ok(match exempt {
            Ok(exempt) => Proxies {
                exempt: Arc::new(exempt),
                ..common
            },
            // Who was to be spared the proxy cannot be told, so nobody may go through it.
            Err(why) => Proxies {
                https: common.https.map(|_| Err(why.clone())),
                http: common.http.map(|_| Err(why)),
                ..common
            },
        })
    }
}

type Choice = Option<Result<ProxyAddress, String>>;

/// The proxies for `https` and for `http`.
fn of_variables(surroundings: &Surroundings) -> (Choice, Choice) {
    // Where this variable is set, a web server has started us, and whoever sends it a header called `Proxy` has set HTTP_PROXY.
    let is_cgi = surroundings.env.contains_key("REQUEST_METHOD");
    let all = || variable(surroundings, &["all_proxy", "ALL_PROXY"]);
    let https = variable(surroundings, &["https_proxy", "HTTPS_PROXY"]).or_else(all);
    let plain: &[&str] = if is_cgi {
        &["http_proxy"]
    } else {
        &["http_proxy", "HTTP_PROXY"]
    };
    let plain = variable(surroundings, plain).or_else(all);
    let parse = |(name, text): (&str, &str)| ProxyAddress::parse(text, name);
    (https.map(parse), plain.map(parse))
}

fn exempt_by_variables(surroundings: &Surroundings) -> Result<Exemptions, String> {
    match variable(surroundings, &["no_proxy", "NO_PROXY"]) {
        Some((name, text)) => Exemptions::parse(text).map_err(|why| format!("{name} {why}")),
        None => Ok(Exemptions::default()),
    }
}

/// The first of these variables that is set to something, with its name. Small letters come first, as they do for curl and Python.
fn variable<'a>(
    surroundings: &'a Surroundings,
    names: &[&'static str],
) -> Option<(&'static str, &'a str)> {
    let set = |name: &&'static str| {
        let text = surroundings.env.get(*name)?.trim();
        (!text.is_empty()).then_some((*name, text))
    };
    names.iter().find_map(set)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::*;

    fn proxies(config: &str, env: &[(&str, &str)]) -> Result<Proxies, ConfigError> {
        let variables = env
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()));
        let surroundings = Surroundings {
            env: BTreeMap::from_iter(variables),
            cwd: PathBuf::from("/"),
            home: None,
            system_dirs: Vec::new(),
        };
        let config: Config = toml::from_str(config).unwrap();
        config.proxies(&surroundings)
    }

    /// What there is for `https` and for `http`, in words.
    fn found(config: &str, env: &[(&str, &str)]) -> (String, String) {
        let Proxies { https, http, .. } = proxies(config, env).unwrap();
        let shown = |choice: Choice| match choice {
            None => "none".to_owned(),
            Some(Ok(address)) => format!("{address:?}"),
            Some(Err(why)) => why,
        };
        (shown(https), shown(http))
    }

    fn is(https: &str, http: &str) -> (String, String) {
        (https.to_owned(), http.to_owned())
    }

    #[test]
    fn variables_are_read_as_everybody_reads_them() {
        assert_eq!(found("", &[]), is("none", "none"));
        let both = [("HTTPS_PROXY", "http://a:1"), ("HTTP_PROXY", "b:2")];
        assert_eq!(
            found("", &both),
            is("http://a:1 (by HTTPS_PROXY)", "http://b:2 (by HTTP_PROXY)")
        );
        let small = [("HTTPS_PROXY", "http://a:1"), ("https_proxy", "http://c:3")];
        assert_eq!(found("", &small), is("http://c:3 (by https_proxy)", "none"));
        let empty = [("HTTPS_PROXY", "http://a:1"), ("https_proxy", " ")];
        assert_eq!(found("", &empty).0, "http://a:1 (by HTTPS_PROXY)");
        let all = [("ALL_PROXY", "http://d:4"), ("http_proxy", "http://b:2")];
        assert_eq!(
            found("", &all),
            is("http://d:4 (by ALL_PROXY)", "http://b:2 (by http_proxy)")
        );
        let cgi = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil:1")];
        assert_eq!(found("", &cgi), is("none", "none"));
    }

    #[test]
    fn the_configuration_replaces_the_variables() {
        let env = [("HTTPS_PROXY", "http://a:1"), ("NO_PROXY", "b.example")];
        let ours = "[http]\nproxy = \"http://ours:5\"\n";
        let by = "http://ours:5 (by `proxy` under [http])";
        assert_eq!(found(ours, &env), is(by, by));
        assert_eq!(
            found("[http]\nproxy = \"none\"\n", &env),
            is("none", "none")
        );
        let exempt = |config: &str| proxies(config, &env).unwrap().exempt;
        assert_eq!(*exempt(ours), Exemptions::parse("b.example").unwrap());
        assert_eq!(
            *exempt("[http]\nno_proxy = [\"c.example\", \"10.0.0.0/8\"]\n"),
            Exemptions::parse("c.example,10.0.0.0/8").unwrap()
        );
        assert_eq!(*exempt("[http]\nno_proxy = []\n"), Exemptions::default());
    }

    #[test]
    fn what_cannot_be_used_is_never_no_proxy() {
        let socks = [("ALL_PROXY", "socks5://ann:s3cret@a:1")];
        let (https, http) = found("", &socks);
        assert!(https.contains("ALL_PROXY") && https == http, "{https}");
        assert!(!https.contains("s3cret"), "{https}");
        let odd = [("HTTPS_PROXY", "http://a:1"), ("NO_PROXY", "192.168.*")];
        let (https, http) = found("", &odd);
        assert!(https.contains("NO_PROXY holds `192.168.*`"), "{https}");
        assert_eq!(http, "none");
        for (config, words) in [
            (
                "[http]\nproxy = \"socks5://ann:s3cret@a:1\"\n",
                "`proxy` under [http] names a proxy of the scheme",
            ),
            ("[http]\nproxy = \"\"\n", "`proxy` under [http]"),
            (
                "[http]\nno_proxy = [\"a/b\"]\n",
                "`no_proxy` under [http] holds `a/b`",
            ),
        ] {
            let why = proxies(config, &[]).unwrap_err().to_string();
            assert!(why.contains(words) && !why.contains("s3cret"), "{why}");
        }
    }
}
