//! Blazar.
//!
//! An administrator is shown all projects' leases without asking. Nothing comes in pages. Hosts and
//! floating IPs are there only if the cloud has the plug-in for them.

use runner_guest::{Paging, Place, Row};

runner_guest::rules!("reservation", KINDS);

const ROW: Row = Row::PLAIN.paged(Paging::None);

static KINDS: &[Row] = &[
    // Blazar ends it in its user's name, by a trust, on the networks that it has addresses of: all of these must be there.
    // A lease that has begun takes the servers on its hosts along, whoever's they are, and waits for them: those of the task
    // go first, and it goes only by force.
    ROW.kind("reservation.lease", "/v1/leases")
        .refused_if(&[(
            "/status",
            "ACTIVE",
            "it has begun, and its end takes along what runs on its hosts \
             and uses its addresses, whoever's that is",
        )])
        .forced_by(&["DELETE {self}"])
        .beside("servers on its hosts or of its flavor, and its floating IPs, whoever's they are")
        .scoped("", "")
        .last_of(&["compute.server"])
        .before(&[
            ("identity.trust", "/trust_id"),
            ("identity.user", "/user_id"),
            ("network.network", "/reservations/*/network_id"),
        ]),
    // An address that Blazar may give away. 409: it is part of a lease, and does not say of which.
    ROW.kind("reservation.floating_ip", "/v1/floatingips")
        .cloud_wide()
        .optional()
        .names(&[])
        .last_of(&["reservation.lease"])
        .part_of(NETWORK)
        .before(NETWORK),
    // It has no name but its hypervisor's, which is the node's id where Nova runs on Ironic. 409: it is reserved, or has
    // servers.
    ROW.kind("reservation.host", "/v1/os-hosts")
        .at("/hosts")
        .cloud_wide()
        .optional()
        .names(&[])
        .last_of(&["reservation.lease", "compute.server"])
        .part_of(NODE)
        .before(NODE),
];

const NODE: &[Place] = &[("baremetal.node", "/hypervisor_hostname")];

const NETWORK: &[Place] = &[("network.network", "/floating_network_id")];
