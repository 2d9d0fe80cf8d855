"""What one account has in one region, asked in pages and by id."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from glint.drivers.ec2 import records
from glint.drivers.ec2.session import Login
from glint.drivers.text import clean
from glint.exception import SiteConflict, SiteError, SiteImageNotFound, StreamBroken

#: Images or snapshots that one request of a list asks for, and that a list is believed to have.
PAGE_SIZE = 500
LIST_LIMIT = 100_000

#: Seconds that EC2 gets to make ready a snapshot whose blocks it has, or an AMI.
READY_LIMIT = 1800.0
#: Seconds between two looks, at first and at most.
_LOOK, _LOOK_MOST = 0.5, 10.0


class Account:
    """The requests of the driver. Safe for threads."""

    def __init__(self, login: Login) -> None:
        self._login = login

    def call(self, service: str, operation: str, ident: str | None = None, **arguments: Any) -> Any:
        """One request; raises site errors only.

        :param ident: remote id of the image that it is about.
        """
        client = self._login.client(service)
        with self._login.errors.guard(ident):
            answer = getattr(client, operation)(**arguments)
            if "BlockData" in answer:
                answer["BlockData"] = answer["BlockData"].read()
            return answer

    def amis(self, filters: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """The account's AMIs, disabled and deprecated ones too, that pass EC2's filters."""
        more = {"IncludeDisabled": True, "IncludeDeprecated": True}
        return self._pages("describe_images", "Images", filters, Owners=["self"], **more)

    def snapshots(self, filters: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """The account's snapshots that pass EC2's filters."""
        return self._pages("describe_snapshots", "Snapshots", filters, OwnerIds=["self"])

    def _pages(
        self, operation: str, what: str, filters: Sequence[Mapping[str, Any]], **more: Any
    ) -> Iterator[Mapping[str, Any]]:
        following: str | None = None
        count = 0
        while True:
            page: dict[str, Any] = {
                "MaxResults": PAGE_SIZE,
                **({"NextToken": following} if following else {}),
            }
            answer = self.call("ec2", operation, None, Filters=[*filters], **page, **more)
            for record in answer.get(what) or ():
                count += 1
                yield record
            again, following = following, answer.get("NextToken")
            if not following:
                return
            if following == again or count > LIST_LIMIT:
                raise SiteError(reason="its list of images never ends")

    def ami(self, remote_id: str) -> Mapping[str, Any]:
        """:raises SiteImageNotFound: it is not there."""
        found = self.call("ec2", "describe_images", remote_id, ImageIds=[remote_id])
        return self._one(found.get("Images"), remote_id)

    def snapshot(self, remote_id: str) -> Mapping[str, Any]:
        """:raises SiteImageNotFound: it is not there."""
        found = self.call("ec2", "describe_snapshots", remote_id, SnapshotIds=[remote_id])
        return self._one(found.get("Snapshots"), remote_id)

    @staticmethod
    def _one(found: Any, remote_id: str) -> Mapping[str, Any]:
        if not found:
            raise SiteImageNotFound(ident=remote_id)
        record: Mapping[str, Any] = found[0]
        return record

    def deprecate(self, ami_id: str, at: datetime.datetime) -> None:
        """From that time on EC2 hides an AMI from whoever does not know its id."""
        more = {"ImageId": ami_id, "DeprecateAt": at}
        self.call("ec2", "enable_image_deprecation", ami_id, **more)

    def used(self, snapshots: Sequence[str]) -> set[str]:
        """Those of some snapshots that belong to an AMI."""
        if not snapshots:
            return set()
        wanted = {"Name": "block-device-mapping.snapshot-id", "Values": [*snapshots]}
        return {ident for ami in self.amis([wanted]) for ident in records.snapshots_of(ami)}


def wait(state: Callable[[], str], wanted: str, stopped: threading.Event) -> None:
    """Until something is in a state.

    :raises SiteError: it came into another one, or took too long.
    """
    began, pause = time.monotonic(), _LOOK
    while (now := state()) != wanted:
        if now != "pending":
            raise SiteConflict(reason=f"it became {clean(now, limit=40)} instead of {wanted}")
        if time.monotonic() - began > READY_LIMIT:
            raise SiteConflict(reason=f"it was not {wanted} after {READY_LIMIT:.0f} s")
        if stopped.wait(pause):
            raise StreamBroken(
                side="to the site", done="all", total="all", reason="it was stopped by Glint"
            )
        pause = min(pause * 1.5, _LOOK_MOST)
