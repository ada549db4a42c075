//! Templates for makers whose names are known from their own source or documentation. None is in force unless the configuration says so.
//!
//! Where a maker is missing, it gives no name that carries an id of its run: Terraform and OpenTofu call things what their files say,
//! Heat calls them after the stack (so the stack's own format finds them), and pytest names nothing in a cloud.

/// A maker, and what its names look like.
pub(super) struct Preset {
    /// The word for it in the configuration.
    pub(super) name: &'static str,
    pub(super) template: &'static str,
    /// The kinds whose things bear such names; any, if there is none.
    pub(super) kinds: &'static [&'static str],
}

/// All presets.
pub(super) const PRESETS: &[Preset] = &[
    // `GetLoadBalancerName` in pkg/openstack/loadbalancer.go of kubernetes/cloud-provider-openstack: kube_service_, the name of the
    // cluster, the service's namespace, its name. The task is the cluster.
    Preset {
        name: "kubernetes",
        template: "kube_service_{task}_*",
        kinds: &["load_balancer.*", "network.*"],
    },
    // `rand_name` in tempest/lib/common/utils/data_utils.py of openstack/tempest: prefix, name, number. Its tests give it
    // `resource_name_prefix` of tempest.conf, which is to be `tempest-` and the task's uuid.
    Preset {
        name: "tempest",
        template: "tempest-{task:uuid}-*",
        kinds: &[],
    },
    // `ProjectUniqueName` in common/build.go of gitlab-org/gitlab-runner: a short form of the runner's token, the project's number,
    // a number. The task is the project.
    Preset {
        name: "gitlab-runner",
        template: "runner-*-project-{task:number}-concurrent-*",
        kinds: &[],
    },
    // `resource_prefix` as the documentation of the collection amazon.aws shows it in samples: a number and the host's name. The task
    // is that number.
    Preset {
        name: "ansible-test",
        template: "ansible-test-{task:number}-*",
        kinds: &[],
    },
];
