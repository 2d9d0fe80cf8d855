from __future__ import annotations

from typing import Any

import testtools

from glint import exception
from glint.drivers.glance import finish
from glint.objects import NotCarried
from tests.unit.drivers import fakes
from tests.unit.drivers.base import IMAGES, RID, DriverTestCase


class FakeGlance:
    """Keeps one record, and refuses the paths and tags that it is told to."""

    def __init__(self, mock: Any, refuses: dict[str, int], **record: Any) -> None:
        self.record = fakes.record(name="glint-incoming-tra-1", **record)
        self.refuses = refuses
        self.patches: list[list[str]] = []
        mock.get(f"{IMAGES}/{RID}", json=lambda *_: self.record)
        mock.patch(f"{IMAGES}/{RID}", json=self.patch)

    def patch(self, request: Any, context: Any) -> Any:
        assert request.headers["Content-Type"] == finish.PATCH
        self.patches.append([change["path"] for change in request.json()])
        changed = dict(self.record)
        for change in request.json():
            name = change["path"][1:].replace("~1", "/").replace("~0", "~")
            hurdles = [name, *change["value"]] if name == "tags" else [name]
            for hurdle in hurdles:
                if hurdle in self.refuses:
                    context.status_code = self.refuses[hurdle]
                    return {"error": {"message": f"not {hurdle}"}}
            if change["op"] == "replace" and name not in self.record:
                context.status_code = 409
                return {}
            changed[name] = change["value"]
        self.record = changed
        return self.record


class TestFinish(DriverTestCase):
    WISH = fakes.image(
        name="Debian 12",
        min_disk=2,
        min_ram=64,
        protected=True,
        os_hidden=True,
        tags=("b", "a"),
        properties={
            "os_distro": "debian",
            "owner_specified.md5": "1",
            "a/b~c": "slash",
            "os_glance_importing": "no",
            "os_hash_algo": "no",
            "glint_image": "the stamp of the source",
            "img_signature": "sig",
            "img_signature_certificate_uuid": "cert",
            "direct_url": "no",
        },
    )

    def finish(self, refuses: dict[str, int] | None = None, **record: Any) -> FakeGlance:
        self.glance = FakeGlance(self.mock, refuses or {}, **{**fakes.STAMP.properties(), **record})
        self.not_carried = self.driver().finish(RID, self.WISH)
        return self.glance

    def test_everything_in_three_requests(self) -> None:
        glance = self.finish()
        record = glance.record
        self.assertEqual(3, len(glance.patches))
        self.assertEqual(["/protected"], glance.patches[-1])
        self.assertEqual(
            ("Debian 12", 2, 64, True, True),
            tuple(record[n] for n in ("name", "min_disk", "min_ram", "protected", "os_hidden")),
        )
        self.assertEqual(["a", "b"], record["tags"])
        self.assertEqual(
            ("debian", "1", "slash"),
            (record["os_distro"], record["owner_specified.md5"], record["a/b~c"]),
        )
        self.assertEqual("img-1", record["glint_image"])
        for name in ("os_glance_importing", "img_signature", "direct_url"):
            self.assertNotIn(name, record)

    def test_signatures_stay_and_are_named(self) -> None:
        self.finish()
        self.assertEqual(
            {"properties.img_signature", "properties.img_signature_certificate_uuid"},
            {one.item for one in self.not_carried},
        )
        self.assertIn("key store", self.not_carried[0].reason)

    def test_what_is_right_already_is_not_sent(self) -> None:
        self.finish()
        again = FakeGlance(self.mock, {})
        again.record = dict(self.glance.record)
        self.assertEqual(self.not_carried, self.driver().finish(RID, self.WISH))
        self.assertEqual([], again.patches)

    def test_refused_details_are_listed_and_the_others_set(self) -> None:
        for status in (400, 403, 409, 413, 500):
            glance = self.finish(
                {"os_distro": status, "name": status, "a": status, "protected": status}
            )
            refused = {one.item: one.reason for one in self.not_carried}
            self.assertEqual(
                {"properties.os_distro", "name", "tags.a", "protected"},
                {item for item in refused if "img_signature" not in item},
            )
            self.assertEqual(f"not name (HTTP {status})", refused["name"])
            self.assertEqual(["b"], glance.record["tags"])
            self.assertEqual(
                (True, "1"), (glance.record["os_hidden"], glance.record["owner_specified.md5"])
            )
            self.assertIsInstance(self.not_carried[0], NotCarried)

    def test_a_site_in_trouble_refuses_nothing(self) -> None:
        everything = ("os_hidden", "name", "min_disk", "min_ram", "tags", "protected")
        names = (*everything, "os_distro", "owner_specified.md5", "a/b~c")
        for status in (500, 502, 503, 429):
            with testtools.ExpectedException(exception.SiteBusy):
                self.finish(dict.fromkeys(names, status))

    def test_a_record_that_is_gone(self) -> None:
        self.mock.get(f"{IMAGES}/{RID}", status_code=404)
        with testtools.ExpectedException(exception.SiteImageNotFound):
            self.driver().finish(RID, self.WISH)
