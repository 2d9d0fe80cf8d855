"""The base of tests about what a Save would do, and how: limits, formats and two regions."""

from __future__ import annotations

from typing import Any

from glint.client import Resource
from tests.functional.base import Glance, GlintTestCase, change, password_of
from tests.minicloud.faultproxy import FaultProxy
from tests.minicloud.fixture import LIMITS

PUT_FILE = r"/v2/images/[^/]+/file$"
"""Targets of requests that carry an image's bytes."""


class PlanCase(GlintTestCase):
    """DAIR has limits and takes few formats; DUO is one Keystone with two regions."""

    overrides = {
        "dair-glance": {
            "DEFAULT": {"use_keystone_limits": "true"},
            "image_format": {"disk_formats": "raw,qcow2"},
        }
    }
    extras = ("duo",)

    def setUp(self) -> None:
        super().setUp()
        for name in LIMITS:
            self.dair.set_limit(name, 1000)

    def plan(self, *changes: Resource) -> Resource:
        """A dry run; it must change nothing at Glint or in any cloud."""
        before = self.everything()
        found = self.user.client.operations.plan(changes)
        self.assertEqual(before, self.everything())
        self.assertEqual(len(changes), len(found["cells"]))
        return found

    def everything(self) -> tuple[Any, ...]:
        events = [one["id"] for one in self.user.client.events.list()]
        clouds = [glance.records() for glance in (self.alto_images, self.dair_images)]
        return self.user.everything(), events, clouds

    def planned(
        self, image: Resource, column: Resource, wanted: bool = True, **more: Any
    ) -> Resource:
        """The only cell of a dry run."""
        (cell,) = self.plan(change(image, column, wanted, **more))["cells"]
        return dict(cell)

    def assert_would_refuse(self, cell: Resource, code: str) -> None:
        self.assertEqual(("refused", code), (cell["action"], cell["error_code"]), str(cell))
        self.assertTrue(cell["error_detail"])
        self.assertEqual((None, 0), (cell["method"], cell["bytes"]))

    def transfer_to(self, image: Resource, column: Resource) -> Resource:
        """The only transfer of a cell."""
        found = self.user.transfers(image_id=image["id"])
        (one,) = [each for each in found if each["credential_id"] == column["id"]]
        return one


class RegionsCase(PlanCase):
    """Both regions of DUO behind proxies, each with a column of one and the same login.

    :ivar source: before EAST; the west may fetch from it
    :ivar sink: before WEST
    """

    source_port: int | None = 1
    """Which of the spare ports EAST's proxy has; None for one that no Glance may fetch from."""

    def setUp(self) -> None:
        super().setUp()
        self.duo = self.minicloud.cloud("duo")
        self.east_images, self.west_images = self.region("east"), self.region("west")
        self.source = self.before("east", self.source_port)
        self.sink = self.before("west", None)
        self.east, self.west = self.column("east"), self.column("west")

    def region(self, name: str) -> Glance:
        glance = Glance(self.duo.session("hep-member"), self.duo.image_url_in(name))
        glance.purge(set())
        self.addCleanup(glance.purge, set())
        return glance

    def before(self, region: str, spare: int | None) -> FaultProxy:
        """A proxy before the Glance of a region, to which the catalogue points until the end."""
        port = 0 if spare is None else self.minicloud.spare_ports[spare]
        proxy = FaultProxy(self.duo.image_url_in(region), port=port).start()
        self.addCleanup(proxy.stop)
        self.minicloud.set_endpoint("duo", "image", proxy.url, region)
        return proxy

    def column(self, region: str, **connection: Any) -> Resource:
        where = {"region": region, **connection}
        site = self.user.site(region.upper(), self.duo.auth_url, connection=where)
        auth = password_of(self.duo, "hep-member")
        return self.user.client.credentials.create(site["id"], auth)

    def in_the_east(self, data: bytes, name: str, **attributes: Any) -> Resource:
        """An image with bytes at EAST, in Glint's catalogue; nothing is counted before."""
        image = self.user.register(self.east, self.east_images.add(data, name, **attributes))
        self.source.forget()
        self.sink.forget()
        return image
