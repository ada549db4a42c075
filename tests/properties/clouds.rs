//! Of two places that say something about the cloud the one counts that the documentation says, and no file, however broken, gets a
//! value of its own into an error about its form.

use std::collections::BTreeMap;
use std::fs;

use arbitrary::{Arbitrary, Result, Unstructured};
use runner::cloud::TokenScope;
use runner::config::clouds::{CloudOptions, Error, Surroundings, resolve};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::draw;

const SAMPLES: &[&str] = &[
    r"clouds:
  a: &a
    auth: {auth_url: http://k:5000/v3, username: ann, password: hunter2, project_name: web, user_domain_id: default}
    region_name: [East, West]
    interface: internal
  b:
    <<: *a
    profile: p
    verify: no
    regions:
    - East
    - {name: West, values: {auth: {project_name: ops}, compute_endpoint_override: http://n/v2.1}}
",
    r#"{"clouds": {"a": {"auth": {"auth_url": "http://k:5000", "token": "hunter2", "project_id": "p"}, "auth_type": "token"}}}"#,
    "clouds:\n  a:\n    auth:\n      password: hunter2\n",
];
const WORDS: &[&str] = &[
    "hunter2",
    ":",
    " ",
    "\n",
    "  ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "*a",
    "&a ",
    "<<: ",
    "!!int ",
    "|\n",
    "'",
    "\"",
    "#",
    "---\n",
    "null",
    "password: hunter2\n",
    "auth: hunter2\n",
    "regions: hunter2\n",
    "clouds: ",
    "1",
    "~",
    "true",
    "%TAG",
    "? ",
    "é",
];

/// Files and variables.
#[derive(Debug)]
pub struct Case {
    broken: String,
    said: BTreeMap<(Key, Place), String>,
}

/// What is said about the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Username,
    Password,
    Project,
    Region,
}

/// Where it is said; of two places the later one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Auth,
    SecureAuth,
    Top,
    SecureTop,
    Environment,
    CommandLine,
}

const KEYS: [(Key, &str); 4] = [
    (Key::Username, "username"),
    (Key::Password, "password"),
    (Key::Project, "project_name"),
    (Key::Region, "region_name"),
];
const PLACES: [Place; 6] = [
    Place::Auth,
    Place::SecureAuth,
    Place::Top,
    Place::SecureTop,
    Place::Environment,
    Place::CommandLine,
];

impl Key {
    /// Variables do not reach into a cloud of a file but for the scope and the region; a region stands at the top.
    fn may_stand(self, place: Place) -> bool {
        !matches!(
            (self, place),
            (Self::Username | Self::Password, Place::Environment)
                | (Self::Region, Place::Auth | Place::SecureAuth)
        )
    }
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let mut said = BTreeMap::new();
        for (key, _) in KEYS {
            for place in PLACES {
                if key.may_stand(place) && bytes.arbitrary()? {
                    let value = bytes.choose(&["v", "0123", "a b", "é", "yes", "x: y", "~"])?;
                    said.insert((key, place), format!("{value}{place:?}"));
                }
            }
        }
        Ok(Self {
            broken: draw::document(bytes, SAMPLES, WORDS)?,
            said,
        })
    }
}

pub fn holds(case: Case) {
    broken_files_are_errors(&case.broken);
    the_last_place_counts(&case.said);
}

fn with_files(
    clouds: &str,
    secure: &str,
    env: &[(&str, String)],
    options: &CloudOptions,
) -> std::result::Result<runner::cloud::CloudConfig, Error> {
    thread_local! {
        static FOLDER: tempfile::TempDir = tempfile::tempdir().expect("a folder");
    }
    FOLDER.with(|folder| {
        let at = folder.path();
        fs::write(at.join("clouds.yaml"), clouds).expect("a file");
        fs::write(at.join("secure.yaml"), secure).expect("a file");
        let surroundings = Surroundings {
            env: env
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            cwd: at.to_owned(),
            home: None,
            system_dirs: Vec::new(),
        };
        resolve(options, &surroundings)
    })
}

fn broken_files_are_errors(text: &str) {
    for (clouds, secure, name) in [(text, "{}", "a"), (SAMPLES[0], text, "b")] {
        let options = CloudOptions {
            cloud: Some(name.to_owned()),
            ..CloudOptions::default()
        };
        match with_files(clouds, secure, &[], &options) {
            Ok(config) => assert!(!config.interfaces.is_empty(), "no interface to ask"),
            Err(error @ Error::Malformed { .. }) => {
                assert!(!error.to_string().contains("hunter2"), "{error}");
            }
            Err(_) => {}
        }
    }
}

fn the_last_place_counts(said: &BTreeMap<(Key, Place), String>) {
    let at = |place: Place| -> Value {
        let here = KEYS.iter().filter_map(|(key, name)| {
            Some(((*name).to_owned(), said.get(&(*key, place))?.clone().into()))
        });
        Value::Object(here.collect())
    };
    let mut cloud = at(Place::Top);
    cloud["auth"] = at(Place::Auth);
    cloud["auth"]["auth_url"] = "http://k:5000/v3".into();
    let mut secure = at(Place::SecureTop);
    secure["auth"] = at(Place::SecureAuth);
    let file = |cloud: &Value| json!({"clouds": {"a": cloud}}).to_string();
    let variable =
        |key: Key, name: &'static str| Some((name, said.get(&(key, Place::Environment))?.clone()));
    let env: Vec<(&str, String)> = [
        variable(Key::Project, "OS_PROJECT_NAME"),
        variable(Key::Region, "OS_REGION_NAME"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let given = |key: Key| said.get(&(key, Place::CommandLine)).cloned();
    let mut options = CloudOptions {
        cloud: Some("a".to_owned()),
        region_name: given(Key::Region),
        ..CloudOptions::default()
    };
    for (key, name) in KEYS {
        if let (false, Some(value)) = (key == Key::Region, given(key)) {
            options = options.with(name, value);
        }
    }
    let last = |key: Key| {
        let mut values = said.range((key, Place::Auth)..=(key, Place::CommandLine));
        values.next_back().map(|(_, value)| value.as_str())
    };
    let config = match with_files(&file(&cloud), &file(&secure), &env, &options) {
        Ok(config) => config,
        // Where several regions are listed, another one is refused.
        Err(Error::UnknownRegion { .. }) => return,
        Err(error) => {
            assert!(
                last(Key::Username).is_none() || last(Key::Password).is_none(),
                "{error}"
            );
            return;
        }
    };
    let keystone = config.keystone.expect("a cloud with Keystone");
    let shown = keystone
        .first_request()
        .expect("a password is shown to Keystone");
    let shown: Value = serde_json::from_str(shown.expose_secret()).expect("JSON");
    let user = &shown["auth"]["identity"]["password"]["user"];
    assert_eq!(user["name"].as_str(), last(Key::Username));
    assert_eq!(user["password"].as_str(), last(Key::Password));
    let project = match &keystone.scope {
        TokenScope::Project { name, .. } => name.as_deref(),
        _ => None,
    };
    assert_eq!(project, last(Key::Project));
    assert_eq!(config.region.as_deref(), last(Key::Region));
}
