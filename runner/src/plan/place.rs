//! Where and how a plan was made. A saved plan is good for that place, and for no other.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Where a plan was made, as whom, by which rules, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The cloud, by the name that it is configured with. People's word: two machines may call one cloud differently.
    pub cloud: String,
    /// Keystone's address, if there is a Keystone.
    pub auth_url: Option<String>,
    /// The region, if one was chosen.
    pub region: Option<String>,
    /// Which endpoints are used, in order of preference.
    pub interfaces: Vec<String>,
    /// Where the requests of each service go that a rule asks for. Two clouds may share a Keystone, and there may be none.
    #[serde(default)]
    pub endpoints: BTreeMap<String, String>,
    /// On whose authority: name and id.
    pub user: String,
    /// What the token is good for.
    pub scope: String,
    /// The SHA-256 of each rule, by its name.
    pub rules: BTreeMap<String, String>,
    /// The tasks. None: every task.
    pub tasks: Vec<String>,
    /// When the plan was made.
    pub made_at: Timestamp,
    /// Which runner made it.
    pub version: String,
}

impl Place {
    /// The first thing in which this place, where a plan was made, differs from where it is to be executed. `None`: it is the same
    /// place. When and by which version it was made does not count, nor does what a cloud with a Keystone is called.
    pub fn difference(&self, here: &Self) -> Option<String> {
        let cloud = |place: &Self| match &place.auth_url {
            Some(url) => {
                let url = url.trim_end_matches('/');
                url.strip_suffix("/v3").unwrap_or(url).to_owned()
            }
            None => place.cloud.clone(),
        };
        let region = |place: &Self| match &place.region {
            Some(region) => region.clone(),
            None => "not chosen".to_owned(),
        };
        let tasks = |place: &Self| match place.tasks.as_slice() {
            [] => "every task".to_owned(),
            tasks => tasks.join(", "),
        };
        let features = [
            ("cloud", cloud(self), cloud(here)),
            ("region", region(self), region(here)),
            (
                "interface",
                self.interfaces.join(", "),
                here.interfaces.join(", "),
            ),
            ("user", self.user.clone(), here.user.clone()),
            ("token", self.scope.clone(), here.scope.clone()),
            ("task", tasks(self), tasks(here)),
        ];
        let differing = features.into_iter().find(|(_, then, now)| then != now);
        differing
            .map(|(what, then, now)| format!("its {what} was {then}, and here it is {now}"))
            .or_else(|| self.other_endpoint(here))
            .or_else(|| self.other_rule(here))
    }

    /// A service whose requests went elsewhere.
    fn other_endpoint(&self, here: &Self) -> Option<String> {
        let services = self.endpoints.keys().chain(here.endpoints.keys());
        let services: BTreeSet<&String> = services.collect();
        let nowhere = "nowhere".to_owned();
        services.into_iter().find_map(|service| {
            let at = |place: &'_ Self| place.endpoints.get(service).unwrap_or(&nowhere).clone();
            let (then, now) = (at(self), at(here));
            (then != now).then(|| format!("its {service} was at {then}, and here it is at {now}"))
        })
    }

    /// A rule that is not what it was, or is there only once.
    fn other_rule(&self, here: &Self) -> Option<String> {
        let names = self.rules.keys().chain(here.rules.keys());
        let mut names: Vec<&String> = names.collect();
        names.sort();
        names
            .into_iter()
            .find_map(|name| match (self.rules.get(name), here.rules.get(name)) {
                (Some(then), Some(now)) if then == now => None,
                (Some(_), Some(_)) => Some(format!("the rule {name} is another one now")),
                (Some(_), None) => Some(format!("the rule {name} is not here")),
                (None, _) => Some(format!("the rule {name} was not there")),
            })
    }

    /// Whether a run here takes up what an earlier one left there: it looks wherever that one did, for all its tasks.
    pub fn takes_up(&self, earlier: &Self) -> bool {
        // Of a service that only one of them asks for, the other has seen nothing and touches nothing.
        let endpoints = earlier.endpoints.iter().map(|(service, then)| {
            let now = self.endpoints.get(service).unwrap_or(then);
            (service.clone(), now.clone())
        });
        let meant = Self {
            tasks: earlier.tasks.clone(),
            rules: earlier.rules.clone(),
            endpoints: endpoints.collect(),
            ..self.clone()
        };
        let is_of_all = self.tasks.is_empty();
        let is_meant = |it: &String| self.tasks.iter().any(|own| is_same_task(own, it));
        let has_its_tasks = !earlier.tasks.is_empty() && earlier.tasks.iter().all(is_meant);
        earlier.difference(&meant).is_none() && (is_of_all || has_its_tasks)
    }

    /// Whether a plan that was made then is older by now than so many seconds. One that was made in the future is, by as much.
    pub fn is_older_than(&self, age_s_max: u64, now: Timestamp) -> bool {
        now.duration_since(self.made_at).as_secs().unsigned_abs() > age_s_max
    }
}

/// Whether names of a task that was given one way are names of it as well that was given the other way: bare or with dashes, whole
/// or by its first eight digits.
fn is_same_task(now: &str, then: &str) -> bool {
    const SHORT: usize = 8;
    let bare = |id: &str| id.replace('-', "").to_ascii_lowercase();
    let (now, then) = (bare(now), bare(then));
    now == then || (now.len() == SHORT && then.starts_with(&now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            cloud: "prod".to_owned(),
            auth_url: Some("https://keystone.example.org/v3".to_owned()),
            region: Some("RegionOne".to_owned()),
            interfaces: vec!["public".to_owned()],
            endpoints: [("compute".to_owned(), "https://nova.example.org/".to_owned())].into(),
            user: "admin (u1)".to_owned(),
            scope: "project admin (p1) of domain Default".to_owned(),
            rules: [("network".to_owned(), "abc".to_owned())].into(),
            tasks: vec!["t1".to_owned()],
            made_at: "2026-01-02T00:00:00Z".parse().unwrap(),
            version: "runner 0.1.0".to_owned(),
        }
    }

    type Change = fn(&mut Place);

    #[test]
    fn another_place_is_told_by_its_first_difference() {
        let cases: &[(&str, Change)] = &[
            (
                "its cloud was https://keystone.example.org, and here it is https://other.example.org",
                |it| {
                    it.auth_url = Some("https://other.example.org/v3".to_owned());
                },
            ),
            (
                "its cloud was https://keystone.example.org, and here it is prod",
                |it| it.auth_url = None,
            ),
            (
                "its region was RegionOne, and here it is not chosen",
                |it| it.region = None,
            ),
            ("its interface was public, and here it is internal", |it| {
                it.interfaces = vec!["internal".to_owned()];
            }),
            ("its user was admin (u1), and here it is admin (u2)", |it| {
                it.user = "admin (u2)".to_owned();
            }),
            (
                "its token was project admin (p1) of domain Default, and here it is the whole system",
                |it| {
                    it.scope = "the whole system".to_owned();
                },
            ),
            (
                "its compute was at https://nova.example.org/, and here it is at https://nova2.example.org/",
                |it| {
                    let other = "https://nova2.example.org/".to_owned();
                    it.endpoints.insert("compute".to_owned(), other);
                },
            ),
            (
                "its compute was at https://nova.example.org/, and here it is at nowhere",
                |it| it.endpoints.clear(),
            ),
            ("its task was t1, and here it is every task", |it| {
                it.tasks.clear();
            }),
            ("the rule network is another one now", |it| {
                it.rules.insert("network".to_owned(), "def".to_owned());
            }),
            ("the rule network is not here", |it| it.rules.clear()),
            ("the rule image was not there", |it| {
                it.rules.insert("image".to_owned(), "abc".to_owned());
            }),
        ];
        for (expected, change) in cases {
            let mut here = place();
            change(&mut here);
            assert_eq!(place().difference(&here).as_deref(), Some(*expected));
        }
    }

    #[test]
    fn what_a_cloud_is_called_and_who_made_the_plan_when_does_not_count() {
        let cases: &[Change] = &[
            |it| it.cloud = "production".to_owned(),
            |it| it.auth_url = Some("https://keystone.example.org/v3/".to_owned()),
            |it| it.auth_url = Some("https://keystone.example.org".to_owned()),
            |it| it.version = "runner 0.2.0".to_owned(),
            |it| it.made_at = "2026-01-03T00:00:00Z".parse().unwrap(),
        ];
        for change in cases {
            let mut here = place();
            change(&mut here);
            assert_eq!(place().difference(&here), None);
        }
    }

    #[test]
    fn a_plan_grows_old_and_none_is_from_the_future() {
        for (now, expected) in [
            ("2026-01-02T00:00:00Z", false),
            ("2026-01-03T00:00:00Z", false),
            ("2026-01-03T00:00:01Z", true),
            ("2025-12-31T00:00:00Z", true),
        ] {
            let now = now.parse().unwrap();
            assert_eq!(place().is_older_than(86_400, now), expected, "{now}");
        }
    }
}
