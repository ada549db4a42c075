"""zun-compute, behind what lets this release of Zun run."""

import fakecloud.zun_objects  # noqa: F401  isort: skip
from zun.cmd import compute

compute.main()
