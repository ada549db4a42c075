//! Settings of one cloud: layers laid over each other, and the [`CloudConfig`] that comes out.
//!
//! Pure. The invariant: settings that mean one thing together (a project's id and name) come from
//! one layer; a higher layer that sets one of them takes away the others of the layers below.

use std::collections::BTreeMap;

use url::Url;

use super::{Error, Surroundings};
use crate::cloud::{
    AUTH_URL, AuthMethod, CloudConfig, DomainRef, Given, Interface, KeystoneConfig, Pem, Proxies,
    Setting, Tls, TokenScope, Unfit, official_service_type,
};

/// Other names of keys.
pub(super) const ALIASES: [(&str, &str); 8] = [
    ("tenant_id", "project_id"),
    ("tenant_name", "project_name"),
    ("endpoint_type", "interface"),
    ("auth_plugin", "auth_type"),
    ("auth_token", "token"),
    ("user_name", "username"),
    ("default_domain", "default_domain_id"),
    ("project", "project_name"),
];

/// Keys that name one thing: a layer that sets one hides the others of lower layers.
const GROUPS: [&[&str]; 8] = [
    &["project_id", "project_name", "system_scope", "trust_id"],
    &["user_id", "username"],
    &["domain_id", "domain_name", "system_scope", "trust_id"],
    &["user_domain_id", "user_domain_name"],
    &["project_domain_id", "project_domain_name"],
    &["default_domain_id", "default_domain_name"],
    &["application_credential_id", "application_credential_name"],
    &["insecure", "verify"],
];

/// What one source says. Holds secrets, hence no `Debug`.
pub(super) struct Layer {
    source: String,
    values: BTreeMap<String, String>,
}

impl Layer {
    /// Takes empty values as not given, and the official name of a key before its aliases.
    pub(super) fn new(source: &str, raw: BTreeMap<String, String>) -> Self {
        let mut values: BTreeMap<String, String> = raw
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect();
        for (alias, official) in ALIASES {
            if let Some(value) = values.remove(alias) {
                values.entry(official.to_owned()).or_insert(value);
            }
        }
        Self {
            source: source.to_owned(),
            values,
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.values.contains_key(*key))
    }
}

/// All layers of one cloud as one.
pub(super) struct Settings {
    cloud: String,
    /// What describes the cloud, for messages about what is missing.
    place: String,
    values: BTreeMap<String, String>,
    sources: BTreeMap<String, String>,
}

const PROJECT: [&str; 2] = ["project_id", "project_name"];
const DOMAIN: [&str; 2] = ["domain_id", "domain_name"];
/// What a domain that is laid over it would silently be beside.
const BELOW_DOMAIN: [&str; 3] = ["project_id", "project_name", "trust_id"];
/// Scopes that take the place of any other.
const WHOLE_SCOPES: [&str; 2] = ["system_scope", "trust_id"];

impl Settings {
    /// Lays layers over each other, lowest first.
    ///
    /// # Errors
    /// Where a layer asks for a domain scope while one below it asks for a project or a trust: other tools
    /// keep these without a word.
    pub(super) fn new(cloud: &str, place: &str, layers: &[Layer]) -> Result<Self, Error> {
        let mut settings = Self {
            cloud: cloud.to_owned(),
            place: place.to_owned(),
            values: BTreeMap::new(),
            sources: BTreeMap::new(),
        };
        for layer in layers {
            settings.lay(layer)?;
        }
        Ok(settings)
    }

    fn lay(&mut self, layer: &Layer) -> Result<(), Error> {
        let is_below = self.any(&BELOW_DOMAIN).is_some();
        if layer.has_any(&DOMAIN) && !layer.has_any(&BELOW_DOMAIN) && is_below {
            let key = DOMAIN
                .iter()
                .find(|key| layer.get(key).is_some())
                .copied()
                .unwrap_or_default();
            return Err(Error::Scopes {
                cloud: self.cloud.clone(),
                first: self
                    .any(&BELOW_DOMAIN)
                    .map_or_else(String::new, |key| self.cited(key)),
                second: format!(
                    "{key} `{}` ({})",
                    layer.get(key).unwrap_or_default(),
                    layer.source
                ),
            });
        }
        for group in GROUPS {
            if layer.has_any(group) {
                group.iter().for_each(|key| self.forget(key));
            }
        }
        if layer.has_any(&WHOLE_SCOPES) {
            PROJECT
                .iter()
                .chain(&DOMAIN)
                .for_each(|key| self.forget(key));
        }
        for (key, value) in &layer.values {
            self.values.insert(key.clone(), value.clone());
            self.sources.insert(key.clone(), layer.source.clone());
        }
        Ok(())
    }

    fn forget(&mut self, key: &str) {
        self.values.remove(key);
        self.sources.remove(key);
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    fn owned(&self, key: &str) -> Option<String> {
        self.values.get(key).cloned()
    }

    fn any<'a>(&self, keys: &[&'a str]) -> Option<&'a str> {
        keys.iter()
            .copied()
            .find(|key| self.values.contains_key(*key))
    }

    fn cited(&self, key: &str) -> String {
        let source = self.sources.get(key).map_or("", String::as_str);
        format!("{key} `{}` ({source})", self.get(key).unwrap_or_default())
    }

    fn bad_value(&self, key: &str, value: &str, cause: impl Into<String>) -> Error {
        Error::Value {
            cloud: self.cloud.clone(),
            key: key.to_owned(),
            value: if Pem::is_text(value) {
                "…".to_owned()
            } else {
                value.to_owned()
            },
            cause: cause.into(),
        }
    }

    /// A setting that must be there.
    fn need(&self, setting: &Setting) -> Result<&str, Error> {
        self.get(setting.key).ok_or_else(|| self.missing(setting))
    }

    /// What to do about a setting that is not there. Variables other than a few do not reach clouds in files, so the cure depends on
    /// where the cloud is described.
    fn missing(&self, setting: &Setting) -> Error {
        let (key, flag, variable) = (setting.key, setting.flag, setting.variable());
        let cure = match self.place.as_str() {
            "OS_* variables" => format!(
                "set {variable} or give --{flag}, or choose a cloud of clouds.yaml with --os-cloud"
            ),
            "the command line" => format!("give --{flag}"),
            file => {
                let first = if setting.is_over_files {
                    format!("set {variable}, ")
                } else {
                    String::new()
                };
                format!(
                    "{first}add `{key}` under `auth` of the cloud in {file} or in secure.yaml, or give --{flag}"
                )
            }
        };
        Error::Missing {
            cloud: self.cloud.clone(),
            what: setting.what,
            cure,
        }
    }

    /// Says of this cloud why what was said about its login is none.
    fn unfit(&self, unfit: Unfit) -> Error {
        match unfit {
            Unfit::Missing(setting) => self.missing(setting),
            Unfit::Value { setting, cause } => {
                let value = match self.get(setting.key) {
                    Some(_) if setting.is_secret => "…",
                    // Before an `@` there may be a password.
                    Some(text) => text.rsplit_once('@').map_or(text, |(_, rest)| rest),
                    None => "",
                };
                self.bad_value(setting.key, value, cause)
            }
            Unfit::AuthType(auth_type) => Error::AuthType {
                cloud: self.cloud.clone(),
                auth_type,
            },
        }
    }

    /// Turns the settings into what a session needs.
    pub(super) fn into_config(self, surroundings: &Surroundings) -> Result<CloudConfig, Error> {
        let auth_url = self.auth_url()?;
        let auth = self.auth()?;
        let scope = self.scope(&auth)?;
        Ok(CloudConfig {
            region: self.owned("region_name"),
            is_region_unchosen: false,
            interfaces: self.interfaces()?,
            tls: self.tls(surroundings)?,
            proxies: Proxies::default(),
            endpoint_overrides: self.endpoint_overrides()?,
            keystone: Some(KeystoneConfig {
                auth_url,
                auth,
                scope,
            }),
            plain_services: BTreeMap::new(),
            name: self.cloud,
        })
    }

    /// The Keystone address; `{region_name}` and the like stand for other settings.
    fn auth_url(&self) -> Result<Url, Error> {
        let mut text = self.need(&AUTH_URL)?.to_owned();
        for key in ["region_name", "project_name", "project_id"] {
            if let Some(value) = self.get(key) {
                text = text.replace(&format!("{{{key}}}"), value);
            }
        }
        self.http_url("auth_url", &text)
    }

    fn http_url(&self, key: &str, text: &str) -> Result<Url, Error> {
        // What stands before an `@` may be a password.
        let shown = text
            .rsplit_once('@')
            .map_or_else(|| text.to_owned(), |(_, rest)| format!("…@{rest}"));
        let bad = |cause: &str| self.bad_value(key, &shown, cause);
        let url = Url::parse(text)
            .map_err(|_| bad("it must be a URL such as https://cloud.example.org:5000/v3"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("it must begin with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad(
                "it must not hold a user name or password; these have settings of their own",
            ));
        }
        Ok(url)
    }

    fn auth(&self) -> Result<AuthMethod, Error> {
        let given = Given::new(&self.values, self.domain_of("user"));
        AuthMethod::read(self.auth_type(), &given).map_err(|unfit| self.unfit(unfit))
    }

    /// The type given, else the one that the other settings make sense for.
    fn auth_type(&self) -> &str {
        let has = |key| self.get(key).is_some();
        match self.get("auth_type") {
            Some(given) => given,
            None if has("application_credential_secret") && !has("password") => {
                "v3applicationcredential"
            }
            None if has("token") && self.any(&["username", "user_id"]).is_none() => "v3token",
            None => "v3password",
        }
    }

    /// The domain of the user or project: its own, else the one given for both, else the default.
    fn domain_of(&self, whose: &str) -> DomainRef {
        let named = |prefix: &str| {
            let name = self.owned(&format!("{prefix}_name")).map(DomainRef::Name);
            name.or_else(|| self.owned(&format!("{prefix}_id")).map(DomainRef::Id))
        };
        named(&format!("{whose}_domain"))
            .or_else(|| named("domain"))
            .or_else(|| named("default_domain"))
            .unwrap_or_else(|| DomainRef::Id("default".to_owned()))
    }

    fn scope(&self, auth: &AuthMethod) -> Result<TokenScope, Error> {
        let system = self.get("system_scope");
        if let Some(value) = system.filter(|value| *value != "all") {
            return Err(self.bad_value("system_scope", value, "the only system scope is `all`"));
        }
        let (project, domain) = (self.any(&PROJECT), self.any(&DOMAIN));
        let both = |one: &str, other: &str| {
            Err(Error::Scopes {
                cloud: self.cloud.clone(),
                first: self.cited(one),
                second: self.cited(other),
            })
        };
        let trust = self.get("trust_id").map(|_| "trust_id");
        let system_key = system.map(|_| "system_scope");
        if auth.kind().is_bound
            && let Some(key) = trust.or(project).or(domain).or(system_key)
        {
            let cause = format!(
                "the scope of the {} is that of the project in which it was made, and it takes no other: remove {key} ({})",
                auth.kind().what,
                self.sources.get(key).map_or("", String::as_str)
            );
            return Err(self.bad_value(key, self.get(key).unwrap_or_default(), cause));
        }
        if let Some(trust) = self.owned("trust_id") {
            return match project.or(domain).or(system_key) {
                Some(key) => both("trust_id", key),
                None => Ok(TokenScope::Trust(trust)),
            };
        }
        match (project, domain, system) {
            (Some(key), _, Some(_)) | (None, Some(key), Some(_)) => both("system_scope", key),
            (Some(project), Some(domain), None) if !self.is_shorthand(domain) => {
                both(project, domain)
            }
            (Some(_), _, None) => Ok(self.project_scope()),
            (None, Some(_), None) => Ok(TokenScope::Domain(match self.owned("domain_name") {
                Some(name) => DomainRef::Name(name),
                None => DomainRef::Id(self.owned("domain_id").unwrap_or_default()),
            })),
            (None, None, Some(_)) => Ok(TokenScope::System),
            (None, None, None) => Ok(TokenScope::Unscoped),
        }
    }

    /// `domain_*` beside a project is short for the domain of the user and the project, unless
    /// both are already given or it is their domain anyway.
    fn is_shorthand(&self, domain: &str) -> bool {
        let value = self.get(domain);
        let given = |whose: &str| {
            self.any(&[
                format!("{whose}_domain_id").as_str(),
                format!("{whose}_domain_name").as_str(),
            ])
            .is_some()
        };
        let same = |whose: &str| self.get(&format!("{whose}_{domain}")) == value;
        !given("user") || !given("project") || (same("user") && same("project"))
    }

    fn project_scope(&self) -> TokenScope {
        let (id, name) = (self.owned("project_id"), self.owned("project_name"));
        let has_domain = self
            .any(&[
                "project_domain_id",
                "project_domain_name",
                "domain_id",
                "domain_name",
            ])
            .is_some();
        // With an id at hand a domain that nobody gave is not assumed.
        let domain =
            (name.is_some() && (id.is_none() || has_domain)).then(|| self.domain_of("project"));
        TokenScope::Project { id, name, domain }
    }

    fn interfaces(&self) -> Result<Vec<Interface>, Error> {
        let Some(text) = self.get("interface") else {
            return Ok(vec![Interface::Public]);
        };
        text.split(',')
            .map(str::trim)
            .map(|word| {
                word.parse()
                    .map_err(|_| self.bad_value("interface", word, "use public, internal or admin"))
            })
            .collect()
    }

    fn tls(&self, surroundings: &Surroundings) -> Result<Tls, Error> {
        let pem = |key| {
            let value = self.get(key);
            value.map(|value| Pem::of(value, |path| surroundings.path(path)))
        };
        let verify =
            self.flag("verify")?.unwrap_or(true) && !self.flag("insecure")?.unwrap_or(false);
        if let (Some(key), None) = (self.get("key"), self.get("cert")) {
            return Err(self.bad_value(
                "key",
                key,
                "a key needs its certificate: give `cert` (--os-cert) as well",
            ));
        }
        let bundle = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]
            .iter()
            .find_map(|name| surroundings.var(name));
        let bundle = bundle
            .map(|text| surroundings.path(text))
            .filter(|path| path.is_file());
        Ok(Tls {
            ca: pem("cacert").or(bundle.map(Pem::File)),
            cert: pem("cert"),
            key: pem("key"),
            verify,
        })
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, Error> {
        let Some(text) = self.get(key) else {
            return Ok(None);
        };
        match text.to_lowercase().as_str() {
            "true" | "yes" | "on" | "1" | "y" | "t" => Ok(Some(true)),
            "false" | "no" | "off" | "0" | "n" | "f" => Ok(Some(false)),
            _ => Err(self.bad_value(key, text, "use true or false")),
        }
    }

    /// `<service>_endpoint_override`, by official service type; the official word before aliases.
    fn endpoint_overrides(&self) -> Result<BTreeMap<String, Url>, Error> {
        let mut overrides = BTreeMap::new();
        for (key, text) in &self.values {
            let Some(word) = key.strip_suffix("_endpoint_override") else {
                continue;
            };
            let service = word.replace('_', "-");
            let url = self.http_url(key, text)?;
            let official = official_service_type(&service)
                .unwrap_or(&service)
                .to_owned();
            if official == service {
                overrides.insert(official, url);
            } else {
                overrides.entry(official).or_insert(url);
            }
        }
        Ok(overrides)
    }
}
