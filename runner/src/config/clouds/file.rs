//! The files: where clouds.yaml, secure.yaml and clouds-public.yaml are found, and what of them is
//! read.
//!
//! Decides nothing about meaning. Scalars are kept as they are written (`0123` stays `0123`), and
//! keys that are not ours may hold anything. The invariant: no value of a file gets into an error.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::DuplicateKeyPolicy;

use super::{Error, Surroundings};
use crate::cloud::login_setting;

const SUFFIXES: [&str; 3] = ["yaml", "yml", "json"];

/// Keys that are read beside those of a login; `*_endpoint_override` as well. Everything else belongs to other tools.
const TEXT_KEYS: &[&str] = &[
    "auth_plugin",
    "auth_token",
    "cacert",
    "cert",
    "cloud",
    "insecure",
    "key",
    "profile",
    "tenant_id",
    "tenant_name",
    "user_name",
    "verify",
];

/// Keys that may hold one word or a list of words.
const LIST_KEYS: [&str; 4] = ["auth_methods", "endpoint_type", "interface", "region_name"];

/// All that the files say.
pub(super) struct Files {
    /// The file that was found, if any.
    path: Option<PathBuf>,
    searched: Vec<PathBuf>,
    /// Clouds by name, with secure.yaml merged in.
    pub(super) clouds: BTreeMap<String, Entry>,
}

impl Files {
    pub(super) fn load(surroundings: &Surroundings) -> Result<Self, Error> {
        let searched = surroundings.search_dirs();
        let main = find(
            "clouds",
            Some("OS_CLIENT_CONFIG_FILE"),
            &searched,
            surroundings,
        )?;
        let secure = find(
            "secure",
            Some("OS_CLIENT_SECURE_FILE"),
            &searched,
            surroundings,
        )?;
        let (path, mut clouds) = match main {
            Some((path, document)) => (Some(path), document.clouds()),
            None => (None, BTreeMap::new()),
        };
        for (name, entry) in secure
            .map(|(_, document)| document.clouds())
            .unwrap_or_default()
        {
            clouds.entry(name).or_default().merge(entry);
        }
        Ok(Self {
            path,
            searched,
            clouds,
        })
    }

    /// The file for messages, or where one was looked for.
    pub(super) fn described(&self) -> String {
        match &self.path {
            Some(path) => format!("`{}`", path.display()),
            None => format!("clouds.yaml (none was found in {})", self.searched()),
        }
    }

    /// The directories for messages.
    pub(super) fn searched(&self) -> String {
        let mut shown: Vec<String> = Vec::new();
        for dir in &self.searched {
            let dir = dir.display().to_string();
            if !shown.contains(&dir) {
                shown.push(dir);
            }
        }
        shown.join(", ")
    }

    /// The profile that an entry names, out of clouds-public.yaml.
    ///
    /// # Errors
    /// Where it is not there and the entry cannot do without.
    pub(super) fn profile(
        &self,
        cloud: &str,
        entry: &Entry,
        surroundings: &Surroundings,
    ) -> Result<Option<Entry>, Error> {
        let Some(name) = entry
            .values
            .get("profile")
            .or_else(|| entry.values.get("cloud"))
        else {
            return Ok(None);
        };
        let public = find("clouds-public", None, &self.searched, surroundings)?;
        let profile = public.and_then(|(_, document)| document.public_clouds()?.remove(name));
        if profile.is_none() && !entry.flat().contains_key("auth_url") {
            return Err(Error::Value {
                cloud: cloud.to_owned(),
                key: "profile".to_owned(),
                value: name.clone(),
                cause: format!(
                    "no clouds-public.yaml in {} has it, and profiles built into other tools are not known \
                     here: write its auth_url into the cloud's own `auth`",
                    self.searched()
                ),
            });
        }
        Ok(profile)
    }
}

/// Finds and reads a file: the one a variable names, else the first in the directories. One
/// that may not be read is passed over, as other tools do, unless it was named.
fn find(
    stem: &str,
    variable: Option<&'static str>,
    dirs: &[PathBuf],
    surroundings: &Surroundings,
) -> Result<Option<(PathBuf, Document)>, Error> {
    let named = variable
        .and_then(|variable| Some((variable, surroundings.path(surroundings.var(variable)?))));
    if let Some((variable, path)) = named {
        return match fs::read_to_string(&path) {
            Ok(text) => parse(&path, &text).map(|document| Some((path, document))),
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                Err(Error::NoSuchFile { variable, path })
            }
            Err(source) => Err(Error::Unreadable { path, source }),
        };
    }
    let candidates = dirs
        .iter()
        .flat_map(|dir| SUFFIXES.map(|suffix| dir.join(format!("{stem}.{suffix}"))));
    for path in candidates {
        match fs::read_to_string(&path) {
            Ok(text) => return parse(&path, &text).map(|document| Some((path, document))),
            Err(source)
                if matches!(
                    source.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) => {}
            Err(source) if source.kind() == io::ErrorKind::PermissionDenied => {
                tracing::warn!(path = %path.display(), "not readable, passed over");
            }
            Err(source) => return Err(Error::Unreadable { path, source }),
        }
    }
    Ok(None)
}

/// JSON is read as the YAML that it also is.
fn parse(path: &Path, text: &str) -> Result<Document, Error> {
    let malformed = |cause: String| Error::Malformed {
        path: path.to_owned(),
        cause,
    };
    if text.trim().is_empty() {
        return Err(malformed(
            "the file is empty; it needs a `clouds` mapping".to_owned(),
        ));
    }
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| malformed(error.without_snippet().to_string()))
}

/// One file.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    clouds: Option<BTreeMap<String, Option<Entry>>>,
    #[serde(default, rename = "public-clouds")]
    public_clouds: Option<BTreeMap<String, Option<Entry>>>,
}

impl Document {
    fn clouds(self) -> BTreeMap<String, Entry> {
        filled(self.clouds.unwrap_or_default())
    }

    fn public_clouds(self) -> Option<BTreeMap<String, Entry>> {
        self.public_clouds.map(filled)
    }
}

fn filled(entries: BTreeMap<String, Option<Entry>>) -> BTreeMap<String, Entry> {
    entries
        .into_iter()
        .map(|(name, entry)| (name, entry.unwrap_or_default()))
        .collect()
}

/// One cloud, profile, or a region's values, as written. Holds secrets, hence no `Debug`.
#[derive(Default, Clone)]
pub(super) struct Entry {
    values: BTreeMap<String, String>,
    auth: BTreeMap<String, String>,
    /// Keys under `auth` that are not ours.
    strange: Vec<String>,
    regions: Option<Vec<(String, Entry)>>,
}

impl Entry {
    /// Top level over `auth`.
    pub(super) fn flat(&self) -> BTreeMap<String, String> {
        let mut flat = self.auth.clone();
        flat.extend(self.values.clone());
        flat
    }

    /// Keys under `auth` that nobody here knows.
    pub(super) fn strange(&self) -> &[String] {
        &self.strange
    }

    /// The regions with their values: the `regions` list, else the words of `region_name`.
    pub(super) fn regions(&self) -> Option<Vec<(String, Self)>> {
        let words = |names: &String| {
            let names = names
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty());
            names
                .map(|name| (name.to_owned(), Self::default()))
                .collect()
        };
        self.regions
            .clone()
            .or_else(|| self.values.get("region_name").map(words))
    }

    /// Lays another entry over this one, key by key.
    fn merge(&mut self, over: Self) {
        self.values.extend(over.values);
        self.auth.extend(over.auth);
        self.strange.extend(over.strange);
        if over.regions.is_some() {
            self.regions = over.regions;
        }
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping of settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
        let mut entry = Entry::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.replace('-', "_").as_str() {
                "auth" => {
                    let auth = map.next_value::<Option<Auth>>()?.unwrap_or_default();
                    (entry.auth, entry.strange) = (auth.known, auth.strange);
                }
                "regions" => {
                    let regions = map.next_value::<Option<Vec<Region>>>()?;
                    entry.regions = regions.map(|list| {
                        list.into_iter()
                            .map(|Region(name, values)| (name, values))
                            .collect()
                    });
                }
                key => {
                    if let Some(value) = next_setting(&mut map, key)? {
                        entry.values.insert(key.to_owned(), value);
                    }
                }
            }
        }
        Ok(entry)
    }
}

/// The value of a key that is ours, if it has one; steps over all others.
fn next_setting<'de, A: MapAccess<'de>>(
    map: &mut A,
    key: &str,
) -> Result<Option<String>, A::Error> {
    if LIST_KEYS.contains(&key) {
        return Ok(map.next_value::<Words>()?.0);
    }
    if is_ours(key) {
        return Ok(map
            .next_value::<Option<String>>()?
            .filter(|value| !value.is_empty()));
    }
    map.next_value::<IgnoredAny>()?;
    Ok(None)
}

fn is_ours(key: &str) -> bool {
    LIST_KEYS.contains(&key)
        || TEXT_KEYS.contains(&key)
        || login_setting(key).is_some()
        || key.ends_with("_endpoint_override")
}

/// The mapping under `auth`.
#[derive(Default)]
struct Auth {
    known: BTreeMap<String, String>,
    strange: Vec<String>,
}

impl<'de> Deserialize<'de> for Auth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AuthVisitor;
        impl<'de> Visitor<'de> for AuthVisitor {
            type Value = Auth;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping of authentication settings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Auth, A::Error> {
                let mut auth = Auth::default();
                while let Some(key) = map.next_key::<String>()? {
                    let key = key.replace('-', "_");
                    if !is_ours(&key) {
                        auth.strange.push(key.clone());
                    }
                    if let Some(value) = next_setting(&mut map, &key)? {
                        auth.known.insert(key, value);
                    }
                }
                Ok(auth)
            }
        }
        deserializer.deserialize_map(AuthVisitor)
    }
}

/// One word or a list of words, kept as words with commas between.
struct Words(Option<String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordsVisitor;
        impl<'de> Visitor<'de> for WordsVisitor {
            type Value = Words;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or a list of words")
            }

            fn visit_str<E>(self, text: &str) -> Result<Words, E> {
                Ok(Words(Some(text.to_owned()).filter(|text| !text.is_empty())))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Words, E> {
                Ok(Words(Some(number.to_string())))
            }

            fn visit_unit<E>(self) -> Result<Words, E> {
                Ok(Words(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Words, A::Error> {
                let mut words: Vec<String> = Vec::new();
                while let Some(word) = list.next_element()? {
                    words.push(word);
                }
                Ok(Words(Some(words.join(",")).filter(|text| !text.is_empty())))
            }
        }
        deserializer.deserialize_any(WordsVisitor)
    }
}

/// One item of `regions`: a name, or a name with values.
struct Region(String, Entry);

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RegionVisitor;
        impl<'de> Visitor<'de> for RegionVisitor {
            type Value = Region;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a region's name, or a mapping of `name` and `values`")
            }

            fn visit_str<E>(self, name: &str) -> Result<Region, E> {
                Ok(Region(name.to_owned(), Entry::default()))
            }

            fn visit_u64<E>(self, name: u64) -> Result<Region, E> {
                Ok(Region(name.to_string(), Entry::default()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Region, A::Error> {
                let (mut name, mut values) = (None, Entry::default());
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "name" => name = Some(map.next_value()?),
                        "values" => values = map.next_value::<Option<Entry>>()?.unwrap_or_default(),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                let name = name.ok_or_else(|| serde::de::Error::missing_field("name"))?;
                Ok(Region(name, values))
            }
        }
        deserializer.deserialize_any(RegionVisitor)
    }
}
