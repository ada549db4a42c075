"""Magnum cluster driver whose clusters are real Heat stacks, with nothing but a network in them."""

import pathlib
import tempfile

from magnum.drivers.heat import driver, template_def

TEMPLATE = """\
heat_template_version: 2018-08-31
parameters:
  is_cluster_stack: {type: boolean}
resources:
  network: {type: OS::Neutron::Net}
"""


class NetworkDefinition(template_def.TemplateDefinition):
    driver_module_path = "magnum.drivers.k8s_fedora_coreos_v1"
    template_path = None

    def extract_definition(self, _context, _cluster_template, _cluster, **_kwargs):
        path = pathlib.Path(tempfile.gettempdir()) / "fakecloud-cluster.yaml"
        path.write_text(TEMPLATE)
        return str(path), {}, []


class NetworkDriver(driver.FedoraKubernetesDriver):
    """Takes the place of the driver for Fedora CoreOS, whose clusters need servers that run."""

    @property
    def provides(self):
        return [{"server_type": "vm", "os": "fedora-coreos", "coe": "kubernetes"}]

    def get_template_definition(self):
        return NetworkDefinition()

    def pre_delete_cluster(self, context, cluster):
        """No Kubernetes, so no load balancers of its services."""
