from __future__ import annotations

import os
import pty
import termios
from typing import Any

import fixtures
import testtools

from glint.client import WaitTimeout
from glint.osc import progress
from glint.osc.deploy import Deploy, Undeploy
from glint.osc.operation import ListOperation, ShowOperation, WaitOperation
from tests.unit.client.base import GLINT
from tests.unit.osc.base import ALTO, AT_ALTO, AT_DAIR, DAIR, IMAGE, OscTestCase, Terminal

OTHER = {**IMAGE, "id": "13a9e000-0000-4000-8000-000000000002", "name": "debian"}


def change(state: str | None, image: Any = IMAGE, at: Any = AT_DAIR, **more: Any) -> dict[str, Any]:
    return {
        "image_id": image["id"],
        "credential_id": at["id"],
        "wanted": True,
        "state": state,
        **more,
    }


class DeployTestCase(OscTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.MonkeyPatch("time.sleep", lambda seconds: None))
        self.serve("sites", ALTO, DAIR)
        self.serve("credentials", AT_ALTO, AT_DAIR)
        self.serve("images", IMAGE, OTHER)
        self.answer("queued", change("queued"))
        self.http.get(f"{GLINT}/v1/transfers", json={"transfers": []})

    def answer(self, state: str, *changes: dict[str, Any]) -> None:
        operation = {"id": "op", "state": state, "changes": list(changes)}
        self.http.post(f"{GLINT}/v1/operations", json={"operation": operation}, status_code=202)

    def then(self, *states: tuple[str, list[dict[str, Any]]]) -> None:
        self.http.get(
            f"{GLINT}/v1/operations/op",
            [{"json": {"operation": {"id": "op", "state": s, "changes": c}}} for s, c in states],
        )


class TestSave(DeployTestCase):
    def test_every_image_to_every_site_once(self) -> None:
        argv = ["rescue", "debian", "rescue", "--to", "DAIR", "ALTO", "--to", "DAIR (hep)"]
        self.command(Deploy, *argv)
        self.assertEqual(
            [
                {"image_id": i["id"], "credential_id": c["id"], "wanted": True}
                for i in (IMAGE, OTHER)
                for c in (AT_DAIR, AT_ALTO)
            ],
            self.body()["changes"],
        )

    def test_all_means_enabled_columns(self) -> None:
        columns = [{**AT_ALTO, "enabled": True}, {**AT_DAIR, "enabled": False}]
        self.http.get(f"{GLINT}/v1/matrix", json={"credentials": columns, "images": []})
        self.command(Deploy, "rescue", "--all")
        self.assertEqual([AT_ALTO["id"]], [c["credential_id"] for c in self.body()["changes"]])

    def test_all_of_nothing(self) -> None:
        self.http.get(f"{GLINT}/v1/matrix", json={"credentials": [], "images": []})
        self.assertIn("credential list", self.fails(Deploy, "rescue", "--all"))

    def test_removal_says_what_is_allowed(self) -> None:
        self.command(Undeploy, "rescue", "--from", "DAIR", "--allow-last-copy")
        self.assertEqual(
            [
                {
                    "image_id": IMAGE["id"],
                    "credential_id": AT_DAIR["id"],
                    "wanted": False,
                    "allow_foreign": False,
                    "allow_last_copy": True,
                }
            ],
            self.body()["changes"],
        )

    def test_what_is_printed(self) -> None:
        self.assertEqual(
            [
                {
                    "Image": "rescue",
                    "Credential": "DAIR (hep)",
                    "Wish": "deploy",
                    "State": "queued",
                    "Error": "",
                    "Operation": "op",
                }
            ],
            self.json(Deploy, "rescue", "--to", "DAIR"),
        )

    def test_unknown_names_save_nothing(self) -> None:
        self.fails(Deploy, "rescue", "nothing", "--to", "DAIR")
        self.fails(Deploy, "rescue", "--to", "DAIR", "NOWHERE")
        self.assertEqual([], [r for r in self.sent() if r.method == "POST"])

    def test_refusals_keep_their_code(self) -> None:
        self.refuse("POST", "/operations", 409, "deployment.last_copy", "Set allow_last_copy.")
        said = self.fails(Undeploy, "rescue", "--from", "DAIR")
        self.assertEqual(
            "Set allow_last_copy. (409, deployment.last_copy) The option for that is"
            " --allow-last-copy.",
            said,
        )
        self.refuse("POST", "/operations", 409, "site.disabled", "Enable it.")
        said = self.fails(Undeploy, "rescue", "--from", "DAIR")
        self.assertEqual("Enable it. (409, site.disabled)", said)

    def test_wrong_arguments(self) -> None:
        self.assertIn("--to", self.refused(Deploy, "rescue"))
        self.refused(Deploy, "--to", "DAIR", "rescue")
        self.refused(Deploy, "rescue", "--all", "--to", "DAIR")
        self.refused(Deploy, "rescue", "--to", "DAIR", "--wait", "-5")
        self.refused(Undeploy, "rescue")


class TestNothingToSave(DeployTestCase):
    def setUp(self) -> None:
        super().setUp()
        detail = "Every cell is wished so already."
        self.refuse("POST", "/operations", 409, "operation.no_change", detail)

    def cell(self, *states: str) -> None:
        cell = {"id": "d", "image_id": IMAGE["id"], "credential_id": AT_DAIR["id"]}
        cell |= {"error_code": "x.y", "error_detail": "why"} if states[-1] == "failed" else {}
        self.http.get(
            f"{GLINT}/v1/deployments",
            [{"json": {"deployments": [{**cell, "status": s}]}} for s in states],
        )

    def test_a_script_may_repeat_itself(self) -> None:
        self.cell("active")
        (row,) = self.json(Deploy, "rescue", "--to", "DAIR")
        self.assertEqual("active", row["State"])
        self.assertIn("wished so already", self.err.getvalue())

    def test_but_a_broken_cell_is_a_failure(self) -> None:
        self.cell("failed")
        said = self.fails(Deploy, "rescue", "--to", "DAIR")
        self.assertEqual("rescue at DAIR (hep): failed (x.y: why)", said)

    def test_wait_waits_for_what_is_under_way_already(self) -> None:
        self.cell("copying", "verifying", "active")
        (row,) = self.json(Deploy, "rescue", "--to", "DAIR", "--wait", "9")
        self.assertEqual("active", row["State"])

    def test_wait_ends(self) -> None:
        self.cell("copying")
        said = self.late(Deploy, "rescue", "--to", "DAIR", "--wait", "0.05")
        self.assertIn("rescue at DAIR (hep): copying", said)

    def test_without_wait_there_is_one_look(self) -> None:
        self.cell("copying")
        (row,) = self.json(Deploy, "rescue", "--to", "DAIR")
        self.assertEqual("copying", row["State"])


class TestWait(DeployTestCase):
    def test_success_is_quiet_without_a_terminal(self) -> None:
        self.then(("running", [change("running")]), ("done", [change("done")]))
        (row,) = self.json(Deploy, "rescue", "--to", "DAIR", "--wait")
        self.assertEqual("done", row["State"])
        self.assertEqual("", self.err.getvalue())

    def test_an_earlier_attempt_is_no_error(self) -> None:
        self.then(("done", [change("done", error_code="site.unreachable", error_detail="away")]))
        (row,) = self.json(Deploy, "rescue", "--to", "DAIR", "--wait")
        self.assertEqual("", row["Error"])

    def test_partial_failure_names_the_cell_and_the_reason(self) -> None:
        bad = {"error_code": "site.quota_exceeded", "error_detail": "full"}
        changes = [change("done", at=AT_ALTO), change("failed", **bad)]
        self.then(("failed", changes))

        said = self.fails(Deploy, "rescue", "--to", "DAIR", "ALTO", "--wait", "-f", "json")

        self.assertEqual("rescue at DAIR (hep): failed (site.quota_exceeded: full)", said)
        self.assertIn('"done"', self.out.getvalue())

    def test_cancelled_is_not_success(self) -> None:
        self.then(("cancelled", [change("cancelled")]))
        said = self.fails(Deploy, "rescue", "--to", "DAIR", "--wait")
        self.assertIn("rescue at DAIR (hep): cancelled", said)

    def test_time_limit_leaves_it_running(self) -> None:
        self.then(("running", [change("running")]))
        said = self.late(Deploy, "rescue", "--to", "DAIR", "--wait", "0.05")
        self.assertIn("openstack glint operation wait op", said)
        self.assertIn("running", self.out.getvalue())

    def test_interruption_leaves_it_running(self) -> None:
        def interrupt(*args: Any, **options: Any) -> None:
            raise KeyboardInterrupt

        self.useFixture(fixtures.MonkeyPatch("glint.client.Client.wait_for", interrupt))
        self.assertRaises(
            KeyboardInterrupt, self.command, Deploy, "rescue", "--to", "DAIR", "--wait"
        )
        self.assertIn("openstack glint operation wait op", self.err.getvalue())

    def test_default_is_a_day(self) -> None:
        limits = []

        def wait(client: Any, ident: str, timeout: float, callback: Any) -> None:
            limits.append(timeout)
            raise WaitTimeout("late")

        self.useFixture(fixtures.MonkeyPatch("glint.client.Client.wait_for", wait))
        self.late(Deploy, "rescue", "--to", "DAIR", "--wait")
        self.late(Deploy, "rescue", "--to", "DAIR", "--wait", "7")
        self.assertEqual([86400.0, 7.0], limits)


class TestProgress(DeployTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.err = Terminal(tty=True)
        self.useFixture(fixtures.MonkeyPatch("sys.stderr", self.err))

    def transfer(self, state: str, done: int, **more: Any) -> dict[str, Any]:
        return {
            "id": "t",
            "state": state,
            "image_id": IMAGE["id"],
            "credential_id": AT_DAIR["id"],
            "bytes_done": done,
            "bytes_total": 4096,
            **more,
        }

    def run_with(self, *transfers: dict[str, Any]) -> str:
        states = ["running"] * (len(transfers) - 1) + ["done"]
        self.then(*((state, [change(state)]) for state in states))
        self.http.get(f"{GLINT}/v1/transfers", [{"json": {"transfers": [t]}} for t in transfers])
        self.command(Deploy, "rescue", "--to", "DAIR", "--wait")
        return self.err.getvalue()

    def test_one_line_per_running_transfer_then_its_end(self) -> None:
        shown = self.run_with(
            self.transfer("queued", 0),
            self.transfer("running", 1024, phase="copying"),
            self.transfer("running", 2048, phase="copying"),
            self.transfer("done", 4096),
            self.transfer("done", 4096),
        )
        self.assertIn("rescue at DAIR (hep) copying  25%", shown)
        self.assertIn(" 50%", shown)
        self.assertEqual(1, shown.count("rescue at DAIR (hep): done\n"))

    def test_reason_of_a_failure(self) -> None:
        shown = self.run_with(self.transfer("failed", 0, error_code="x", error_detail="why"))
        self.assertIn("rescue at DAIR (hep): failed (x: why)\n", shown)

    def test_a_log_gets_a_line_for_each_end_and_nothing_in_between(self) -> None:
        self.err.tty = False
        shown = self.run_with(
            self.transfer("running", 1024, phase="copying"),
            self.transfer("done", 4096),
            self.transfer("done", 4096),
        )
        self.assertEqual("rescue at DAIR (hep): done\n", shown)

    def test_quiet_says_nothing(self) -> None:
        self.options.verbose_level = 0
        self.assertEqual("", self.run_with(self.transfer("done", 4096)))

    def test_one_that_waits_for_its_next_attempt(self) -> None:
        shown = self.run_with(
            self.transfer("running", 1024, phase="copying"),
            self.transfer("queued", 0, error_code="site.unreachable"),
            self.transfer("done", 4096, error_code="site.unreachable"),
        )
        self.assertIn("rescue at DAIR (hep) queued   0%", shown)
        self.assertIn("rescue at DAIR (hep): done\n", shown)

    def test_unknown_size_and_hostile_phase(self) -> None:
        shown = self.run_with(
            self.transfer("running", 10, bytes_total=None, phase="\x1b[2J"),
            self.transfer("running", 20, bytes_total=None, phase="\x1b[2J"),
            self.transfer("done", 20),
        )
        self.assertNotIn("\x1b[2J", shown)

    def test_trouble_with_the_picture_harms_nobody(self) -> None:
        self.then(("done", [change("done")]))
        self.refuse("GET", "/transfers", 500, "glint.internal", "broken")
        self.command(Deploy, "rescue", "--to", "DAIR", "--wait")


class TestTerminalSize(testtools.TestCase):
    def test_real_pty_that_does_not_know_its_size(self) -> None:
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        with open(slave, "w") as stream:
            self.assertEqual((80, 24), progress._size(stream))
            termios.tcsetwinsize(slave, (30, 111))
            self.assertEqual((111, 30), progress._size(stream))
        with open(os.devnull, "w") as stream:
            self.assertEqual((80, 24), progress._size(stream))


class TestOperations(DeployTestCase):
    def test_wait_for_several_says_which_failed(self) -> None:
        self.then(("failed", [change("failed", error_code="x.y")]))
        self.refuse("GET", "/operations/gone", 404, "operation.not_found", "No.")
        said = self.fails(WaitOperation, "gone", "op")
        self.assertEqual(
            ["gone: No. (404, operation.not_found)", "rescue at DAIR (hep): failed (x.y)"],
            said.splitlines(),
        )

    def test_show_names_the_cells(self) -> None:
        self.then(("running", [change(None), change("failed", at=AT_ALTO, error_code="x.y")]))
        shown = self.command(ShowOperation, "op")
        self.assertIn("deploy rescue at DAIR (hep): nothing to do", shown)
        self.assertIn("deploy rescue at ALTO (hep): failed (x.y)", shown)
        self.assertEqual(2, len(self.json(ShowOperation, "op")["changes"]))

    def test_list(self) -> None:
        done = {"id": "op", "state": "done", "changes": [1, 2]}
        self.http.get(f"{GLINT}/v1/operations", json={"operations": [done] * 3})
        rows = self.json(ListOperation, "--limit", "2")
        self.assertEqual(2, len(rows))
        self.assertEqual((2, 100), (rows[0]["Changes"], rows[0]["Percent"]))


class TestDryRun(DeployTestCase):
    def plan(self, *cells: dict[str, Any], move: int = 0, read: int = 0) -> None:
        answer = {"cells": list(cells), "bytes_to_move": move, "bytes_to_read": read}
        self.http.post(f"{GLINT}/v1/operations?dry_run=true", json={"plan": answer})

    @staticmethod
    def cell(action: str, image: Any = IMAGE, at: Any = AT_DAIR, **more: Any) -> dict[str, Any]:
        blank = {"method": None, "reason": "", "bytes": 0, "error_code": None, "error_detail": None}
        ids = {"image_id": image["id"], "credential_id": at["id"], "wanted": True}
        return {**ids, "action": action, **blank, **more}

    def test_a_table_and_two_sums(self) -> None:
        self.plan(
            self.cell("import", method="import", reason="another region", bytes=5 * 1024**2),
            self.cell("copy", OTHER, method="stream", reason="no Keystone", bytes=1024**3),
            move=1029 * 1024**2,
            read=1024**3,
        )
        out = self.command(Deploy, "rescue", "debian", "--to", "DAIR", "--dry-run")
        self.assertIn("| rescue | DAIR (hep) | import | import | 5.0 MiB | another region |", out)
        self.assertIn("| debian | DAIR (hep) | copy   | stream | 1.0 GiB | no Keystone    |", out)
        self.assertIn("1.0 GiB would come to sites, 1.0 GiB would be read", self.err.getvalue())
        self.assertEqual(
            [IMAGE["id"], OTHER["id"]], [c["image_id"] for c in self.body()["changes"]]
        )
        asked = [one.query for one in self.http.request_history if one.path == "/v1/operations"]
        self.assertEqual(["dry_run=true"], asked)

    def test_refusals_are_a_failure_and_name_the_option(self) -> None:
        refusal = {"error_code": "deployment.last_copy", "error_detail": "The last one."}
        self.plan(self.cell("refused", **refusal))
        said = self.fails(Undeploy, "rescue", "--from", "DAIR", "--dry-run")
        self.assertIn("deployment.last_copy: The last one.", said)
        self.assertIn("--allow-last-copy", said)

    def test_a_service_that_saved_nevertheless(self) -> None:
        self.assertIn("no plan", self.fails(Deploy, "rescue", "--to", "DAIR", "--dry-run"))
