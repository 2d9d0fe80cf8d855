"""What tests of uploads and downloads have in common."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import requests

from glint.client import Resource
from tests.functional.base import GlintTestCase
from tests.functional.processes import eventually
from tests.functional.service import GlintService

BYTES = {"Content-Type": "application/octet-stream"}


class FileCase(GlintTestCase):
    """A Glint with an upload folder.

    :ivar uploads: the folder
    """

    has_folder = True
    images_settings: Mapping[str, Any] = {}

    def make_glint(self, folder: pathlib.Path) -> GlintService:
        self.uploads = folder / "uploads"
        given = {name: dict(options) for name, options in (self.settings or {}).items()}
        if self.has_folder:
            given["images"] = {"upload_dir": self.uploads, **self.images_settings}
        port = self.minicloud.spare_ports[0]
        return GlintService(folder, self.alto, port=port, settings=given)

    def empty(self, name: str = "uploaded", **values: Any) -> Resource:
        """A row that waits for its file."""
        answer = self.user.http.post("/v1/images", {"name": name, "disk_format": "raw", **values})
        self.assertEqual(201, answer.status_code, answer.text)
        image: Resource = answer.json()["image"]
        return image

    def put(
        self, image: Resource, data: bytes | Iterable[bytes], query: str = ""
    ) -> requests.Response:
        """Upload; an iterable goes in chunks."""
        path = f"/v1/images/{image['id']}/file{query}"
        return self.user.http("PUT", path, data=data, headers=BYTES)

    def files(self) -> list[str]:
        """What lies in the upload folder."""
        if not self.uploads.exists():
            return []
        return [path.name for path in self.uploads.iterdir() if "." in path.name.lstrip(".")]

    def wait_files(self, count: int) -> None:
        eventually(lambda: len(self.files()) == count, f"{count} files in {self.uploads}", 90)
