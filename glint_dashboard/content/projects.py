"""Names of projects, for pages about more than one."""

from __future__ import annotations

from django.http import HttpRequest
from keystoneauth1 import exceptions as ksa
from openstack_dashboard.api import keystone

from glint_dashboard import errors


def names(request: HttpRequest) -> dict[str, str]:
    """Id -> name, as far as Keystone tells this user; without it ids are shown."""
    try:
        projects, _more = keystone.tenant_list(request)
    except ksa.ClientException as error:
        errors.LOG.info("projects stay without their names: %s", error)
        return {}
    return {project.id: project.name for project in projects}
