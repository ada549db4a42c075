//! What has changed between two locks, in words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::{Lock, LockedKind, LockedRule, Source};

impl Lock {
    /// What `now` has that is revoked or not locked, lacks that is locked, or has otherwise: a sentence each.
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut found = self.revoked_in(now);
        for (name, then, now) in pairs(&self.rules, &now.rules) {
            match (then, now) {
                (Some(then), Some(now)) => {
                    let changes = then.differences(now).into_iter();
                    found.extend(changes.map(|change| format!("{name}: {change}")));
                }
                (None, Some(_)) => found.push(format!("{name} is not locked")),
                (Some(_), None) => found.push(format!("{name} is locked, and not there")),
                (None, None) => {}
            }
        }
        found
    }
}

impl LockedRule {
    fn differences(&self, now: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if self.sha256 != now.sha256 {
            let (then, now) = (&self.sha256, &now.sha256);
            found.push(format!("another file: SHA-256 {now}, not {then}"));
        }
        source(&mut found, self.source.as_ref(), now.source.as_ref());
        signer(&mut found, self.signed_by.as_ref(), now.signed_by.as_ref());
        changed(&mut found, "contract", &self.contract, &now.contract);
        set(&mut found, "be asked for", &self.exports, &now.exports);
        set(&mut found, "ask for", &self.unusual, &now.unusual);
        for (name, then, now) in pairs(&self.limits, &now.limits) {
            let common = "the common one".to_owned();
            let word = |value: Option<&u64>| value.map_or(common.clone(), u64::to_string);
            changed(
                &mut found,
                &format!("limit {name}"),
                &word(then),
                &word(now),
            );
        }
        for (name, then, now) in pairs(&self.kinds, &now.kinds) {
            match (then, now) {
                (Some(then), Some(now)) => {
                    let changes = then.differences(now).into_iter();
                    found.extend(changes.map(|change| format!("{name} {change}")));
                }
                (None, Some(now)) => {
                    let requests = now.requests.join(", ");
                    found.push(format!("new kind {name}, which may send {requests}"));
                }
                (Some(_), None) => found.push(format!("no kind {name} any more")),
                (None, None) => {}
            }
        }
        found
    }
}

impl LockedKind {
    fn differences(&self, now: &Self) -> Vec<String> {
        let mut found = Vec::new();
        changed(&mut found, "service", &self.service, &now.service);
        changed(&mut found, "listing", &self.listed, &now.listed);
        changed(&mut found, "place of the id", &self.id, &now.id);
        changed(
            &mut found,
            "place of the project",
            &self.project,
            &now.project,
        );
        for (what, then, now) in [
            ("place of the age", &self.created_at, &now.created_at),
            ("place of the state", &self.status, &now.status),
            ("place of the tags", &self.tags, &now.tags),
        ] {
            changed(&mut found, what, then, now);
        }
        set(&mut found, "read names at", &self.names, &now.names);
        set(&mut found, "be owned by", &self.owners, &now.owners);
        set(&mut found, "go after all", &self.after, &now.after);
        set(&mut found, "send", &self.requests, &now.requests);
        set(
            &mut found,
            "be given up in the state",
            &self.failed_states,
            &now.failed_states,
        );
        set(&mut found, "read", &self.reads, &now.reads);
        sight(&mut found, &self.sees, &now.sees);
        set(
            &mut found,
            "say of its effects",
            &self.effects,
            &now.effects,
        );
        found
    }
}

fn source(found: &mut Vec<String>, then: Option<&Source>, now: Option<&Source>) {
    let words = match (then, now) {
        (Some(then), Some(now)) if then.reference == now.reference => {
            if then.manifest == now.manifest {
                return;
            }
            let Source {
                reference,
                manifest,
            } = now;
            format!(
                "{reference} is another manifest: {manifest}, not {}",
                then.manifest
            )
        }
        (Some(then), Some(now)) => {
            format!("from {}, not from {}", now.reference, then.reference)
        }
        (None, Some(now)) => format!("from {}", now.reference),
        (Some(then), None) => format!("no longer from {}", then.reference),
        (None, None) => return,
    };
    found.push(words);
}

fn signer(found: &mut Vec<String>, then: Option<&String>, now: Option<&String>) {
    found.extend(match (then, now) {
        (Some(then), Some(now)) if then != now => Some(format!("signed by {now}, not by {then}")),
        (Some(then), None) => Some(format!("no longer signed by {then}")),
        (None, Some(now)) => Some(format!("signed by {now}")),
        (Some(_), Some(_)) | (None, None) => None,
    });
}

fn changed(found: &mut Vec<String>, what: &str, then: &str, now: &str) {
    if then != now {
        found.push(format!("{what}: {now:?}, not {then:?}"));
    }
}

/// What is new is said before what is no longer, for that is what wants a second look.
fn set<T: Display + PartialEq>(found: &mut Vec<String>, verb: &str, then: &[T], now: &[T]) {
    let new = now.iter().filter(|it| !then.contains(it));
    let old = then.iter().filter(|it| !now.contains(it));
    found.extend(new.map(|it| format!("may also {verb} {it}")));
    found.extend(old.map(|it| format!("may no longer {verb} {it}")));
}

/// Who declares nothing to see sees everything, so the first such word takes away, and the last one that goes gives.
fn sight(found: &mut Vec<String>, then: &[String], now: &[String]) {
    match (then.is_empty(), now.is_empty()) {
        (true, false) => found.push(format!(
            "sees no longer everything but secrets, only what it declares and {}",
            now.join(", ")
        )),
        (false, true) => found.push("sees everything but secrets now".to_owned()),
        (true, true) | (false, false) => set(found, "see", then, now),
    }
}

/// The values of two maps, side by side.
fn pairs<'a, K: Ord, V>(
    then: &'a BTreeMap<K, V>,
    now: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (&'a K, Option<&'a V>, Option<&'a V>)> {
    let keys: BTreeSet<&K> = then.keys().chain(now.keys()).collect();
    keys.into_iter()
        .map(|key| (key, then.get(key), now.get(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
version = 1

[rules.a]
sha256 = "0a"
contract = "0.1.0"
signed_by = "RWa"

[rules.a.source]
reference = "oci://r.example.org/a:1"
manifest = "sha256:0c"

[rules.a.limits]
cpu_ms_max = 5

[rules.a.kinds."dns.zone"]
service = "dns"
listed = "across projects"
id = "/id"
names = ["/name"]
project = "/project_id"
owners = []
requests = ["DELETE /v2/zones/{id}"]
"#;

    fn differences(from: &str, to: &str) -> Vec<String> {
        let (then, now) = (Lock::parse(LOCK).unwrap(), LOCK.replace(from, to));
        then.differences(&Lock::parse(&now).unwrap())
    }

    #[test]
    fn what_is_the_same_is_not_different() {
        assert_eq!(differences("", ""), Vec::<String>::new());
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn each_change_is_said_in_words() {
        for (from, to, words) in [
            ("\"0a\"", "\"0b\"", "a: another file: SHA-256 0b, not 0a"),
            (
                "sha256:0c",
                "sha256:0d",
                "a: oci://r.example.org/a:1 is another manifest: sha256:0d, not sha256:0c",
            ),
            (
                "/a:1",
                "/b:1",
                "a: from oci://r.example.org/b:1, not from oci://r.example.org/a:1",
            ),
            ("RWa", "RWb", "a: signed by RWb, not by RWa"),
            ("signed_by = \"RWa\"", "", "a: no longer signed by RWa"),
            (
                "cpu_ms_max = 5",
                "cpu_ms_max = 6",
                "a: limit cpu_ms_max: \"6\", not \"5\"",
            ),
            (
                "cpu_ms_max = 5",
                "",
                "a: limit cpu_ms_max: \"the common one\", not \"5\"",
            ),
            (
                "service = \"dns\"",
                "service = \"compute\"",
                "a: dns.zone service: \"compute\", not \"dns\"",
            ),
            (
                "id = \"/id\"",
                "id = \"/name\"",
                "a: dns.zone place of the id: \"/name\", not \"/id\"",
            ),
            (
                "project = ",
                "tags = \"/tags\"\nproject = ",
                "a: dns.zone place of the tags: \"/tags\", not \"\"",
            ),
            (
                "owners = []",
                "after = [\"dns.tld\"]\nfailed_states = [\"ERROR\"]",
                "a: dns.zone may also go after all dns.tld",
            ),
            (
                "owners = []",
                "after = [\"dns.tld\"]\nfailed_states = [\"ERROR\"]",
                "a: dns.zone may also be given up in the state ERROR",
            ),
            (
                "signed_by",
                "exports = [\"order\"]\nsigned_by",
                "a: may also be asked for order",
            ),
            (
                "[\"/name\"]",
                "[\"/name\", \"/title\"]",
                "a: dns.zone may also read names at /title",
            ),
            (
                "/zones/{id}\"",
                "/zones/{id}\", \"POST /v2/zones/{id}/x\"",
                "a: dns.zone may also send POST /v2/zones/{id}/x",
            ),
            (
                "\"DELETE /v2/zones/{id}\"",
                "",
                "a: dns.zone may no longer send DELETE /v2/zones/{id}",
            ),
            (
                "dns.zone",
                "dns.tld",
                "a: new kind dns.tld, which may send DELETE /v2/zones/{id}",
            ),
            (
                "owners = []",
                "sees = [\"/serial\", \"/ttl\"]",
                "a: dns.zone sees no longer everything but secrets, only what it declares and /serial, /ttl",
            ),
            ("rules.a", "rules.b", "a is locked, and not there"),
        ] {
            let found = differences(from, to);
            assert!(found.iter().any(|it| it == words), "{words}: {found:?}");
        }
    }

    #[test]
    fn what_a_rule_sees_more_is_told_from_what_it_sees_less() {
        let with = |sees: &str| {
            let line = format!("owners = []\nsees = [{sees}]");
            Lock::parse(&LOCK.replace("owners = []", &line)).unwrap()
        };
        let (few, more, none) = (with("\"/a\""), with("\"/a\", \"/b\""), with(""));
        for (then, now, words) in [
            (&few, &more, "a: dns.zone may also see /b"),
            (&more, &few, "a: dns.zone may no longer see /b"),
            (&few, &none, "a: dns.zone sees everything but secrets now"),
        ] {
            assert_eq!(then.differences(now), [words]);
        }
    }

    #[test]
    fn what_is_no_lock_is_refused() {
        for (text, words) in [
            ("", "version"),
            ("version = 2\n", "knows only 1"),
            ("version = 1\nrule = 1\n", "unknown field"),
            (&LOCK.replace("contract", "contracts"), "contract"),
        ] {
            let error = Lock::parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{words}: {error}");
        }
    }
}
