"""The service that is fuzzed: a real one, with two projects' things in it."""

from __future__ import annotations

from tests.contract import contract
from tests.functional.base import ClassGlintTestCase, Glance, User, change
from tests.functional.service import Settings
from tests.fuzz.run import Account, raw, schema_based

#: Small pages: what is fuzzed makes hundreds of sites.
SETTINGS: Settings = {
    "DEFAULT": {"debug": "false"},
    "api": {"default_limit": 10, "max_limit": 20, "threads": 8},
}
#: What must not be in the log, whatever was sent.
BAD_SIGNS = ("Traceback (most recent call last)", " ERROR glint", " CRITICAL ")


class FuzzCase(ClassGlintTestCase):
    """A Glint with an image at two sites; hep-member sends, in good and in bad faith."""

    settings = SETTINGS

    @classmethod
    def prepare(cls) -> None:
        super().prepare()
        user = User(cls.glint, "hep-member")
        home, column = user.home(cls.alto), user.column("DAIR", cls.dair)
        glance = Glance(cls.alto.session("hep-member"), cls.alto.image_url)
        image = user.register(home, glance.add(b"an image", "fuzzed"))
        user.save(change(image, column))

    def token(self) -> str:
        return str(self.glint.session("hep-member").get_token())

    def raw(self, requests: int, seed: int, seconds: float) -> Account:
        return raw(
            self.glint.url,
            self.token,
            contract(),
            requests=requests,
            first_seed=seed,
            seconds=seconds,
        )

    def schema_based(self, examples: int, seed: int) -> Account:
        return schema_based(
            self.glint.url, self.token, contract(), examples=examples, first_seed=seed
        )

    def assert_clean(self, account: Account) -> None:
        """Nothing wrong was answered, and the service did not stumble."""
        self.assertEqual([], account.wrong[:3], account.text())
        log = self.glint.log_text()
        for sign in BAD_SIGNS:
            place = log.find(sign)
            self.assertEqual(-1, place, log[max(0, place - 500) : place + 3000])
        self.assertEqual(200, self.glint.http(None).get("/healthcheck").status_code)
