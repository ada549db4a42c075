//! REST services outside the catalog: where each is, who we are there, and which way leads to it.
//!
//! The invariant: a key that would do nothing, or that says something else than another one, is refused by its name. Which ways to a
//! secret there are is the same for tokens, passwords and clients: a variable, a file, or a command.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use crate::cloud::{
    ClientCredentials, Pem, PlainService, Proxies, ProxyAddress, SecretCommand, SecretSource,
    ServiceAuth, Tls, TokenHeader, TokenSource,
};

use super::clouds::Surroundings;
use super::{Config, ConfigError, proxies};

/// A REST service outside the catalog.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceConfig {
    /// Where it is.
    pub url: Url,
    /// Environment variable that holds a token for `Authorization: Bearer`.
    pub bearer_token_env: Option<String>,
    /// Environment variable that holds a token.
    pub token_env: Option<String>,
    /// File that holds a token, read again when the service refuses it.
    pub token_file: Option<String>,
    /// Program that prints a token, and its arguments; run again when the service refuses it.
    pub token_command: Option<Vec<String>>,
    /// Header for the token, instead of `Authorization`.
    pub header: Option<String>,
    /// Word before the token, instead of `Bearer`. Empty: none.
    pub scheme: Option<String>,
    /// User of basic authentication.
    pub user: Option<String>,
    /// Environment variable that holds the user's password.
    pub password_env: Option<String>,
    /// File that holds the user's password.
    pub password_file: Option<String>,
    /// Program that prints the user's password, and its arguments.
    pub password_command: Option<Vec<String>>,
    /// OAuth 2.0 client credentials that get tokens.
    pub oauth2: Option<OAuth2Config>,
    /// PEM file with certificates of authorities to trust instead of the system's, or the text of one.
    pub cacert: Option<String>,
    /// PEM file with a client certificate, or the text of one.
    pub cert: Option<String>,
    /// PEM file with its key, where that is apart, or the text of one.
    pub key: Option<String>,
    /// Whether the service's certificate is not verified.
    #[serde(default)]
    pub insecure: bool,
    /// Proxy for this service alone, or `none`.
    pub proxy: Option<String>,
}

/// A client of an authorization server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth2Config {
    /// Where tokens are asked for.
    pub token_url: Url,
    /// Who we are there.
    pub client_id: String,
    /// Environment variable that holds the client's secret.
    pub client_secret_env: Option<String>,
    /// File that holds it.
    pub client_secret_file: Option<String>,
    /// Program that prints it, and its arguments.
    pub client_secret_command: Option<Vec<String>>,
    /// What the token is to be good for.
    pub scope: Option<String>,
    /// How the client shows its secret.
    #[serde(default)]
    pub client_auth: ClientAuth,
}

/// How a client shows its secret to an authorization server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuth {
    /// In `Authorization: Basic`, which every server has to know.
    #[default]
    Basic,
    /// In the request's body.
    Body,
}

impl Config {
    /// The services outside the catalog, with how to get at their secrets.
    ///
    /// # Errors
    /// If a variable is not set, or if keys of a service contradict each other or would do nothing.
    pub fn plain_services(
        &self,
        surroundings: &Surroundings,
    ) -> Result<BTreeMap<String, PlainService>, ConfigError> {
        let common = self.proxies(surroundings)?;
        let reading = Reading {
            surroundings,
            command_time_max: Duration::from_secs(self.http.command_s_max),
        };
        let service = |(name, config): (&String, &ServiceConfig)| {
            let service = config.read(&reading, &common);
            let service = service.map_err(|why| ConfigError::Service {
                name: name.clone(),
                why,
            })?;
            Ok((name.clone(), service))
        };
        self.services.iter().map(service).collect()
    }
}

/// What is needed beside a section to read it.
struct Reading<'a> {
    surroundings: &'a Surroundings,
    command_time_max: Duration,
}

/// One way to a secret, by its key.
enum Way<'a> {
    Env(&'a str),
    File(&'a str),
    Command(&'a [String]),
}

/// The ways to one secret that a section gives, by their keys.
struct Ways<'a>(Vec<(&'static str, Way<'a>)>);

impl<'a> Ways<'a> {
    fn of(
        keys: [&'static str; 3],
        env: Option<&'a str>,
        file: Option<&'a str>,
        command: Option<&'a [String]>,
    ) -> Self {
        let [env_key, file_key, command_key] = keys;
        let given = [
            env.map(|it| (env_key, Way::Env(it))),
            file.map(|it| (file_key, Way::File(it))),
            command.map(|it| (command_key, Way::Command(it))),
        ];
        Self(given.into_iter().flatten().collect())
    }

    fn keys(&self) -> Vec<&'static str> {
        self.0.iter().map(|(key, _)| *key).collect()
    }

    /// The one way that is given, if one is.
    fn only(&self, reading: &Reading<'_>) -> Result<Option<SecretSource>, String> {
        match self.0.as_slice() {
            [] => Ok(None),
            [(key, way)] => way.source(key, reading).map(Some),
            _ => Err(format!(
                "gives {}: keep one of them",
                self.keys().join(" and ")
            )),
        }
    }
}

impl Way<'_> {
    fn source(&self, key: &str, reading: &Reading<'_>) -> Result<SecretSource, String> {
        match self {
            Self::Env(variable) => {
                let secret = reading.surroundings.secret(variable).ok_or_else(|| {
                    format!(
                        "the environment variable {variable} is not set: set it, or take the service out of the configuration"
                    )
                })?;
                Ok(SecretSource::Given(secret))
            }
            Self::File("") => Err(format!("{key} is empty: give the path of a file")),
            Self::File(path) => Ok(SecretSource::File(reading.surroundings.path(path))),
            Self::Command(argv) if argv.first().is_none_or(String::is_empty) => Err(format!(
                "{key} names no program: give it and its arguments as a list, [\"program\", \"argument\"]"
            )),
            Self::Command(argv) => Ok(SecretSource::Command(SecretCommand {
                argv: argv.to_vec(),
                time_max: reading.command_time_max,
            })),
        }
    }
}

impl ServiceConfig {
    fn read(&self, reading: &Reading<'_>, common: &Proxies) -> Result<PlainService, String> {
        Ok(PlainService {
            url: self.url.clone(),
            auth: self.auth(reading)?,
            tls: self.tls(reading.surroundings)?,
            proxies: self.proxies(common)?,
        })
    }

    fn auth(&self, reading: &Reading<'_>) -> Result<ServiceAuth, String> {
        let mut token = Ways::of(
            ["token_env", "token_file", "token_command"],
            self.token_env.as_deref(),
            self.token_file.as_deref(),
            self.token_command.as_deref(),
        );
        if let Some(variable) = &self.bearer_token_env {
            token.0.push(("bearer_token_env", Way::Env(variable)));
        }
        let password = Ways::of(
            ["password_env", "password_file", "password_command"],
            self.password_env.as_deref(),
            self.password_file.as_deref(),
            self.password_command.as_deref(),
        );
        self.one_way(&token, &password)?;
        let header = self.token_header(&token)?;
        if let Some(source) = token.only(reading)? {
            return Ok(ServiceAuth::Token(TokenSource::Secret(source), header));
        }
        if let Some(oauth2) = &self.oauth2 {
            let client = oauth2.client(reading)?;
            let source = TokenSource::ClientCredentials(client);
            return Ok(ServiceAuth::Token(source, header));
        }
        match (&self.user, password.only(reading)?) {
            (None, None) => Ok(ServiceAuth::None),
            (Some(user), _) if user.contains(':') || user.is_empty() => Err(
                "user is empty or holds a colon, which basic authentication cannot carry"
                    .to_owned(),
            ),
            (Some(user), Some(password)) => Ok(ServiceAuth::Basic {
                user: user.clone(),
                password,
            }),
            (Some(_), None) => Err(
                "gives a user and no password: add password_env, password_file or password_command"
                    .to_owned(),
            ),
            (None, Some(_)) => Err(format!(
                "gives {} and no user: add user",
                password.keys().join(" and ")
            )),
        }
    }

    /// Refuses more than one way to say who we are.
    fn one_way(&self, token: &Ways<'_>, password: &Ways<'_>) -> Result<(), String> {
        let basic = self.user.iter().map(|_| "user");
        let basic: Vec<&str> = basic.chain(password.keys()).collect();
        let oauth2: Vec<&str> = self.oauth2.iter().map(|_| "oauth2").collect();
        let ways = [token.keys(), basic, oauth2];
        let given: Vec<String> = ways
            .iter()
            .filter(|keys| !keys.is_empty())
            .map(|keys| keys.join(" and "))
            .collect();
        if given.len() > 1 {
            return Err(format!(
                "says in several ways who we are, by {}: keep one of them",
                given.join(", and by ")
            ));
        }
        Ok(())
    }

    fn token_header(&self, token: &Ways<'_>) -> Result<TokenHeader, String> {
        let keys = [("header", &self.header), ("scheme", &self.scheme)];
        let given: Vec<&str> = keys
            .iter()
            .filter_map(|(key, value)| value.as_ref().map(|_| *key))
            .collect();
        if given.is_empty() {
            return Ok(TokenHeader::default());
        }
        let given = given.join(" and ");
        if self.bearer_token_env.is_some() {
            return Err(format!(
                "gives bearer_token_env, whose token goes into `Authorization: Bearer`, and {given}: say token_env instead of \
                 bearer_token_env"
            ));
        }
        if token.0.is_empty() && self.oauth2.is_none() {
            return Err(format!(
                "gives {given} and no token to put there: add token_env, token_file, token_command or oauth2"
            ));
        }
        let header = self.header.as_deref().unwrap_or("authorization");
        let scheme = self.scheme.as_deref().unwrap_or("Bearer");
        TokenHeader::new(header, scheme)
    }

    fn tls(&self, surroundings: &Surroundings) -> Result<Tls, String> {
        let keys = [
            ("cacert", self.cacert.is_some()),
            ("cert", self.cert.is_some()),
            ("key", self.key.is_some()),
            ("insecure", self.insecure),
        ];
        let given: Vec<&str> = keys
            .iter()
            .filter(|(_, is)| *is)
            .map(|(key, _)| *key)
            .collect();
        let token_url = self.oauth2.as_ref().map(|it| &it.token_url);
        let mut urls = [Some(&self.url), token_url].into_iter().flatten();
        if !given.is_empty() && urls.all(|url| url.scheme() == "http") {
            return Err(format!(
                "gives {}, which would do nothing for a url with http: write https, or take it out",
                given.join(" and ")
            ));
        }
        if self.insecure && self.cacert.is_some() {
            return Err(
                "gives cacert, which says whom to trust, and insecure, which trusts anybody: keep one of them"
                    .to_owned(),
            );
        }
        if self.key.is_some() && self.cert.is_none() {
            return Err("gives key and no cert that it belongs to: add cert".to_owned());
        }
        let pem = |value: &Option<String>| {
            let value = value.as_ref()?;
            Some(Pem::of(value, |path| surroundings.path(path)))
        };
        Ok(Tls {
            ca: pem(&self.cacert),
            cert: pem(&self.cert),
            key: pem(&self.key),
            verify: !self.insecure,
        })
    }

    fn proxies(&self, common: &Proxies) -> Result<Proxies, String> {
        match self.proxy.as_deref() {
            None => Ok(common.clone()),
            Some(proxies::NONE) => Ok(Proxies::default()),
            Some(text) => Ok(Proxies {
                shows_plain: common.shows_plain,
                ..Proxies::only(ProxyAddress::parse(text, "its `proxy`")?)
            }),
        }
    }
}

impl OAuth2Config {
    fn client(&self, reading: &Reading<'_>) -> Result<ClientCredentials, String> {
        let ways = Ways::of(
            [
                "oauth2.client_secret_env",
                "oauth2.client_secret_file",
                "oauth2.client_secret_command",
            ],
            self.client_secret_env.as_deref(),
            self.client_secret_file.as_deref(),
            self.client_secret_command.as_deref(),
        );
        let secret = ways.only(reading)?.ok_or(
            "gives oauth2 without a secret: add client_secret_env, client_secret_file or client_secret_command to it",
        )?;
        let client = ClientCredentials {
            token_url: self.token_url.clone(),
            client_id: self.client_id.clone(),
            secret,
            scope: self.scope.clone(),
            is_in_body: self.client_auth == ClientAuth::Body,
        };
        client.check().map_err(|why| format!("oauth2: {why}"))?;
        Ok(client)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn service(keys: &str) -> Result<PlainService, String> {
        let url = if keys.starts_with("url = ") {
            ""
        } else {
            "url = \"https://x.example\"\n"
        };
        let text = format!("[services.x]\n{url}{keys}\n");
        let config: Config = toml::from_str(&text).map_err(|error| error.to_string())?;
        let surroundings = Surroundings {
            env: BTreeMap::from([("SET".to_owned(), "s3cret".to_owned())]),
            cwd: PathBuf::from("/folder"),
            home: Some(PathBuf::from("/home/ann")),
            system_dirs: Vec::new(),
        };
        let services = config.plain_services(&surroundings);
        let mut services = services.map_err(|error| error.to_string())?;
        Ok(services.remove("x").unwrap())
    }

    fn shown(keys: &str) -> String {
        let service = service(keys).unwrap();
        format!("{:?}", service.auth)
    }

    #[test]
    fn who_we_are_is_said_in_one_of_these_ways() {
        assert_eq!(shown(""), "None");
        for keys in ["token_env = \"SET\"", "bearer_token_env = \"SET\""] {
            let shown = shown(keys);
            assert!(
                shown.contains("a value") && shown.contains("authorization"),
                "{shown}"
            );
            assert!(shown.contains("Bearer"), "{shown}");
        }
        let shown_with = |keys: &str, words: &[&str]| {
            let shown = shown(keys);
            assert!(words.iter().all(|it| shown.contains(it)), "{shown}");
        };
        shown_with(
            "token_file = \"~/token\"\nheader = \"PRIVATE-TOKEN\"\nscheme = \"\"",
            &["a file", "private-token", "\"\""],
        );
        shown_with(
            "token_command = [\"gcloud\", \"auth\"]\nscheme = \"Token\"",
            &["a program", "Token"],
        );
        shown_with(
            "user = \"ann\"\npassword_file = \"pw\"",
            &["Basic", "ann", "a file"],
        );
        let oauth2 = "token_url = \"https://login.example/t\"\nclient_id = \"c\"\nclient_secret_env = \"SET\"";
        shown_with(
            &format!("[services.x.oauth2]\n{oauth2}\nscope = \"a b\""),
            &["ClientCredentials", "a b"],
        );
        shown_with(
            &format!("header = \"X-Token\"\n[services.x.oauth2]\n{oauth2}\nclient_auth = \"body\""),
            &["x-token", "is_in_body: true"],
        );
    }

    #[test]
    fn paths_are_the_operators() {
        let ServiceAuth::Token(TokenSource::Secret(SecretSource::File(path)), _) =
            service("token_file = \"~/token\"").unwrap().auth
        else {
            panic!("no file");
        };
        assert_eq!(path, PathBuf::from("/home/ann/token"));
        let tls = service("cacert = \"ca.pem\"\ncert = \"c.pem\"\nkey = \"k.pem\"")
            .unwrap()
            .tls;
        assert!(matches!(tls.ca, Some(Pem::File(path)) if *path == *"/folder/ca.pem"));
        assert!(tls.verify && tls.cert.is_some() && tls.key.is_some());
        assert!(!service("insecure = true").unwrap().tls.verify);
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of what is refused")]
    fn what_contradicts_or_would_do_nothing_is_named() {
        for (keys, words) in [
            ("token_env = \"UNSET\"", "UNSET is not set"),
            (
                "token_env = \"SET\"\ntoken_file = \"t\"",
                "token_env and token_file: keep one",
            ),
            (
                "token_env = \"SET\"\nbearer_token_env = \"SET\"",
                "token_env and bearer_token_env",
            ),
            (
                "token_env = \"SET\"\nuser = \"ann\"",
                "by token_env, and by user",
            ),
            (
                "token_env = \"SET\"\npassword_env = \"SET\"",
                "by token_env, and by password_env",
            ),
            ("token_command = []", "token_command names no program"),
            ("token_command = [\"\"]", "token_command names no program"),
            ("token_file = \"\"", "token_file is empty"),
            ("header = \"X-Api-Key\"", "gives header and no token"),
            (
                "scheme = \"\"\nuser = \"ann\"\npassword_env = \"SET\"",
                "gives scheme and no token",
            ),
            (
                "bearer_token_env = \"SET\"\nheader = \"X-Api-Key\"",
                "say token_env instead",
            ),
            (
                "token_env = \"SET\"\nheader = \"Host\"",
                "`Host` says something else",
            ),
            (
                "token_env = \"SET\"\nscheme = \"a b\"",
                "`a b` is no scheme",
            ),
            ("user = \"ann\"", "a user and no password"),
            ("password_file = \"p\"", "password_file and no user"),
            ("user = \"a:b\"\npassword_env = \"SET\"", "holds a colon"),
            ("key = \"k.pem\"", "gives key and no cert"),
            ("cacert = \"c.pem\"\ninsecure = true", "keep one of them"),
            (
                "url = \"http://x.example\"\ncacert = \"c.pem\"",
                "cacert, which would do nothing",
            ),
            (
                "url = \"http://x.example\"\ninsecure = true",
                "insecure, which would do nothing",
            ),
            (
                "proxy = \"socks5://p\"",
                "its `proxy` names a proxy of the scheme",
            ),
            (
                "[services.x.oauth2]\ntoken_url = \"https://l/t\"\nclient_id = \"c\"",
                "oauth2 without a secret",
            ),
            (
                "[services.x.oauth2]\ntoken_url = \"http://l/t\"\nclient_id = \"c\"\nclient_secret_env = \"SET\"",
                "oauth2: token_url must begin with https",
            ),
            (
                "user = \"a\"\n[services.x.oauth2]\ntoken_url = \"https://l/t\"\nclient_id = \"c\"\nclient_secret_env = \"SET\"",
                "by user, and by oauth2",
            ),
        ] {
            let why = service(keys).unwrap_err();
            assert!(
                why.starts_with("[services.x]: ") && why.contains(words),
                "{keys}\n{why}"
            );
            assert!(!why.contains("s3cret"), "{why}");
        }
        for keys in [
            "token = \"s3cret\"",
            "token_command = \"gcloud auth\"",
            "[services.x.oauth2]\nclient_id = \"c\"",
        ] {
            assert!(service(keys).is_err(), "{keys}");
        }
    }
}
