"""The base of tests that send what is wrong."""

from __future__ import annotations

from typing import Any

from glint.client import Resource
from tests.functional.base import ClassGlintTestCase, Glance, User


class BadInputCase(ClassGlintTestCase):
    """hep-member has two columns and one image, which is at ALTO only.

    Every test ends with a look at what there is: as before.
    """

    user: User
    stranger: User
    home: Resource
    column: Resource
    image: Resource
    glance: Glance

    @classmethod
    def prepare(cls) -> None:
        super().prepare()
        cls.user = User(cls.glint, "hep-member")
        cls.stranger = User(cls.glint, "bio-member")
        cls.home = cls.user.home(cls.alto)
        cls.column = cls.user.column("DAIR", cls.dair)
        cls.glance = Glance(cls.alto.session("hep-member"), cls.alto.image_url)
        cls.image = cls.user.register(cls.home, cls.glance.add(b"an image", "known"))

    def setUp(self) -> None:
        super().setUp()
        self.http = self.user.http
        self.addCleanup(self._assert_unchanged, self._state())

    def _state(self) -> dict[str, Any]:
        session = self.user.session
        url = f"{self.alto.auth_url}/users/{session.get_user_id()}/application_credentials"
        kept = session.get(url).json()["application_credentials"]
        images = Glance(self.dair.session("hep-member"), self.dair.image_url)
        return self.user.everything() | {
            "application credentials": sorted(one["id"] for one in kept),
            "images at DAIR": images.records(),
            "other project": self.stranger.everything(),
        }

    def _assert_unchanged(self, before: dict[str, Any]) -> None:
        self.assertEqual(before, self._state())
