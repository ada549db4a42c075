//! Which cloud to use, and how: clouds.yaml, secure.yaml, `OS_*` and the command line resolved to
//! one [`CloudConfig`], by the rules that OpenStack's own tools follow.
//!
//! No network, and no look at the process: environment and directories are handed in as
//! [`Surroundings`]. The invariant: a choice that two sources make differently is settled by a
//! stated rule or refused, never mixed.
//!
//! | question | rule |
//! |---|---|
//! | which file | `OS_CLIENT_CONFIG_FILE`, else the first `clouds.{yaml,yml,json}` in the working directory, the user's, the system's configuration directories; `secure.*` likewise, laid over it key by key |
//! | which cloud | `--os-cloud`, else `OS_CLOUD`, else the one that `OS_*` describe (`envvars`, or `OS_CLOUD_NAME`), else the only one in the file |
//! | which value | command line, else environment (for a cloud from a file only the region, the scope with its domains, and what is new for each run: token, passcode, access token), else the region's `values`, else the cloud's entry, else its `auth`, else its profile |
//!
//! Stricter than those tools in four places, because this one deletes: an
//! `OS_CLIENT_CONFIG_FILE` that does not exist is an error; a project given by id and by name must
//! be one project; a domain scope laid over a project scope is refused; and so is a key under `auth`
//! that is almost one of ours, for what was meant by it would not count.

mod file;
mod settings;

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use self::file::{Entry, Files};
use self::settings::{ALIASES, Layer, Settings};
use crate::cloud::{AuthType, CloudConfig, login_settings};

/// Variables that choose a cloud or a file but do not describe one.
const SELECTORS: [&str; 5] = [
    "OS_CLOUD",
    "OS_REGION_NAME",
    "OS_CLIENT_CONFIG_FILE",
    "OS_CLIENT_SECURE_FILE",
    "OS_CLOUD_NAME",
];

/// Prefixes of variables that belong to OpenStack's own test and logging machinery.
const FOREIGN_PREFIXES: [&str; 3] = ["OS_TEST", "OS_STD", "OS_LOG"];

/// Keys whose variables also apply to a cloud that a file describes, beside those of which the table of settings says so.
const ENV_OVER_FILE: [&str; 3] = ["region_name", "tenant_id", "tenant_name"];

/// How alike a key and one of ours are when the one is taken for a slip of the other.
const SLIP_MIN: f64 = 0.93;

/// What the command line says about the cloud; every field that is `None` was not given.
#[derive(Debug, Clone, Default)]
pub struct CloudOptions {
    /// `--os-cloud`.
    pub cloud: Option<String>,
    /// `--os-region-name`.
    pub region_name: Option<String>,
    /// `--os-interface`: public, internal or admin, or several with commas in order of preference.
    pub interface: Option<String>,
    /// `--os-cacert`.
    pub cacert: Option<String>,
    /// `--os-cert`.
    pub cert: Option<String>,
    /// `--os-key`.
    pub key: Option<String>,
    /// `--insecure`, or `Some(false)` for `--verify`.
    pub insecure: Option<bool>,
    /// What is said about the login, by the keys of [`login_settings`]; a flag each.
    pub login: BTreeMap<&'static str, SecretString>,
}

impl CloudOptions {
    /// The same with one more word about the login, as its flag says it.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<SecretString>) -> Self {
        self.login.insert(key, value.into());
        self
    }

    fn layer(&self) -> Layer {
        let flag = |value: bool| value.to_string();
        let given = [
            ("region_name", self.region_name.clone()),
            ("interface", self.interface.clone()),
            ("cacert", self.cacert.clone()),
            ("cert", self.cert.clone()),
            ("key", self.key.clone()),
            ("insecure", self.insecure.map(flag)),
            ("verify", self.insecure.map(|insecure| flag(!insecure))),
        ];
        let values = given
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)));
        let login = self.login.iter();
        let login = login.map(|(key, value)| ((*key).to_owned(), value.expose_secret().to_owned()));
        Layer::new("the command line", values.chain(login).collect())
    }
}

/// The process as far as configuration may see it.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// Working directory: searched first, and what relative paths are relative to.
    pub cwd: PathBuf,
    /// The user's home directory.
    pub home: Option<PathBuf>,
    /// Directories of the system's configuration, searched last, best first.
    pub system_dirs: Vec<PathBuf>,
}

impl Surroundings {
    /// A secret in a variable, if that is set.
    pub(super) fn secret(&self, variable: &str) -> Option<SecretString> {
        let value = self.env.get(variable).filter(|value| !value.is_empty());
        value.cloned().map(SecretString::from)
    }

    /// The surroundings of this process. Variables that are not UTF-8 are left out.
    ///
    /// # Errors
    /// When the working directory cannot be told.
    pub fn of_process() -> std::io::Result<Self> {
        let text = |(key, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((key.into_string().ok()?, value.into_string().ok()?))
        };
        let env: BTreeMap<String, String> = std::env::vars_os().filter_map(text).collect();
        let mut system_dirs: Vec<PathBuf> =
            match env.get("XDG_CONFIG_DIRS").filter(|dirs| !dirs.is_empty()) {
                _ if cfg!(target_os = "macos") => {
                    vec![PathBuf::from("/Library/Application Support/openstack")]
                }
                Some(dirs) => dirs
                    .split(':')
                    .map(|dir| PathBuf::from(dir).join("openstack"))
                    .collect(),
                None => vec![PathBuf::from("/etc/xdg/openstack")],
            };
        system_dirs.push(PathBuf::from("/etc/openstack"));
        Ok(Self {
            env,
            cwd: std::env::current_dir()?,
            home: std::env::home_dir(),
            system_dirs,
        })
    }

    /// A variable, unless it is empty: shells set empty ones to mean none.
    fn var(&self, name: &str) -> Option<&str> {
        self.env
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Where clouds.yaml and its companions are looked for, in order.
    fn search_dirs(&self) -> Vec<PathBuf> {
        let mut dirs = vec![self.cwd.clone()];
        let under_home = |path: &str| self.home.as_ref().map(|home| home.join(path));
        let native = if cfg!(target_os = "macos") {
            under_home("Library/Application Support/openstack")
        } else {
            let xdg = self
                .var("XDG_CONFIG_HOME")
                .map(|dir| PathBuf::from(dir).join("openstack"));
            xdg.or_else(|| under_home(".config/openstack"))
        };
        let snap = self
            .var("SNAP_REAL_HOME")
            .map(|home| PathBuf::from(home).join(".config/openstack"));
        dirs.extend(native);
        dirs.extend(snap.or_else(|| under_home(".config/openstack")));
        dirs.extend(self.system_dirs.iter().cloned());
        dirs
    }

    /// A path from a file or variable: `~` is the home directory, relative means to `cwd`.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        match (
            text.strip_prefix('~')
                .map(|rest| rest.strip_prefix('/').unwrap_or(rest)),
            &self.home,
        ) {
            (Some(rest), Some(home)) if text == "~" || text.starts_with("~/") => home.join(rest),
            (Some(_) | None, _) => self.cwd.join(text),
        }
    }

    /// The cloud that `OS_*` describe, if they say more than which cloud to take.
    fn env_cloud(&self) -> Option<BTreeMap<String, String>> {
        let named: Vec<(&str, &str)> = self
            .env
            .iter()
            .filter(|(key, value)| key.starts_with("OS_") && !value.is_empty())
            .filter(|(key, _)| {
                !FOREIGN_PREFIXES
                    .iter()
                    .any(|prefix| key.starts_with(prefix))
            })
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        let describes = named.iter().any(|(key, _)| !SELECTORS.contains(key));
        describes.then(|| {
            let setting = |(key, value): (&str, &str)| {
                Some((key.strip_prefix("OS_")?.to_lowercase(), value.to_owned()))
            };
            named.into_iter().filter_map(setting).collect()
        })
    }
}

/// A cloud that cannot be resolved. Each message is one paragraph: what is wrong, where, and the cure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that was named does not exist.
    #[error("{variable} names `{}`, which does not exist: correct the path or unset the variable", path.display())]
    NoSuchFile {
        /// `OS_CLIENT_CONFIG_FILE` or `OS_CLIENT_SECURE_FILE`.
        variable: &'static str,
        /// The path.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file is not the YAML it should be. The cause names line and column, never a value.
    #[error("`{}` is no valid cloud configuration: {cause}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where in the file.
        cause: String,
    },
    /// The cloud asked for is not in the file.
    #[error(
        "there is no cloud `{name}` in {file}{}; it has: {}",
        nearest(name, known),
        list(known)
    )]
    UnknownCloud {
        /// The name asked for.
        name: String,
        /// The file searched, or where one was looked for.
        file: String,
        /// Clouds that are there.
        known: Vec<String>,
    },
    /// Several clouds, and none was chosen.
    #[error(
        "no cloud is chosen: give --os-cloud or OS_CLOUD; {file} has: {}",
        list(known)
    )]
    NoCloudChosen {
        /// The file.
        file: String,
        /// Clouds that are there.
        known: Vec<String>,
    },
    /// Nothing describes any cloud.
    #[error(
        "no cloud is configured: there is no clouds.yaml in {searched}, and no OS_AUTH_URL; write a clouds.yaml, \
         source an openrc file, or give --os-auth-url and what goes with it"
    )]
    NothingConfigured {
        /// Directories searched.
        searched: String,
    },
    /// A cloud in a file has the name of the one that `OS_*` describe.
    #[error(
        "{file} has a cloud `{name}`, which is also the name of the cloud that OS_* variables describe: rename \
         the one in the file, or set OS_CLOUD_NAME to another name"
    )]
    NameClash {
        /// The name.
        name: String,
        /// The file.
        file: String,
    },
    /// Something that is needed was not given.
    #[error("cloud `{cloud}` has no {what}: {cure}")]
    Missing {
        /// The cloud.
        cloud: String,
        /// What is missing.
        what: &'static str,
        /// Where it may be given.
        cure: String,
    },
    /// A value that cannot be used.
    #[error("cloud `{cloud}`: {key} is `{value}`: {cause}")]
    Value {
        /// The cloud.
        cloud: String,
        /// The setting.
        key: String,
        /// Its value; never a secret.
        value: String,
        /// What is wrong with it and what would be right.
        cause: String,
    },
    /// An authentication type that is not supported.
    #[error(
        "cloud `{cloud}` has the auth_type `{auth_type}`, which is not supported: use {}",
        auth_types()
    )]
    AuthType {
        /// The cloud.
        cloud: String,
        /// The type.
        auth_type: String,
    },
    /// A key that nobody reads, and that is almost one that counts.
    #[error(
        "cloud `{cloud}` has `{key}` under `auth` in {file}, which nothing reads: did you mean `{near}`? Correct it, or remove it"
    )]
    UnknownKey {
        /// The cloud.
        cloud: String,
        /// The key.
        key: String,
        /// Where it stands.
        file: String,
        /// The key that it resembles.
        near: &'static str,
    },
    /// More than one scope.
    #[error(
        "cloud `{cloud}` asks for {first} and for {second} at once: a token has one scope, so remove one of them"
    )]
    Scopes {
        /// The cloud.
        cloud: String,
        /// One scope and where it comes from.
        first: String,
        /// The other.
        second: String,
    },
    /// A region that the cloud does not have.
    #[error(
        "cloud `{cloud}` has no region `{region}`{}; it has: {} (upper and lower case differ)",
        nearest(region, known),
        list(known)
    )]
    UnknownRegion {
        /// The cloud.
        cloud: String,
        /// The region.
        region: String,
        /// Regions it has.
        known: Vec<String>,
    },
}

fn auth_types() -> String {
    let names = AuthType::all().iter().map(|it| it.name());
    names.collect::<Vec<_>>().join(", ")
}

fn list(known: &[String]) -> String {
    if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    }
}

/// A hint at a name that differs by a slip or two.
pub(crate) fn nearest(name: &str, known: &[String]) -> String {
    const SIMILARITY_MIN: f64 = 0.7;
    let scored = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate));
    let best = scored
        .filter(|(score, _)| *score >= SIMILARITY_MIN)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    best.map_or_else(String::new, |(_, candidate)| {
        format!(" (did you mean `{candidate}`?)")
    })
}

/// Resolves the cloud to use.
///
/// # Errors
/// [`Error`], which names the source of the trouble and its cure.
pub fn resolve(options: &CloudOptions, surroundings: &Surroundings) -> Result<CloudConfig, Error> {
    let files = Files::load(surroundings)?;
    let env_name = surroundings.var("OS_CLOUD_NAME").unwrap_or("envvars");
    if files.clouds.contains_key(env_name) {
        return Err(Error::NameClash {
            name: env_name.to_owned(),
            file: files.described(),
        });
    }
    let env_cloud = surroundings.env_cloud();
    let asked = options
        .cloud
        .as_deref()
        .filter(|name| !name.is_empty())
        .or_else(|| surroundings.var("OS_CLOUD"));
    let cli = options.layer();
    let wanted_region = cli
        .get("region_name")
        .or_else(|| surroundings.var("OS_REGION_NAME"))
        .map(str::to_owned);
    match (asked, env_cloud) {
        (Some(name), Some(values)) if name == env_name => from_env(name, values, cli, surroundings),
        (Some(name), _) => {
            let entry = files
                .clouds
                .get(name)
                .ok_or_else(|| unknown(name, &files))?;
            from_file(name, entry, &files, wanted_region, cli, surroundings)
        }
        (None, Some(values)) => from_env(env_name, values, cli, surroundings),
        (None, None) => match files.clouds.iter().collect::<Vec<_>>().as_slice() {
            [(name, entry)] => from_file(name, entry, &files, wanted_region, cli, surroundings),
            [] if cli.get("auth_url").is_some() => {
                let region = wanted_region.map(|region| ("region_name".to_owned(), region));
                let layers = [
                    Layer::new("the environment", region.into_iter().collect()),
                    cli,
                ];
                Settings::new("defaults", "the command line", &layers)?.into_config(surroundings)
            }
            [] => Err(Error::NothingConfigured {
                searched: files.searched(),
            }),
            several => {
                let known = several.iter().map(|(name, _)| (*name).clone()).collect();
                Err(Error::NoCloudChosen {
                    file: files.described(),
                    known,
                })
            }
        },
    }
}

fn unknown(name: &str, files: &Files) -> Error {
    Error::UnknownCloud {
        name: name.to_owned(),
        file: files.described(),
        known: files.clouds.keys().cloned().collect(),
    }
}

fn from_env(
    name: &str,
    values: BTreeMap<String, String>,
    cli: Layer,
    surroundings: &Surroundings,
) -> Result<CloudConfig, Error> {
    let layers = [Layer::new("the environment", values), cli];
    Settings::new(name, "OS_* variables", &layers)?.into_config(surroundings)
}

fn from_file(
    name: &str,
    entry: &Entry,
    files: &Files,
    wanted_region: Option<String>,
    cli: Layer,
    surroundings: &Surroundings,
) -> Result<CloudConfig, Error> {
    let profile = files.profile(name, entry, surroundings)?;
    let listed = entry.regions();
    let listed = listed.or_else(|| profile.as_ref().and_then(Entry::regions));
    let listed = listed.unwrap_or_default();
    let is_region_unchosen = wanted_region.is_none() && listed.len() > 1;
    let region = choose_region(name, listed, wanted_region)?;
    let over_files = login_settings().into_iter().filter(|it| it.is_over_files);
    let over_files = over_files.map(|it| it.key).chain(ENV_OVER_FILE);
    let from_env = over_files.filter_map(|key| {
        let value = surroundings.var(&format!("OS_{}", key.to_uppercase()))?;
        Some((key.to_owned(), value.to_owned()))
    });
    let mut from_env: BTreeMap<String, String> = from_env.collect();
    if let Some(token) = surroundings.var("OS_AUTH_TOKEN") {
        from_env
            .entry("token".to_owned())
            .or_insert_with(|| token.to_owned());
    }
    let in_file = files.described();
    let mut strange = entry.strange().to_vec();
    let mut layers = Vec::new();
    layers.extend(profile.map(|profile| Layer::new("its profile", profile.flat())));
    layers.push(Layer::new(&in_file, entry.flat()));
    if let Some((region_name, values)) = region {
        strange.extend_from_slice(values.strange());
        let mut values = values.flat();
        values.insert("region_name".to_owned(), region_name);
        layers.push(Layer::new(&in_file, values));
    }
    layers.push(Layer::new("the environment", from_env));
    layers.push(cli);
    let config = Settings::new(name, &in_file, &layers)?.into_config(surroundings)?;
    if let Some((key, near)) = slip(&strange) {
        return Err(Error::UnknownKey {
            cloud: name.to_owned(),
            key: key.to_owned(),
            file: in_file,
            near,
        });
    }
    Ok(CloudConfig {
        is_region_unchosen,
        ..config
    })
}

/// A key that is almost one of a login's, and that one. What other tools read under `auth` resembles none.
fn slip(strange: &[String]) -> Option<(&str, &'static str)> {
    let aliases = ALIASES.iter().map(|(alias, _)| *alias);
    let settings = login_settings().into_iter().map(|it| it.key);
    let known: Vec<&'static str> = settings.chain(aliases).collect();
    strange.iter().find_map(|key| {
        let scored = known.iter().map(|it| (strsim::jaro_winkler(key, it), *it));
        let best = scored.max_by(|one, other| one.0.total_cmp(&other.0));
        let (_, near) = best.filter(|(score, _)| *score >= SLIP_MIN)?;
        Some((key.as_str(), near))
    })
}

/// The region to use with its own values: the one asked for, else the first the cloud lists.
fn choose_region(
    cloud: &str,
    listed: Vec<(String, Entry)>,
    wanted: Option<String>,
) -> Result<Option<(String, Entry)>, Error> {
    let Some(wanted) = wanted else {
        return Ok(listed.into_iter().next());
    };
    if listed.is_empty() {
        return Ok(Some((wanted, Entry::default())));
    }
    let known: Vec<String> = listed.iter().map(|(name, _)| name.clone()).collect();
    let found = listed.into_iter().find(|(name, _)| *name == wanted);
    found.map(Some).ok_or_else(|| Error::UnknownRegion {
        cloud: cloud.to_owned(),
        region: wanted,
        known,
    })
}

#[cfg(test)]
mod tests;
