//! The runner's own configuration: one TOML file, checked as a whole. Unknown keys are refused, for a misspelled limit would be no
//! limit at all.

mod bounds;
pub mod clouds;
mod guard;
mod presets;
mod proxies;
mod registries;
mod services;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cloud::HttpLimits;
use crate::engine::EngineLimits;
use crate::guest::{Grants, Limits};
use crate::name::{FormatConfig, FormatConfigError, NamedFormat, built_in};
use crate::resource::KindPattern;
use crate::signature::Signatures;

use clouds::Surroundings;

pub use guard::GuardConfig;
pub use presets::Preset;
pub use registries::RegistryConfig;
pub use services::{ClientAuth, OAuth2Config, ServiceConfig};

/// A day: what was reviewed yesterday may be executed this morning.
const PLAN_AGE_S_MAX: u64 = 86_400;

/// Tools of clouds take seconds to log in; what takes longer waits for somebody.
const COMMAND_S_MAX: u64 = 30;

/// What `runner.toml` may hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What a sweep never touches.
    pub protect: Protect,
    /// Guards of every sweep.
    pub guard: GuardConfig,
    /// Limits of a sweep, and what it need not look at.
    pub sweep: SweepConfig,
    /// What narrows a sweep, by the name that --preset takes.
    pub presets: BTreeMap<String, Preset>,
    /// Limits of every rule.
    pub limits: Limits,
    /// Limits of requests, and which way they take.
    pub http: HttpConfig,
    /// Further name formats, beside the built-in ones of Rally.
    pub formats: Vec<FormatConfig>,
    /// Single rules, by their file name without `.wasm`.
    pub rules: BTreeMap<String, RuleConfig>,
    /// REST services outside the cloud's catalog, by the name that rules use.
    pub services: BTreeMap<String, ServiceConfig>,
    /// Registries that rules are fetched from, by host and port.
    pub registries: BTreeMap<String, RegistryConfig>,
    /// Whose signatures of rules are trusted.
    pub signatures: Signatures,
}

/// What a sweep never touches.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Protect {
    /// Things with one of these tags: `tag` or `key=value`.
    pub tags: BTreeSet<String>,
    /// Projects, by name or id, and all that is in them.
    pub projects: BTreeSet<String>,
}

/// Limits of a sweep, and what it need not look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SweepConfig {
    /// Listings asked for at once.
    pub listings_max: usize,
    /// Deletions under way at once, over all services.
    pub deletions_max: usize,
    /// How long a purge may take, in seconds.
    pub deadline_s: u64,
    /// How long a thing may take to disappear after its deletion was accepted, in seconds.
    pub disappear_s_max: u64,
    /// How often a deletion is tried that other things stand in the way of.
    pub attempts_max: u32,
    /// The same, while nothing else moves.
    pub idle_attempts_max: u32,
    /// Pause before the second attempt or look, in milliseconds.
    pub pause_ms_min: u64,
    /// Longest pause between attempts and between looks, in milliseconds.
    pub pause_ms_max: u64,
    /// Age of a listing, in seconds, from which on a thing is looked at again before its deletion.
    pub sight_s_max: u64,
    /// Age of a saved plan, in seconds, from which on it is not executed.
    pub plan_age_s_max: u64,
    /// Service types that need not be looked at.
    pub unlooked: BTreeSet<String>,
}

/// Limits of requests, in the file's units, and which way they take.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Time to connect, in seconds.
    pub connect_timeout_s: u64,
    /// Time for one attempt at a request, in seconds.
    pub request_timeout_s: u64,
    /// Size of one answer, in bytes after decompression.
    pub response_bytes_max: usize,
    /// Attempts at one request that meets 429, 503 or a broken connection.
    pub attempts_max: usize,
    /// Longest pause that a server may ask for, in seconds.
    pub retry_after_s_max: u64,
    /// Requests under way to one service.
    pub in_flight_max: usize,
    /// How long a command may take that prints a token or password, in seconds.
    pub command_s_max: u64,
    /// Proxy for all requests, or `none`; instead of `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY`.
    #[serde(skip_serializing)]
    pub proxy: Option<String>,
    /// Hosts, domains, addresses and networks that are reached without a proxy; instead of `NO_PROXY`.
    #[serde(skip_serializing)]
    pub no_proxy: Option<Vec<String>>,
    /// Whether a proxy may read requests over plain HTTP, tokens included.
    #[serde(skip_serializing)]
    pub plain_http_through_proxy: bool,
}

/// What one rule is allowed beyond the ordinary, what it is not left of its own, and its limits.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RuleConfig {
    /// What it is allowed beyond the ordinary.
    pub trust: BTreeSet<Trust>,
    /// Kinds that it is left, of those it describes. Without it all; an empty list leaves none.
    pub only: Option<Vec<KindPattern>>,
    /// Kinds that it is not left.
    pub except: Vec<KindPattern>,
    /// Its limits, instead of the common ones.
    pub limits: Option<Limits>,
}

/// Something that no rule may do unless the operator says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// Take ids, names or projects from fields that are not called so.
    UnusualFields,
}

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no valid configuration.
    #[error("the configuration file {} is not valid: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
    /// A name format is no name format.
    #[error("[[formats]] holds what is no name format")]
    Format(#[from] FormatConfigError),
    /// Something is said of a rule that is not there.
    #[error(
        "[rules.{name}] is for a rule that is not loaded{}: rules are called by their file's name without .wasm, and there are: {}",
        clouds::nearest(name, loaded),
        loaded.join(", ")
    )]
    UnknownRule {
        /// The name.
        name: String,
        /// Rules that are loaded.
        loaded: Vec<String>,
    },
    /// A service's authentication makes no sense.
    #[error("[services.{name}]: {why}")]
    Service {
        /// The service.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// A proxy, or where none is to be used, cannot be told.
    #[error("{why}")]
    Proxy {
        /// What is wrong, with the key.
        why: String,
    },
    /// Who we are at a registry cannot be told.
    #[error("[registries.\"{name}\"]: {why}")]
    Registry {
        /// The registry.
        name: String,
        /// What is wrong.
        why: String,
    },
}

impl Default for SweepConfig {
    fn default() -> Self {
        let EngineLimits {
            listings_max,
            deletions_max,
            deadline_s,
            disappear_s_max,
            attempts_max,
            idle_attempts_max,
            pause_ms_min,
            pause_ms_max,
            sight_s_max,
        } = EngineLimits::default();
        Self {
            listings_max,
            deletions_max,
            deadline_s,
            disappear_s_max,
            attempts_max,
            idle_attempts_max,
            pause_ms_min,
            pause_ms_max,
            sight_s_max,
            plan_age_s_max: PLAN_AGE_S_MAX,
            unlooked: BTreeSet::new(),
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        let limits = HttpLimits::default();
        Self {
            connect_timeout_s: limits.connect_timeout.as_secs(),
            request_timeout_s: limits.request_timeout.as_secs(),
            response_bytes_max: limits.response_bytes_max,
            attempts_max: limits.attempts_max,
            retry_after_s_max: limits.retry_after_max.as_secs(),
            in_flight_max: limits.in_flight_max,
            command_s_max: COMMAND_S_MAX,
            proxy: None,
            no_proxy: None,
            plain_http_through_proxy: false,
        }
    }
}

impl Config {
    /// Reads the configuration: the given file, or `runner.toml` in the working directory, or `runner/config.toml` in the user's
    /// configuration folder; without any, the defaults.
    ///
    /// # Errors
    /// If a file is there that cannot be read or is not valid. A given file must be there.
    pub fn load(given: Option<&Path>, surroundings: &Surroundings) -> Result<Self, ConfigError> {
        let user_dir = match surroundings
            .env
            .get("XDG_CONFIG_HOME")
            .filter(|dir| !dir.is_empty())
        {
            Some(dir) => Some(PathBuf::from(dir)),
            None => surroundings.home.as_ref().map(|home| home.join(".config")),
        };
        let standard = [
            Some(surroundings.cwd.join("runner.toml")),
            user_dir.map(|dir| dir.join("runner/config.toml")),
        ];
        let found = standard.into_iter().flatten().find(|path| path.exists());
        match given.map(|path| surroundings.cwd.join(path)).or(found) {
            None => Ok(Self::default()),
            Some(path) => {
                let text =
                    std::fs::read_to_string(&path).map_err(|source| ConfigError::Unreadable {
                        path: path.clone(),
                        source,
                    })?;
                let read = toml::from_str(&text).map_err(|error| error.to_string());
                let checked = read.and_then(|config: Self| match bounds::flaw(&config) {
                    None => Ok(config),
                    Some(flaw) => Err(flaw),
                });
                checked.map_err(|message| ConfigError::Invalid { path, message })
            }
        }
    }

    /// Limits of the engine.
    pub fn engine_limits(&self) -> EngineLimits {
        EngineLimits {
            listings_max: self.sweep.listings_max,
            deletions_max: self.sweep.deletions_max,
            deadline_s: self.sweep.deadline_s,
            disappear_s_max: self.sweep.disappear_s_max,
            attempts_max: self.sweep.attempts_max,
            idle_attempts_max: self.sweep.idle_attempts_max,
            pause_ms_min: self.sweep.pause_ms_min,
            pause_ms_max: self.sweep.pause_ms_max,
            sight_s_max: self.sweep.sight_s_max,
        }
    }

    /// Refuses what is said of a rule that is not among those loaded: it would not do what was meant.
    ///
    /// # Errors
    /// If there is such a rule.
    pub fn check_rules(&self, loaded: &[String]) -> Result<(), ConfigError> {
        match self.rules.keys().find(|name| !loaded.contains(name)) {
            None => Ok(()),
            Some(name) => Err(ConfigError::UnknownRule {
                name: name.clone(),
                loaded: loaded.to_vec(),
            }),
        }
    }

    /// Limits of requests.
    pub fn http_limits(&self) -> HttpLimits {
        HttpLimits {
            connect_timeout: Duration::from_secs(self.http.connect_timeout_s),
            request_timeout: Duration::from_secs(self.http.request_timeout_s),
            response_bytes_max: self.http.response_bytes_max,
            attempts_max: self.http.attempts_max,
            retry_after_max: Duration::from_secs(self.http.retry_after_s_max),
            in_flight_max: self.http.in_flight_max,
            ..HttpLimits::default()
        }
    }

    /// All name formats: the built-in ones, then the file's.
    ///
    /// # Errors
    /// If one of the file's is no name format.
    pub fn name_formats(&self) -> Result<Vec<NamedFormat>, ConfigError> {
        let further = self.formats.iter().cloned().map(NamedFormat::try_from);
        let further: Vec<NamedFormat> = further.collect::<Result<_, _>>()?;
        Ok(built_in().into_iter().chain(further).collect())
    }

    /// What a rule is granted.
    pub fn grants(&self, rule: &str) -> Grants {
        let Some(config) = self.rules.get(rule) else {
            return Grants {
                signatures: self.signatures.clone(),
                limits: self.limits.clone(),
                ..Grants::default()
            };
        };
        Grants {
            unusual_fields: config.trust.contains(&Trust::UnusualFields),
            only: config.only.clone(),
            except: config.except.clone(),
            sha256: None,
            signatures: self.signatures.clone(),
            limits: config.limits.clone().unwrap_or_else(|| self.limits.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings(dir: &Path) -> Surroundings {
        let env = BTreeMap::from([("TOKEN".to_owned(), "t".to_owned())]);
        Surroundings {
            env,
            cwd: dir.to_owned(),
            home: None,
            system_dirs: Vec::new(),
        }
    }

    fn load(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("runner.toml"), text).unwrap();
        Config::load(None, &surroundings(dir.path()))
    }

    #[test]
    fn without_a_file_the_defaults_hold() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::load(None, &surroundings(dir.path())).unwrap();
        assert_eq!(config.limits, Limits::default());
        assert_eq!(config.engine_limits(), EngineLimits::default());
        assert_eq!(config.name_formats().unwrap().len(), built_in().len());
        assert!(Config::load(Some(Path::new("absent.toml")), &surroundings(dir.path())).is_err());
    }

    #[test]
    fn what_is_given_counts() {
        let config = load(
            r#"
            [protect]
            tags = ["keep"]
            [sweep]
            deletions_max = 8
            unlooked = ["dns"]
            [http]
            in_flight_max = 4
            [[formats]]
            label = "ci"
            format = "ci-XXXXXXXX-XXXXXXXX"
            [rules.harbor]
            trust = ["unusual-fields"]
            limits = { memory_bytes_max = 100000 }
            [services.registry]
            url = "http://127.0.0.1:5000"
            bearer_token_env = "TOKEN"
            "#,
        )
        .unwrap();
        assert_eq!(config.engine_limits().deletions_max, 8);
        assert!(config.sweep.unlooked.contains("dns"));
        assert_eq!(config.http_limits().in_flight_max, 4);
        assert_eq!(config.name_formats().unwrap().len(), built_in().len() + 1);
        assert!(config.grants("harbor").unusual_fields && !config.grants("other").unusual_fields);
        assert_eq!(config.grants("harbor").limits.memory_bytes_max, 100_000);
        let services = config
            .plain_services(&surroundings(Path::new("/")))
            .unwrap();
        assert!(services.contains_key("registry"));
    }

    #[test]
    fn what_is_unknown_is_refused_with_its_place() {
        for text in [
            "[limit]\n",
            "[limits]\nmemory_bytes = 1\n",
            "[rules.a]\ntrust = [\"everything\"]\n",
            "[[formats]]\nlabel = 1\n",
        ] {
            let error = load(text).unwrap_err().to_string();
            assert!(
                error.contains("runner.toml") && error.contains("line"),
                "{error}"
            );
        }
    }

    #[test]
    fn what_would_stop_the_runner_is_refused_with_its_bounds() {
        for (text, words) in [
            (
                "[sweep]\nlistings_max = 0\n",
                "listings_max under [sweep] is 0",
            ),
            (
                "[sweep]\ndeadline_s = 9223372036854775807\n",
                "deadline_s under [sweep] is 9223372036854775807",
            ),
            (
                "[http]\nattempts_max = 0\n",
                "attempts_max under [http] is 0",
            ),
        ] {
            let error = load(text).unwrap_err().to_string();
            assert!(
                error.contains("runner.toml") && error.contains(words),
                "{error}"
            );
        }
    }

    #[test]
    fn what_is_said_of_a_rule_must_fit_one_that_is_loaded() {
        let loaded = ["openstack_compute", "openstack_network"].map(str::to_owned);
        let fits = load("[rules.openstack_network]\nonly = [\"*\"]\n").unwrap();
        assert!(fits.check_rules(&loaded).is_ok());
        let slip = load("[rules.openstack-network]\nexcept = [\"network.port\"]\n").unwrap();
        let error = slip.check_rules(&loaded).unwrap_err().to_string();
        assert!(
            error.contains("[rules.openstack-network]")
                && error.contains("did you mean `openstack_network`?"),
            "{error}"
        );
    }
}
