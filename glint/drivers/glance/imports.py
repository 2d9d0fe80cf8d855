"""Images that a Glance fetches by itself (interoperable import).

A failed import has no status of its own: the image goes back to ``queued``. Facts: Glance's
``api_image_import`` flow; ``os_glance_import_task`` is its lock, set before the request is
answered, and dropped when the task has ended.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from glint.drivers.base import Import, ImportProgress
from glint.drivers.glance.errors import ErrorMap, Refused
from glint.drivers.glance.session import ImageClient
from glint.drivers.text import clean
from glint.exception import ImportFailed

LOG = logging.getLogger(__name__)

#: Answers that say: not like this, and not later either.
_NO = frozenset({400, 403, 404, 405, 409})


def glance_download(region: str, source_remote_id: str) -> dict[str, Any]:
    """The method that fetches from another region of the same Keystone, with the caller's token."""
    return {"name": "glance-download", "glance_region": region, "glance_image_id": source_remote_id}


def web_download(url: str) -> dict[str, Any]:
    """The method that fetches from a URL, if the site's own rules for addresses allow it."""
    return {"name": "web-download", "uri": url}


def start(client: ImageClient, errors: ErrorMap, remote_id: str, method: Mapping[str, Any]) -> None:
    """Ask the site to fetch the bytes of a queued record.

    :param method: what Glance's import API calls so, such as :func:`glance_download`.
    :raises ImportFailed: it will not.
    """
    try:
        client.http.post(f"/v2/images/{remote_id}/import", data={"method": dict(method)})
    except Refused as exc:
        if exc.response.status_code not in _NO:
            raise
        raise ImportFailed(reason=errors.reason(exc.response)) from exc


def progress(client: ImageClient, remote_id: str, secrets: tuple[str, ...]) -> ImportProgress:
    """One look at the record, and at its tasks where it failed."""
    _, record = client.http.get(f"/v2/images/{remote_id}")
    if not isinstance(record, Mapping):
        raise ValueError("it is not an object")
    status, size = record.get("status"), record.get("size")
    done = size if isinstance(size, int) and not isinstance(size, bool) and size > 0 else 0
    if status == "active":
        return ImportProgress(Import.DONE, done)
    ended = record.get("os_glance_failed_import") or not record.get("os_glance_import_task")
    if status in ("importing", "saving", "uploading") or (status == "queued" and not ended):
        return ImportProgress(Import.RUNNING, done)
    reason = _task_message(client, remote_id) or f"the image went back to {status}"
    return ImportProgress(Import.FAILED, 0, clean(reason, secrets).rstrip("."))


def _task_message(client: ImageClient, remote_id: str) -> str:
    """What the newest failed task says; "" where the site does not tell."""
    try:
        _, body = client.http.get(f"/v2/images/{remote_id}/tasks")
        tasks = [task for task in body["tasks"] if task.get("status") == "failure"]
        newest = max(tasks, key=lambda task: str(task.get("updated_at")))
        return str(newest.get("message") or "")
    except (Refused, LookupError, TypeError, ValueError, AttributeError) as exc:
        LOG.debug("Image %s: no task tells why its import failed: %r", remote_id, exc)
        return ""
