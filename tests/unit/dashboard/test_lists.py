"""The list pages: what they show, and what their actions ask of the service."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest import mock

import requests
from keystoneauth1 import exceptions as ksa

from glint.api.schemas import conductors, credentials, events, images, operations, parts, sites
from tests.unit.dashboard import things
from tests.unit.dashboard.base import URL, DashboardTestCase

PROJECT, ADMIN = "/project/glint_", "/admin/glint_"
HOSTILE = "<script>x</script>{$ 7*7 $}"
LISTS = {
    "images": images.IMAGE,
    "sites": sites.SITE,
    "credentials": credentials.CREDENTIAL,
    "operations": operations.OPERATION,
    "events": events.EVENT,
    "conductors": conductors.CONDUCTOR,
}


class ListTestCase(DashboardTestCase):
    def setUp(self) -> None:
        super().setUp()
        hep = SimpleNamespace(id="p1", name="hep")
        known = mock.patch(
            "openstack_dashboard.api.keystone.tenant_list", return_value=([hep], False)
        )
        self.keystone = known.start()
        self.addCleanup(known.stop)

    def show(self, name: str, *found: dict[str, Any], more: bool = False) -> None:
        answer: dict[str, Any] = {name: list(found)}
        if more:
            answer["links"] = [{"rel": "next", "href": f"{URL}/v1/{name}?marker=x"}]
        self.serve(name, parts.page(name, LISTS[name]), answer)

    def text(self, path: str, **data: Any) -> str:
        answer = self.client.get(path, data)
        self.assertEqual(200, answer.status_code, path)
        return str(answer.content.decode())

    def act(self, path: str, table: str, verb: str, ident: str) -> None:
        """Press the button of a row."""
        answer = self.client.post(path, {"action": f"{table}__{verb}__{ident}"})
        self.assertEqual(302, answer.status_code)

    def query(self, name: str) -> dict[str, Any]:
        """Of the last request for a list."""
        asked = [one for one in self.glint.request_history if one.path == f"/v1/{name}"]
        return dict(asked[-1].qs)

    def told(self) -> str:
        """What the next page says first."""
        from django.contrib.messages import get_messages

        answer = self.client.get(f"{PROJECT}events/")
        return " ".join(str(one) for one in get_messages(answer.wsgi_request)) + str(
            answer.content.decode()
        )


class ShownTest(ListTestCase):
    def test_each_list_shows_what_there_is(self) -> None:
        self.log_in("admin", "member", "reader")
        failing = things.site("s2", name=HOSTILE, health="failing", health_detail="No route.")
        shown = {
            "images": (things.image("i1"), things.image("i2", size=None, state="empty")),
            "sites": (things.site(shared=True), failing),
            "credentials": (things.credential(error_code="x", error_detail="Wrong password."),),
            "operations": (things.operation(state="running"),),
            "events": (things.event(message=HOSTILE),),
            "conductors": (things.conductor(), things.conductor("b", alive=False)),
        }
        expected = {
            f"{PROJECT}images/": ("image i1", "1.0\xa0KB", "waits for its file", ">-<"),
            f"{PROJECT}sites/": ("SITE s1", "failing: No route.", "&lt;script&gt;", "https://k."),
            f"{PROJECT}credentials/": ("COLUMN c1", "password bob", "Wrong password.", "Never"),
            f"{PROJECT}operations/": ("operatio", "running", "1 / 1, 50 %"),
            f"{PROJECT}events/": ("image.create", "&lt;script&gt;x"),
            f"{ADMIN}sites/": ("SITE s1", "all projects"),
            f"{ADMIN}operations/": ("operatio", "hep"),
            f"{ADMIN}conductors/": ("host.example.org", "alive", "silent"),
        }
        for name, found in shown.items():
            self.show(name, *found)
        for path, words in expected.items():
            text = self.text(path)
            for word in words:
                self.assertIn(word, text, path)
            self.assertNotIn("<script>x", text)

    def test_an_empty_list_is_not_one_that_failed(self) -> None:
        self.show("sites")
        self.assertIn("No items to display.", self.text(f"{PROJECT}sites/"))
        self.glint.get(f"{URL}/v1/sites", exc=requests.ConnectionError)
        text = self.text(f"{PROJECT}sites/")
        self.assertIn("The list cannot be shown now.", text)
        self.assertIn("does not answer", text)

    def test_the_next_page(self) -> None:
        self.show("images", *(things.image(f"i{n}") for n in range(3)), more=True)
        self.assertIn("marker=i2", self.text(f"{PROJECT}images/"))
        self.text(f"{PROJECT}images/", marker="i2")
        self.assertEqual(["i2"], self.query("images")["marker"])

    def test_all_projects_are_asked_for_by_administrators_only(self) -> None:
        self.show("sites")
        self.show("operations")
        for path in ("sites", "operations", "conductors"):
            self.assertIn(self.client.get(f"{ADMIN}{path}/").status_code, (302, 403), path)
        self.text(f"{PROJECT}sites/")
        self.assertNotIn("all_projects", self.query("sites"))
        self.log_in("admin", "member", "reader")
        self.text(f"{ADMIN}sites/")
        self.assertEqual(["true"], self.query("sites")["all_projects"])

    def test_without_keystone_projects_have_ids(self) -> None:
        self.log_in("admin", "member", "reader")
        self.keystone.side_effect = ksa.ConnectFailure
        self.show("operations", things.operation(project_id="project-1"))
        self.assertIn("project-1", self.text(f"{ADMIN}operations/"))

    def test_a_reader_gets_no_buttons(self) -> None:
        self.show("sites", things.site())
        self.show("images", things.image())
        self.assertIn("sites__action_add", self.text(f"{PROJECT}sites/"))
        self.log_in("reader")
        for name, verbs in (("sites", ("add", "probe", "delete")), ("images", ("create", "edit"))):
            text = self.text(f"{PROJECT}{name}/")
            for verb in verbs:
                self.assertNotIn(f"__action_{verb}", text)
                self.assertNotIn(f"__{verb}__", text)

    def test_a_site_for_everyone_is_the_administrators(self) -> None:
        self.show("sites", things.site(shared=True, project_id=None))
        self.assertNotIn("sites__row_s1__action_edit", self.text(f"{PROJECT}sites/"))
        self.log_in("admin", "member", "reader")
        self.assertIn("sites__row_s1__action_edit", self.text(f"{ADMIN}sites/"))
        self.show("sites", things.site(project_id="p2"))
        self.assertNotIn("sites__row_s1__action_edit", self.text(f"{ADMIN}sites/"))


class ActTest(ListTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.show("events")
        self.show("sites", things.site())
        self.show("credentials", things.credential())
        self.show("images", things.image())

    def test_verbs_of_rows(self) -> None:
        failing = things.site(health="failing", health_detail="The name is unknown.")
        self.serve("sites/s1/probe", sites.ONE, {"site": failing}, "POST")
        self.act(f"{PROJECT}sites/", "sites", "probe", "s1")
        self.assertIn("SITE s1: The name is unknown.", self.told())
        one = {"credential": things.credential()}
        for verb, action, word in (("test", "verify", "works."), ("scan", "scan", "looked")):
            self.serve(f"credentials/c1/{action}", credentials.ONE, one, "POST")
            self.act(f"{PROJECT}credentials/", "credentials", verb, "c1")
            self.assertIn(word, self.told())

    def test_operations_are_stopped_and_tried_again(self) -> None:
        for verb, state in (("cancel", "running"), ("retry", "failed")):
            self.show("operations", things.operation("o1", state=state))
            one = {"operation": things.operation("o1")}
            self.serve(f"operations/o1/{verb}", operations.ONE, one, "POST")
            self.act(f"{PROJECT}operations/", "operations", verb, "o1")
            self.assertEqual([None], self.asked("POST", f"operations/o1/{verb}"))
            self.assertEqual([], self.asked("POST", "operations/o1/other"))

    def test_a_refused_deletion_says_why(self) -> None:
        for name, ident in (("images", "i1"), ("sites", "s1"), ("credentials", "c1")):
            self.refuse(f"{name}/{ident}", 409, "image.in_use", f"{name} in use.", "DELETE")
            self.act(f"{PROJECT}{name}/", name, "delete", ident)
            self.assertIn(f"{name} in use.", self.told())

    def test_a_deletion(self) -> None:
        self.glint.delete(f"{URL}/v1/images/i1", status_code=204)
        self.act(f"{PROJECT}images/", "images", "delete", "i1")
        self.assertIn("Deleted Image", self.told())


class DialogTest(ListTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.show("events")
        self.serve("site-types", {"type": "object"}, {"site_types": [things.SITE_TYPE]})
        kind = {"site_type": things.SITE_TYPE}
        self.serve("site-types/openstack", {"type": "object"}, kind)

    def test_a_site_is_added(self) -> None:
        self.serve("sites", sites.ONE, {"site": things.site()}, "POST")
        form = {
            "name": "S", "type": "openstack", "openstack__auth_url": "https://k", "hours": "",
            "max_transfers": "2", "bandwidth": "100",
        }  # fmt: skip
        answer = self.client.post(f"{PROJECT}sites/add/", form)
        self.assertEqual(302, answer.status_code)
        (body,) = self.asked("POST", "sites")
        self.assertEqual({"auth_url": "https://k"}, body["connection"])
        self.assertEqual((False, 102400), (body["shared"], body["bandwidth"]))
        self.assertNotIn("hours", body)
        self.log_in("admin", "member", "reader")
        self.client.post(f"{ADMIN}sites/add/", form | {"shared": "on"})
        self.assertTrue(self.asked("POST", "sites")[-1]["shared"])

    def test_what_was_typed_stays_beside_the_reason(self) -> None:
        self.refuse("sites", 422, "site.unreachable", "Nobody answers there.", "POST")
        form = {
            "name": "typed", "type": "openstack", "openstack__auth_url": "https://k",
            "max_transfers": "2",
        }  # fmt: skip
        text = self.client.post(f"{PROJECT}sites/add/", form).content.decode()
        self.assertIn("Nobody answers there.", text)
        self.assertIn('value="typed"', text)

    def test_only_what_changed_of_a_site_is_sent(self) -> None:
        one = {"site": things.site(bandwidth=65537, hours="22:00-06:00")}
        self.serve("sites/s1", sites.ONE, one)
        self.serve("sites/s1", sites.ONE, one, "PATCH")
        form = {
            "name": "SITE s1", "openstack__auth_url": "https://k.example.org/v3", "enabled": "on",
            "max_transfers": "9", "bandwidth": "64", "hours": "22:00-06:00",
        }  # fmt: skip
        self.client.post(f"{PROJECT}sites/s1/edit/", form)
        self.client.post(f"{PROJECT}sites/s1/edit/", form | {"max_transfers": "4", "bandwidth": ""})
        self.assertEqual(
            [{"max_transfers": 9, "generation": 1}, {"bandwidth": None, "generation": 1}],
            self.asked("PATCH", "sites/s1"),
        )

    def test_a_secret_is_never_sent_back(self) -> None:
        self.show("sites", things.site())
        self.refuse("credentials", 422, "credential.refused", "Wrong password.", "POST")
        form = {
            "site": "s1", "auth": "password", "password__username": "bob", "password": "hush-hush",
        }  # fmt: skip
        text = self.client.post(f"{PROJECT}credentials/add/", form).content.decode()
        self.assertIn("Wrong password.", text)
        self.assertNotIn("hush-hush", text)
        (body,) = self.asked("POST", "credentials")
        auth = {"auth_type": "password", "username": "bob", "password": "hush-hush"}
        self.assertEqual(auth, body["auth"])

    def test_the_page_of_an_operation(self) -> None:
        self.show("images", things.image())
        self.show("credentials", things.credential())
        change = things.change(state="failed", error_code="x", error_detail="It broke.")
        self.serve("operations/o1", operations.ONE,
                   {"operation": things.operation("o1", changes=[change])})  # fmt: skip
        text = self.text(f"{PROJECT}operations/o1/")
        for word in ("image i1", "COLUMN c1", "It broke.", "0 / 1"):
            self.assertIn(word, text)
        self.assertNotIn("operations__retry__", text)
        failed = things.operation("o1", state="failed", changes=[change])
        self.serve("operations/o1", operations.ONE, {"operation": failed})
        self.assertIn("operations__retry__o1", self.text(f"{PROJECT}operations/o1/"))
        self.log_in("reader")
        self.assertNotIn("operations__retry__o1", self.text(f"{PROJECT}operations/o1/"))
