//! The kinds of the simulated clouds: what their rules say of them, and what the cloud does.
//!
//! One table holds both, side by side, because the gap between the two is where wrong deletions come from: a rule says who speaks
//! for a thing and what goes first, the cloud refuses, and takes along. The engine sees the first, the oracle judges by the second.

use std::sync::Arc;

use runner::resource::{Effects, Fields, Kind, Reach, Relation, Template};

/// A kind, by its place in [`KINDS`].
pub(crate) type K = usize;

/// How a kind is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listed {
    /// By project, or everywhere for an administrator.
    Projects,
    /// With a token for each project.
    EachProject,
    /// Only by administrators.
    Cloud,
    /// Under each thing of a kind.
    Under(K),
    /// Under each thing of a kind that is to go.
    UnderDeleted(K),
}

/// When the cloud deletes a thing because it deletes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Never,
    Always,
    /// If the cloud made it itself for the other one.
    IfMade,
    /// If it is marked so: `delete_on_termination`.
    IfMarked,
}

/// In which order the rule says that a thing and the other one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goes {
    Anyhow,
    /// This one first.
    First,
    /// The other one first.
    Then,
}

/// What a tie from a thing to one of another kind means.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) to: K,
    /// Who speaks for it, as the rule says.
    pub(crate) says: Option<Relation>,
    pub(crate) goes: Goes,
    pub(crate) taken: Taken,
    /// The other one cannot be deleted while this is there.
    pub(crate) holds: bool,
    /// This one cannot be deleted while the other one is there.
    pub(crate) held: bool,
}

/// A kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) listed: Listed,
    pub(crate) links: &'static [Link],
    /// The service deletes it over what is in it.
    pub(crate) is_container: bool,
    /// Others may use a thing of it beyond its project.
    pub(crate) can_be_shared: bool,
    /// A nameless one never goes with its project alone.
    pub(crate) nameless_stays: bool,
    /// It can be deleted against resistance.
    pub(crate) can_be_forced: bool,
    /// It only ties others to each other.
    pub(crate) is_witness: bool,
}

impl Row {
    pub(crate) fn service(&self) -> &'static str {
        self.name.split('.').next().unwrap_or_default()
    }

    /// What a tie to a thing of that kind means.
    pub(crate) fn link(&self, to: K) -> Option<&'static Link> {
        self.links.iter().find(|link| link.to == to)
    }

    pub(crate) fn parent(&self) -> Option<K> {
        match self.listed {
            Listed::Under(kind) | Listed::UnderDeleted(kind) => Some(kind),
            Listed::Projects | Listed::EachProject | Listed::Cloud => None,
        }
    }

    /// Whether its things are in projects.
    pub(crate) fn is_in_projects(&self) -> bool {
        matches!(self.listed, Listed::Projects | Listed::EachProject)
    }
}

const fn row(name: &'static str, listed: Listed, links: &'static [Link]) -> Row {
    Row {
        name,
        listed,
        links,
        is_container: false,
        can_be_shared: false,
        nameless_stays: false,
        can_be_forced: false,
        is_witness: false,
    }
}

const fn link(to: K) -> Link {
    Link {
        to,
        says: None,
        goes: Goes::Anyhow,
        taken: Taken::Never,
        holds: false,
        held: false,
    }
}

/// This one holds the other, and its rule knows it.
const fn holder(to: K, says: Option<Relation>) -> Link {
    Link {
        says,
        goes: Goes::First,
        holds: true,
        ..link(to)
    }
}

const fn part(to: K, goes: Goes) -> Link {
    Link {
        says: Some(PART),
        goes,
        taken: Taken::Always,
        ..link(to)
    }
}

const NAMED: Relation = Relation::NamedBy;
const PART: Relation = Relation::PartOf;

pub(crate) const DOMAIN: K = 0;
pub(crate) const PROJECT: K = 1;
pub(crate) const USER: K = 2;
pub(crate) const APP_CREDENTIAL: K = 3;
pub(crate) const QUOTA: K = 4;
pub(crate) const SERVER: K = 5;
pub(crate) const VOLUME: K = 6;
pub(crate) const SNAPSHOT: K = 7;
pub(crate) const NETWORK: K = 8;
pub(crate) const SUBNET: K = 9;
pub(crate) const PORT: K = 10;
pub(crate) const ROUTER: K = 11;
pub(crate) const FLOATING_IP: K = 12;
pub(crate) const BALANCER: K = 13;
pub(crate) const LISTENER: K = 14;
pub(crate) const ZONE: K = 15;
pub(crate) const RECORD_SET: K = 16;
pub(crate) const SECRET: K = 17;
pub(crate) const IMAGE: K = 18;
pub(crate) const ROLE: K = 19;
pub(crate) const ASSIGNMENT: K = 20;

/// Every kind, in the order of the constants.
pub(crate) const KINDS: &[Row] = &[
    Row {
        is_container: true,
        ..row("identity.domain", Listed::Cloud, &[])
    },
    Row {
        is_container: true,
        ..row(
            "identity.project",
            Listed::Cloud,
            &[holder(DOMAIN, None), holder(PROJECT, None)],
        )
    },
    Row {
        is_container: true,
        ..row("identity.user", Listed::Cloud, &[holder(DOMAIN, None)])
    },
    row(
        "identity.application_credential",
        Listed::Under(USER),
        // With a role go the credentials of those who hold it, and no credential says so.
        &[
            part(USER, Goes::Anyhow),
            part(PROJECT, Goes::Anyhow),
            Link {
                taken: Taken::Always,
                ..link(ROLE)
            },
        ],
    ),
    row(
        "compute.quota",
        Listed::UnderDeleted(PROJECT),
        &[part(PROJECT, Goes::Anyhow)],
    ),
    Row {
        can_be_forced: true,
        ..row("compute.server", Listed::Projects, &[])
    },
    // An attached one cannot be deleted.
    Row {
        can_be_forced: true,
        ..row(
            "block_storage.volume",
            Listed::Projects,
            &[Link {
                says: Some(NAMED),
                goes: Goes::Then,
                taken: Taken::IfMarked,
                held: true,
                ..link(SERVER)
            }],
        )
    },
    row(
        "block_storage.snapshot",
        Listed::Projects,
        &[holder(VOLUME, Some(NAMED))],
    ),
    Row {
        can_be_shared: true,
        ..row("network.network", Listed::Projects, &[])
    },
    // A network takes its subnets along if nothing else is on it.
    row(
        "network.subnet",
        Listed::Projects,
        &[Link {
            says: Some(NAMED),
            goes: Goes::First,
            taken: Taken::Always,
            ..link(NETWORK)
        }],
    ),
    row(
        "network.port",
        Listed::Projects,
        &[
            Link {
                says: Some(NAMED),
                goes: Goes::Then,
                taken: Taken::IfMade,
                ..link(SERVER)
            },
            Link {
                says: Some(NAMED),
                goes: Goes::Then,
                taken: Taken::IfMade,
                ..link(BALANCER)
            },
            holder(ROUTER, Some(NAMED)),
            holder(NETWORK, None),
            holder(SUBNET, None),
        ],
    ),
    row("network.router", Listed::Projects, &[]),
    row(
        "network.floating_ip",
        Listed::Projects,
        &[Link {
            says: Some(NAMED),
            ..link(PORT)
        }],
    ),
    row("load_balancer.load_balancer", Listed::Projects, &[]),
    row(
        "load_balancer.listener",
        Listed::Projects,
        &[part(BALANCER, Goes::Then)],
    ),
    row("dns.zone", Listed::Projects, &[]),
    row(
        "dns.recordset",
        Listed::Under(ZONE),
        &[part(ZONE, Goes::Then)],
    ),
    // The key of a volume is needed as long as the volume.
    Row {
        nameless_stays: true,
        ..row(
            "key_manager.secret",
            Listed::EachProject,
            &[Link {
                says: Some(NAMED),
                goes: Goes::Then,
                ..link(VOLUME)
            }],
        )
    },
    Row {
        can_be_shared: true,
        ..row("image.image", Listed::Projects, &[])
    },
    row("identity.role", Listed::Cloud, &[]),
    Row {
        is_witness: true,
        ..row(
            "identity.role_assignment",
            Listed::Cloud,
            &[
                part(USER, Goes::Anyhow),
                part(PROJECT, Goes::Anyhow),
                Link {
                    goes: Goes::First,
                    taken: Taken::Always,
                    ..link(ROLE)
                },
            ],
        )
    },
];

/// The kind of this name.
pub(crate) fn by_name(name: &str) -> Option<K> {
    KINDS.iter().position(|row| row.name == name)
}

/// A kind as a rule declares it.
pub(crate) fn declared(kind: K) -> Kind {
    let row = &KINDS[kind];
    let named = |kind: K| KINDS[kind].name.into();
    let forced = Template::parse_forced("DELETE /x/{id}").expect("a template");
    Kind {
        name: row.name.into(),
        service: row.service().to_owned(),
        reach: match row.listed {
            Listed::Projects => Reach::Projects,
            Listed::EachProject => Reach::EachProject,
            Listed::Cloud => Reach::Cloud,
            Listed::Under(kind) => Reach::UnderEach(named(kind)),
            Listed::UnderDeleted(kind) => Reach::UnderDeleted(named(kind)),
        },
        fields: Fields::default(),
        owners: Vec::new(),
        after: Vec::new(),
        requests: row.can_be_forced.then_some(forced).into_iter().collect(),
        reads: Vec::new(),
        sees: Vec::new(),
        failed_states: vec!["ERROR".to_owned()],
        effects: effects(kind),
    }
}

/// The status of a server that is hidden, and not gone.
pub(crate) const HIDDEN: &str = "SOFT_DELETED";

/// What the deletion of a kind does beside it, as far as the rule's author can know. What stands in whose way follows from the
/// links, as it does in the row kit.
fn effects(kind: K) -> Effects {
    let row = &KINDS[kind];
    let named = |wanted: &dyn Fn(&Link) -> bool| -> Vec<Arc<str>> {
        let links = row.links.iter().filter(|link| wanted(link));
        links.map(|link| KINDS[link.to].name.into()).collect()
    };
    let holds = named(&|link| {
        link.goes == Goes::First || link.taken != Taken::Never || link.says == Some(PART)
    });
    let waiting = KINDS.iter().filter(|other| {
        let link = other.link(kind);
        link.is_some_and(|link| link.goes == Goes::Then && link.says != Some(PART))
    });
    Effects {
        taken_by: named(&|link| link.taken == Taken::Always && link.says == Some(NAMED)),
        made_for: named(&|link| link.taken == Taken::IfMade),
        holds: holds
            .into_iter()
            .chain(waiting.map(|other| other.name.into()))
            .collect(),
        hidden_states: (kind == SERVER)
            .then(|| HIDDEN.to_owned())
            .into_iter()
            .collect(),
        nameless_stays: row.nameless_stays,
        is_witness: row.is_witness,
        is_container: row.is_container,
        ..Effects::default()
    }
}
