"""What cannot be deleted, and what stands in the way."""

from __future__ import annotations

from typing import Any

from oslo_db import exception as db_exc

from glint.db import api, models
from tests.unit.api.base import ApiTestCase


class GuardsTest(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.site = self.make_site("CERN")
        self.source = self.make_credential(self.site["id"])
        self.image = self.make_image(self.source["id"])
        self.conductor.remote_project = ("remote-2", "chemistry")
        self.target = self.make_credential(self.site["id"])
        self.column = f"/v1/credentials/{self.target['id']}"
        self.row = f"/v1/images/{self.image['id']}"

    def save(self, wanted: bool = True) -> Any:
        wish = {
            "image_id": self.image["id"], "credential_id": self.target["id"], "wanted": wanted,
        }  # fmt: skip
        body = {"changes": [wish]}
        made = self.call("POST", "/v1/operations", body, expect=202).body["operation"]
        return made["changes"][0]["deployment_id"]

    def set_cells(self, **values: Any) -> None:
        with self.db.writer() as session:
            for cell in session.query(models.Deployment):
                for name, value in values.items():
                    setattr(cell, name, value)

    def in_the_way(self, code: str, url: str) -> str:
        before = [self.rows(model) for model in (models.Site, models.Credential, models.Image,
                                                 models.Deployment, models.Transfer)]  # fmt: skip
        answer = self.refused(code, 409, "DELETE", url)
        after = [self.rows(model) for model in (models.Site, models.Credential, models.Image,
                                                models.Deployment, models.Transfer)]  # fmt: skip
        self.assertEqual(before, after)
        return str(answer.error["detail"])

    def test_a_site_with_credentials(self) -> None:
        told = self.in_the_way("site.in_use", f"/v1/sites/{self.site['id']}")
        self.assertIn(self.source["id"], told)
        self.assertIn(self.target["id"], told)
        self.call("DELETE", f"{self.column}?force=true", expect=204)
        self.call("DELETE", f"/v1/credentials/{self.source['id']}?force=true", expect=204)
        self.call("DELETE", f"/v1/sites/{self.site['id']}", expect=204)

    def test_wanted_deployments(self) -> None:
        ident = self.save()
        for code, url in (("image.in_use", self.row), ("credential.in_use", self.column)):
            self.assertIn(f"wanted deployment {ident}", self.in_the_way(code, url))
        self.assertIn("force", self.in_the_way("credential.in_use", self.column))

    def test_what_glint_left_at_a_site(self) -> None:
        """A removal that failed: whoever forgot the row would leave the copy for ever."""
        ident = self.save()
        self.set_cells(
            wanted=False, status="failed", stamped=True, remote_id="there", pending=False
        )
        for code, url in (("image.in_use", self.row), ("credential.in_use", self.column)):
            self.assertIn(f"made by Glint in deployment {ident}", self.in_the_way(code, url))
        self.set_cells(stamped=False)
        self.call("DELETE", self.row, expect=204)

    def test_transfers_cannot_be_forced_away(self) -> None:
        ident = self.save()
        with self.db.writer() as session:
            session.add(
                models.Transfer(
                    id="t1", deployment_id=ident, live=ident, image_id=self.image["id"],
                    credential_id=self.target["id"], site_id=self.site["id"], project_id="red",
                    kind="copy",
                )
            )  # fmt: skip
        self.set_cells(wanted=False)
        for code, url in (("image.in_use", self.row), ("credential.in_use", self.column),
                          ("credential.in_use", f"{self.column}?force=true")):  # fmt: skip
            self.assertIn("transfer t1", self.in_the_way(code, url))

    def test_many_are_counted(self) -> None:
        with self.db.writer() as session:
            for number in range(13):
                session.add(
                    models.Image(
                        id=f"i{number}", project_id="red", name="x", disk_format="raw",
                        container_format="bare",
                    )
                )  # fmt: skip
                session.add(
                    models.Deployment(
                        id=f"d{number:02}", image_id=f"i{number}", project_id="red", wanted=True,
                        credential_id=self.target["id"],
                    )
                )  # fmt: skip
        told = self.in_the_way("credential.in_use", self.column)
        self.assertIn("d09", told)
        self.assertNotIn("d10", told)
        self.assertIn("3 more", told)

    def test_what_came_meanwhile_is_looked_at_again(self) -> None:
        """A credential for a site that is being deleted: the database refuses one of the two."""
        times: list[int] = []

        @api.retry
        def delete(db: api.Database) -> str:
            times.append(1)
            if len(times) == 1:
                with db.writer() as session:
                    session.delete(session.get_one(models.Site, self.site["id"]))
            return "looked again"

        self.assertEqual("looked again", delete(self.db))
        self.call("GET", f"/v1/sites/{self.site['id']}", expect=200)
        with self.db.writer() as session:
            row = session.get_one(models.Site, self.site["id"])
            session.delete(row)
            self.assertRaises(db_exc.DBReferenceError, session.flush)
            session.rollback()
