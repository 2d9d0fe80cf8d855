"""SIGKILL to Glint and to the clouds, at the worst moments.

What was answered with 202 is carried out, once, and nothing half-made stays at a site.
"""

from __future__ import annotations

from tests.functional.base import LONG, MIB, change, password_of
from tests.functional.faultcase import FILE, FaultCase
from tests.functional.processes import eventually


class KilledConductorTest(FaultCase):
    size = LONG

    def test_kill_9_in_mid_copy(self) -> None:
        operation = self.slowly()
        (half,) = self.dair_images.records()
        self.assertNotEqual("active", half["status"])
        self.assert_stamped(half, self.image)
        self.glint.kill9()
        self.sink.clear()
        eventually(
            lambda: [one["status"] for one in self.dair_images.records()] == ["queued"],
            "Glance has given up the half image",
        )
        self.glint.start()
        self.assert_copied(operation)

    def test_kill_9_again_and_again(self) -> None:
        operation = self.slowly()
        for _ in range(2):
            self.glint.kill9()
            self.sink.forget()
            self.glint.start()
            self.sink.wait_until(lambda: self.sink.request_bytes("PUT", FILE) > MIB)
        self.glint.kill9()
        self.sink.clear()
        self.glint.start()
        self.assert_copied(operation)

    def test_kill_9_before_anything_began(self) -> None:
        """202 is a promise: what was answered so is carried out."""
        self.sink.cut("POST", r"/v2/images$", after=None, leg="request", times=None)
        operation = self.create()
        self.glint.kill9()
        self.sink.clear()
        self.glint.start()
        self.assert_copied(operation)

    def test_kill_9_after_the_last_byte(self) -> None:
        """The image is active there, and nobody has written down that it is."""
        self.sink.stall("PUT", FILE, after=None, leg="response")
        operation = self.create()
        eventually(
            lambda: "active" in [one["status"] for one in self.dair_images.records()],
            "all bytes at DAIR",
        )
        self.glint.kill9()
        self.sink.clear()
        self.glint.start()
        self.assert_copied(operation)

    def test_kill_9_while_removing(self) -> None:
        self.assert_copied(self.create())
        self.sink.stall("DELETE", r"/v2/images/[^/]+$", after=None, leg="request")
        operation = self.user.client.operations.create([change(self.image, self.column, False)])
        self.sink.wait_until(lambda: self.sink.requests("DELETE", "/v2/images/") > 0)
        self.glint.kill9()
        self.sink.clear()
        self.glint.start()
        self.assert_done(self.user.wait(operation))
        self.assertEqual([], self.dair_images.records())

    def test_told_to_stop_in_mid_copy(self) -> None:
        """What cannot be finished in the time given is handed back, and taken up again."""
        operation = self.slowly()
        self.glint.stop()
        self.sink.clear()
        self.glint.start()
        self.assert_copied(operation)


class KilledDestinationTest(FaultCase):
    size = LONG
    settings = {"conductor": {"attempts": 8, "retry_delay": 1}}

    def test_glance_is_killed_in_mid_copy_and_comes_back(self) -> None:
        operation = self.slowly()
        self.minicloud.kill("dair-glance")
        self.sink.clear()
        eventually(
            lambda: self.transfer()["state"] == "queued" or self.transfer()["attempts"] > 1,
            "the failure is noticed",
        )
        self.minicloud.revive("dair-glance")
        self.assert_copied(operation)

    def test_keystone_is_killed_in_mid_copy_and_comes_back(self) -> None:
        operation = self.slowly()
        self.minicloud.kill("dair-keystone")
        self.sink.clear()
        self.minicloud.revive("dair-keystone")
        self.assert_copied(operation)


class SlowSiteTest(FaultCase):
    """A slow site holds up the others no longer than its grace, and is finished on its own read."""

    size = LONG
    settings = {"transfer": {"slow_site_grace": 2, "window": 4}}

    def test_goes_on_alone(self) -> None:
        auth = password_of(self.alto, "bio-member")
        site = self.user.site("ALTO too", self.alto.auth_url)
        fast = self.user.client.credentials.create(site["id"], auth)
        others = self.glance(self.alto, "bio-member")
        throttle = self.sink.throttle("PUT", FILE, rate=MIB / 4, leg="request")
        changes = [change(self.image, self.column), change(self.image, fast)]
        operation = self.user.client.operations.create(changes)
        eventually(
            lambda: self.user.cell(self.image, fast)["status"] == "active",
            "the fast site is finished",
            timeout=25,
        )
        self.assertNotEqual("active", self.user.cell(self.image, self.column)["status"])
        self.assert_same_bytes(self.data, others.one("tested"))
        self.sink.clear(throttle)
        self.assert_copied(operation)
