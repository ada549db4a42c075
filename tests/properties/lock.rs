//! A lock that is written and read is the same lock, and no two locks pass for each other that lock something else.

use arbitrary::{Arbitrary, Result, Unstructured};
use runner::lock::Lock;
use toml::Value;

use super::draw;

const SAMPLES: &[&str] = &[
    "version = 1\n",
    r#"version = 1

[rules.dns]
sha256 = "0a"
contract = "0.1.0"
unusual = ["dns.zone takes its id from /x"]

[rules.dns.limits]
cpu_ms_max = 5

[rules.dns.kinds."dns.zone"]
service = "dns"
listed = "across projects"
id = "/id"
names = ["/name", "/title"]
project = "/project_id"
owners = ["dns.tld at /tld_id"]
requests = ["DELETE /v2/zones/{id}"]

[rules.network]
sha256 = "0b"
contract = "0.1.0"

[rules.network.kinds."network.port"]
service = "network"
listed = "cloud-wide"
id = "/id"
names = []
project = ""
requests = ["DELETE /v2.0/ports/{id}", "PUT /v2.0/ports/{id}"]
"#,
];

const WORDS: &[&str] = &[
    "a",
    "0",
    "\"",
    ",",
    "\"x\", ",
    "[",
    "]",
    "\n",
    "rules.",
    "[rules.x]\n",
    "sha256",
    "requests = []\n",
    "limits",
    "= ",
    "#",
    "\\n",
    "version = 2\n",
    "'''",
    "{}",
    "é",
];

/// What a rule could be given beside, or instead.
const CHANGES: &[(&str, &str)] = &[
    ("requests = [", "requests = [\"POST /v2/zones/{id}/x\", "),
    ("names = [", "names = [\"/x\", "),
    ("owners = [", "owners = [\"dns.x at /x\", "),
    ("unusual = [", "unusual = [\"x\", "),
    ("\"0a\"", "\"0c\""),
    ("0.1.0", "0.1.1"),
    ("across projects", "cloud-wide"),
    ("\"/id\"", "\"/name\""),
    ("\"/project_id\"", "\"\""),
    ("cpu_ms_max = 5", "cpu_ms_max = 6"),
    ("\"dns.zone\"", "\"dns.tld\""),
    ("[\"/name\", \"/title\"]", "[\"/title\", \"/name\"]"),
    ("version = 1", "version = 2"),
];

/// Two lock files, of which one is often made of the other.
#[derive(Debug)]
pub struct Case {
    then: String,
    now: String,
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let then = draw::document(bytes, SAMPLES, WORDS)?;
        let mut now = then.clone();
        for _ in 0..bytes.int_in_range(0..=2)? {
            let (from, to) = bytes.choose(CHANGES)?;
            now = now.replacen(from, to, 1);
        }
        for _ in 0..bytes.int_in_range(0..=2)? {
            draw::spoil(bytes, &mut now, WORDS)?;
        }
        Ok(Self { then, now })
    }
}

pub fn holds(case: Case) {
    let Ok(then) = Lock::parse(&case.then) else {
        return;
    };
    let written = then.to_text().expect("a lock can be written");
    assert_eq!(Lock::parse(&written).expect("and read"), then);
    assert_eq!(then.differences(&then), Vec::<String>::new());
    let none = then.clone().only([]);
    assert!(none.differences(&none).is_empty() && none.size().starts_with("0 "));
    let Ok(now) = Lock::parse(&case.now) else {
        return;
    };
    let locked = |lock: &Lock| normal(&lock.to_text().expect("a lock can be written"));
    let is_same = locked(&then) == locked(&now);
    assert_eq!(
        then.differences(&now).is_empty(),
        is_same,
        "{:?}",
        then.differences(&now)
    );
    for rule in ["dns", "network"] {
        if let (true, Some(sha256)) = (is_same, then.sha256(rule)) {
            assert_eq!(now.sha256(rule), Some(sha256));
        }
    }
}

/// A lock as a table in which the order of lists does not count, nor whether something stands twice in one.
fn normal(text: &str) -> Value {
    fn sorted(value: Value) -> Value {
        match value {
            Value::Array(elements) => {
                let mut texts: Vec<String> = elements.iter().map(ToString::to_string).collect();
                texts.sort();
                texts.dedup();
                texts.into()
            }
            Value::Table(members) => {
                let members = members.into_iter().map(|(name, it)| (name, sorted(it)));
                let is_empty = |it: &Value| it.as_array().is_some_and(Vec::is_empty);
                Value::Table(members.filter(|(_, it)| !is_empty(it)).collect())
            }
            other => other,
        }
    }
    sorted(toml::from_str(text).expect("a lock is TOML"))
}
