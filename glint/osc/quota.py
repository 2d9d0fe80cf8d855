"""``openstack glint quota show``: how much the project may use, and uses."""

from __future__ import annotations

import argparse

from glint.osc import base


class ShowQuota(base.Lister):
    """Show how much your project may use of Glint, and uses now.

    images, sites, credentials: how many the project has. running_transfers: copies at work at one
    time. bytes_in_flight: bytes of the images that these copy, for each destination. A limit of
    -1 is none.

    Example: openstack glint quota show -f json
    """

    def take_action(self, parsed_args: argparse.Namespace) -> base.Table:
        rows = [(name, of["limit"], of["used"]) for name, of in self.client.quotas().items()]
        return ("Resource", "Limit", "Used"), rows
