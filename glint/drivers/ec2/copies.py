"""Copies that EC2 makes by itself, from one region to another of the same account.

The snapshot is copied, and becomes an AMI of its own when it is proven. CopyImage would show an
unproven image under its name at once, because an AMI cannot be renamed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from glint.drivers.base import Import, ImportProgress
from glint.drivers.ec2 import records
from glint.drivers.ec2.account import Account
from glint.drivers.text import clean
from glint.exception import ImportFailed, SiteCredentialsRejected, SiteError
from glint.objects import Image, Stamp

_STATES = {"completed": Import.DONE, "error": Import.FAILED}
_PERCENT = re.compile(r"([0-9]{1,3})%?$(?!\n)", re.ASCII)


def begin(
    account: Account,
    image: Image,
    stamp: Stamp,
    source: tuple[str, str],
    encryption: Mapping[str, Any],
) -> str:
    """Ask for the copy; returns the id of the snapshot, which is stamped from its first moment.

    :param source: region and id of the snapshot there.
    :param encryption: arguments that say which key the copy gets.
    :raises ImportFailed: EC2 does not copy it, and another try would not help.
    """
    region, snapshot_id = source
    own = {records.SOURCE: f"{region} {snapshot_id}", records.SIZE: str(image.size)}
    tags = records.as_tags({**records.stamp_tags(stamp), **own})
    try:
        answer = account.call(
            "ec2",
            "copy_snapshot",
            SourceRegion=region,
            SourceSnapshotId=snapshot_id,
            Description=f"glint-incoming-{stamp.transfer_id}",
            TagSpecifications=[{"ResourceType": "snapshot", "Tags": tags}],
            **encryption,
        )
    except SiteError as error:
        if error.retry or isinstance(error, SiteCredentialsRejected):
            raise
        raise ImportFailed(reason=str(error).rstrip(".")) from error
    return records.id_in(answer, "SnapshotId")


def progress(snapshot: Mapping[str, Any]) -> ImportProgress:
    """How a copy stands, by the record of its snapshot."""
    state = _STATES.get(str(snapshot.get("State")), Import.RUNNING)
    told = _PERCENT.match(str(snapshot.get("Progress") or ""))
    size = records.size_of(records.tags_of(snapshot), snapshot) or 0
    done = size * min(100, int(told[1])) // 100 if told else 0
    reason = clean(str(snapshot.get("StateMessage") or "its copy became an error"))
    return ImportProgress(state, done, reason.rstrip("."))
