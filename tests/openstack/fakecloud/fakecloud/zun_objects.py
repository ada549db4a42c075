"""Lets Zun 18 run beside OpenStack 2026.1, if imported before it: it decorates methods of classes as if they were methods
of objects, which oslo.versionedobjects takes from 3.11 on, and not yet in 3.9.
"""

import functools

from oslo_versionedobjects import base

for_objects = base.remotable


def remotable(method):
    of_object, of_class = for_objects(method), base.remotable_classmethod(method).__func__

    @functools.wraps(method)
    def either(self, *args, **kwargs):
        return (of_class if isinstance(self, type) else of_object)(self, *args, **kwargs)

    return either


base.remotable = remotable
