"""Every command of the plugin, as the openstack command runs it, against the true service.

One walk, because each command works with what those before it have made.
"""

from __future__ import annotations

import configparser
import datetime
import json
import pathlib
from typing import Any, ClassVar

from glint.client import Resource
from tests.functional.base import (
    WAIT,
    ClassGlintTestCase,
    Glance,
    User,
    application_credential_of,
    change,
)
from tests.functional.cli import Cli, Done
from tests.functional.processes import eventually

ROOT = pathlib.Path(__file__).parents[2]


def commands() -> set[str]:
    """All of setup.cfg, such as ``glint site create``."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["entry_points"]["openstack.image_distribution.v1"].strip().splitlines()
    return {line.partition("=")[0].strip().replace("_", " ") for line in lines}


def closed_hours() -> str:
    """Hours that are far from now."""
    begin = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=10)
    return f"{begin:%H:%M}-{begin + datetime.timedelta(hours=2):%H:%M}"


class EveryCommandTest(Cli, ClassGlintTestCase):
    """Its one test fails when a command of setup.cfg was not run."""

    user: ClassVar[User]
    alto_images: ClassVar[Glance]

    @classmethod
    def prepare(cls) -> None:
        super().prepare()
        cls.user = User(cls.glint, "hep-member")
        cls.alto_images = Glance(cls.alto.session("hep-member"), cls.alto.image_url)

    def setUp(self) -> None:
        super().setUp()
        self.ran: set[str] = set()

    def do(self, words: str, *arguments: str, code: int = 0) -> Done:
        self.ran.add(f"glint {words}")
        return self.run_cli("glint", *words.split(), *arguments, code=code)

    def ask(self, words: str, *arguments: str, code: int = 0) -> Any:
        return self.do(words, *arguments, "-f", "json", code=code).json()

    def test_every_command(self) -> None:
        self.sites()
        self.credentials()
        remote_id = self.inventory()
        self.images(remote_id)
        operation_id = self.wishes()
        self.history(operation_id)
        self.second_chances()
        self.withdrawals()
        self.end()
        self.assertEqual(commands(), self.ran)

    def sites(self) -> None:
        self.assertIn("openstack", [one["Name"] for one in self.ask("site type list")])
        kind = self.ask("site type show", "openstack")
        self.assertIn("auth_url", kind["connection_schema"]["properties"])
        for name, cloud in (("ALTO", self.alto), ("DAIR", self.dair)):
            made = self.ask("site create", name, "--auth-url", cloud.auth_url)
            self.assertEqual((name, "ok"), (made["name"], made["health"]))
        changed = self.ask("site set", "DAIR", "--max-transfers", "3", "--bandwidth", "1000000000")
        self.assertEqual((3, 10**9), (changed["max_transfers"], changed["bandwidth"]))
        self.assertEqual("ok", self.ask("site probe", "DAIR")["health"])
        self.assertEqual(changed["id"], self.ask("site show", "DAIR")["id"])
        self.assertEqual(["ALTO", "DAIR"], sorted(s["Name"] for s in self.ask("site list")))

    def credentials(self) -> None:
        made = self.ask("credential create", "ALTO", "--home")
        self.assertTrue(made["managed"])
        auth = application_credential_of(self.dair, "hep-member", self.id())
        path = pathlib.Path(self.glint.folder / "credential.json")
        path.touch(mode=0o600)
        secret = auth["application_credential_secret"]
        path.write_text(json.dumps({"id": auth["application_credential_id"], "secret": secret}))
        options = ("--application-credential-file", str(path))
        self.assertFalse(self.ask("credential create", "DAIR", *options)["shared"])
        said = self.do("credential set", "DAIR", "--shared", *options, "-f", "json")
        self.assertTrue(said.json()["shared"])
        self.assertNotIn(secret, said.out + said.err)
        self.assertIsNotNone(self.ask("credential verify", "DAIR")["verified_at"])
        shown = self.ask("credential show", "DAIR (hep)")
        self.assertEqual("v3applicationcredential", shown["auth"]["auth_type"])
        self.assertEqual(2, len(self.ask("credential list")))

    def inventory(self) -> str:
        remote_id = self.alto_images.add(b"walk" * 5000, "walker")
        self.assertIsNone(self.ask("credential scan", "ALTO", "--timeout", str(WAIT))["error_code"])
        chosen = ("--in-catalogue", "--filter", "name=prefix:walk", "--filter", "size=gt:19999")
        (seen,) = self.ask("site image list", "ALTO", *chosen)
        self.assertEqual((remote_id, "walker", 20000), (seen["ID"], seen["Name"], seen["Size"]))
        return remote_id

    def images(self, remote_id: str) -> None:
        what = ("--site-image", remote_id, "--credential", "ALTO")
        made = self.ask("image create", *what)
        labels = ("--property", "os_distro=walk", "--property", "gone=soon", "--tag", "gold")
        changed = self.ask("image set", "walker", *labels, "--min-disk", "1")
        self.assertEqual((["gold"], 1), (changed["tags"], changed["min_disk"]))
        changed = self.ask("image unset", made["id"], "--property", "gone")
        self.assertEqual("walk", changed["properties"]["os_distro"])
        self.assertNotIn("gone", changed["properties"])
        self.assertEqual(changed, self.ask("image show", "walker"))
        self.assertTrue(self.ask("image set", "walker", "--repair")["repair"])
        self.assertEqual([made["id"]], [one["ID"] for one in self.ask("image list")])
        path = pathlib.Path(self.glint.folder / "saved")
        self.do("image save", "walker", "--file", str(path))
        self.assertEqual(b"walk" * 5000, path.read_bytes())
        used = {one["Resource"]: one["Used"] for one in self.ask("quota show")}
        self.assertEqual((1, 2, 2), tuple(used[n] for n in ("images", "sites", "credentials")))

    def wishes(self) -> str:
        """Returns the operation of a copy that came true."""
        wait = ("--wait", str(WAIT))
        (plan,) = self.ask("deploy", "walker", "--to", "DAIR", "--dry-run")
        self.assertEqual("copy", plan["Action"])
        done = self.do("deploy", "walker", "--to", "DAIR", *wait, "-f", "json")
        (cell,) = done.json()
        self.assertEqual("done", cell["State"])
        self.assertEqual("walker at DAIR (hep): done\n", done.err)
        counts = {one["Choice"]: one["Images"] for one in self.ask("matrix show", "--counts")}
        self.assertEqual((1, 1, 0), tuple(counts[name] for name in ("all", "mine", "differs")))
        (row,) = self.ask("matrix show", "--show", "mine", "--status", "active")
        self.assertEqual(["X", "X"], [one["symbol"] for one in row["cells"]])
        (gone,) = self.ask("undeploy", "walker", "--from", "DAIR", *wait)
        self.assertEqual(("undeploy", "done"), (gone["Wish"], gone["State"]))
        path = pathlib.Path(self.glint.folder / "changes.yaml")
        path.write_text("changes:\n- image: walker\n  to: [DAIR, ALTO]\n")
        saved = self.ask("save", "-f", str(path), *wait)
        self.assertEqual({"done"}, {one["State"] for one in saved})
        return str(saved[0]["Operation"])

    def history(self, operation_id: str) -> None:
        self.assertEqual("done", self.ask("operation show", operation_id)["state"])
        self.assertIn(operation_id, [one["ID"] for one in self.ask("operation list")])
        self.assertEqual("done", self.ask("operation wait", operation_id)[0]["State"])
        (transfer,) = self.ask("transfer list", "--operation", operation_id)
        shown = self.ask("transfer show", transfer["ID"])
        self.assertEqual(("copy", 20000), (shown["kind"], shown["bytes_done"]))
        listed = self.ask("deployment list", "--site", "DAIR", "--wanted")
        cell = self.ask("deployment show", "walker@DAIR")
        self.assertEqual([cell["id"]], [one["ID"] for one in listed])
        self.assertEqual("active", cell["status"])
        events = self.ask("event list", "--image", "walker")
        self.assertTrue(any("DAIR" in one["Message"] for one in events))
        actions = "in:site.create,credential.create"
        last = ("--timeout", "1", "--limit", "3", "--filter", f"action={actions}")
        follow = self.do("event list", "--follow", *last, "-f", "json")
        lines = [json.loads(line) for line in follow.out.splitlines()]
        self.assertEqual(3, len(lines))
        self.assertEqual({*actions[3:].split(",")}, {one["Action"] for one in lines})
        told = [one["At"] for one in lines]
        self.assertEqual(sorted(told), told)

    def columns(self) -> dict[str, Resource]:
        return {one["site_name"]: one for one in self.user.client.credentials.list()}

    def second_chances(self) -> None:
        """A copy whose only source is gone fails, again and again."""
        remote_id = self.alto_images.add(b"doom" * 5000, "doomed")
        columns = self.columns()
        image = self.user.register(columns["ALTO"], remote_id)
        self.alto_images.delete(remote_id)
        operation = self.user.save(change(image, columns["DAIR"]))
        self.assertEqual("failed", operation["state"], str(operation))
        (doomed,) = operation["changes"]
        self.do("operation retry", operation["id"])
        self.assertEqual("failed", self.settled(operation))
        self.do("transfer retry", doomed["transfer_id"])
        self.assertEqual("failed", self.settled(operation))
        self.do("deployment retry", "doomed@DAIR")
        self.assertEqual("failed", self.settled(operation))
        said = self.do("operation wait", operation["id"], code=1).err
        self.assertIn("doomed at DAIR (hep): failed", said)
        said = self.do("deployment cancel", "doomed@DAIR", "walker@ALTO", code=1).err
        self.assertIn("walker@ALTO", said)

    def settled(self, operation: Resource) -> str:
        return str(self.user.wait(operation)["state"])

    def withdrawals(self) -> None:
        """What waits for its hours can be cancelled."""
        columns = self.columns()
        remote_id = self.alto_images.add(b"wait" * 5000, "waiter")
        image = self.user.register(columns["ALTO"], remote_id)
        site_id = columns["DAIR"]["site_id"]
        self.user.client.sites.update(site_id, max_transfers=1, hours=closed_hours())
        wish = change(image, columns["DAIR"])
        operation = self.user.client.operations.create([wish])
        self.do("operation cancel", operation["id"])
        self.assertEqual("cancelled", self.settled(operation))
        operation = self.user.client.operations.create([wish])
        self.do("transfer cancel", self.transfer_of(operation))
        self.assertEqual("cancelled", self.settled(operation))
        operation = self.user.client.operations.create([wish])
        self.do("deployment cancel", "waiter@DAIR")
        self.assertEqual("cancelled", self.settled(operation))

    def transfer_of(self, operation: Resource) -> str:
        def planned() -> str | None:
            (one,) = self.user.client.operations.get(operation["id"])["changes"]
            found: str | None = one["transfer_id"]
            return found

        return str(eventually(planned, "a transfer"))

    def end(self) -> None:
        self.user.client.sites.update(self.columns()["DAIR"]["site_id"], hours=None)
        self.do("credential delete", "--force", "ALTO (hep)", "DAIR (hep)")
        self.do("image delete", "walker", "doomed", "waiter")
        said = self.do("site delete", "ALTO", "NOWHERE", "DAIR", code=1).err
        self.assertIn("NOWHERE", said)
        self.assertEqual([], list(self.user.client.sites.list()))
