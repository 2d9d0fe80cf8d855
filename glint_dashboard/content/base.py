"""What the panels have in common."""

from __future__ import annotations

import horizon
from django.http import HttpRequest
from openstack_dashboard import policy

SERVICE = "image-distribution"


class Panel(horizon.Panel):
    """A panel that is there only where the catalogue has the service."""

    permissions = (f"openstack.services.{SERVICE}",)


def may(request: HttpRequest, rule: str) -> bool:
    """Whether a policy lets the user do something; Glint itself asks again."""
    return bool(policy.check(((SERVICE, rule),), request))
