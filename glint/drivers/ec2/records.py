"""AMIs, snapshots and their tags: how Glint reads and writes them.

A copy begins as a snapshot, which bears the stamp from its first moment, and becomes an AMI when
its content is proven: its remote id is the snapshot's until then, the AMI's afterwards.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from glint.drivers.ec2.mapping import MAPPED, properties_of
from glint.drivers.text import storable
from glint.exception import SiteError
from glint.objects import (
    IMAGE_ATTRIBUTES,
    RESERVED_PREFIXES,
    STAMP_PREFIX,
    Image,
    NotCarried,
    RemoteImage,
    Stamp,
)

GIB = 1024**3

#: Prefix of Glint's own tags: ``glint:deployment`` and its kind, ``glint:size``.
PREFIX = "glint:"
#: Bytes of the image; a volume is larger, because it has whole GiB.
SIZE = "glint:size"
#: Index below which all blocks of a pending snapshot are there.
HELD = "glint:held"
#: Of a snapshot that EC2 copies by itself: where from.
SOURCE = "glint:source"
#: Of Glint's own tags, those that are of no use once a snapshot is an AMI.
PASSING = (HELD, SOURCE)
NAME = "Name"
#: What EC2 allows on one resource, and characters of a tag's value.
MOST_TAGS = 50
LONGEST_NAME, LONGEST_VALUE = 128, 256
#: Properties that say until when an image is kept up, and how far ahead EC2 looks.
ENDS = ("provided_until", "end_of_life")
LONGEST_LIFE = datetime.timedelta(days=3650)
#: Bytes of the largest volume.
BIGGEST = 65536 * GIB

_ID = re.compile(r"(ami|snap)-[0-9a-f]{8,32}$(?!\n)")
_SIZE = re.compile(r"[0-9]{1,18}$(?!\n)", re.ASCII)
_STATES = {"available": "active", "pending": "saving", "transient": "saving"}
_STATES |= {"disabled": "deactivated"}

Tags = Sequence[Mapping[str, str]]


def is_id(value: object) -> bool:
    """Whether ``value`` can be the remote id of an image here."""
    return isinstance(value, str) and _ID.match(value) is not None


def id_in(answer: Mapping[str, Any], name: str) -> str:
    """The id of what was made.

    :raises SiteError: there is none.
    """
    if not is_id(answer.get(name)):
        raise SiteError(reason="it gives an id that is none")
    return str(answer[name])


def is_snapshot(remote_id: str) -> bool:
    """Whether a remote id is that of a copy that is no AMI yet."""
    return remote_id.startswith("snap-")


def tags_of(record: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a record by name."""
    found = {}
    for tag in record.get("Tags") or ():
        found[storable(str(tag.get("Key") or ""))] = storable(str(tag.get("Value") or ""))
    return found


def as_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """As requests want them."""
    return [{"Key": name, "Value": value} for name, value in tags.items()]


def stamp_tags(stamp: Stamp) -> dict[str, str]:
    """The stamp as tags."""
    return {
        PREFIX + name.removeprefix(STAMP_PREFIX): value
        for name, value in stamp.properties().items()
    }


def properties_from(tags: Mapping[str, str]) -> dict[str, str]:
    """What an image's tags are as properties, the stamp included; tags without a value are none."""
    found = {}
    for name, value in tags.items():
        if name.startswith(PREFIX) and name not in (SIZE, *PASSING):
            found[STAMP_PREFIX + name.removeprefix(PREFIX)] = value
        elif value and name != NAME and is_custom(name):
            found[name] = value
    return found


def is_custom(name: str) -> bool:
    """Whether a name is one that a user may give to a property."""
    foreign = name.startswith(("aws:", PREFIX, STAMP_PREFIX, *RESERVED_PREFIXES))
    return bool(name) and not foreign and name not in IMAGE_ATTRIBUTES


def root_snapshot(record: Mapping[str, Any]) -> str | None:
    """The snapshot with the whole content of an AMI; None: it has no or several volumes."""
    volumes = [
        str(mapping["Ebs"]["SnapshotId"])
        for mapping in record.get("BlockDeviceMappings") or ()
        if mapping.get("Ebs", {}).get("SnapshotId")
    ]
    return volumes[0] if len(volumes) == 1 and is_id(volumes[0]) else None


def snapshots_of(record: Mapping[str, Any]) -> list[str]:
    """All snapshots of an AMI."""
    found = [
        mapping.get("Ebs", {}).get("SnapshotId")
        for mapping in record.get("BlockDeviceMappings") or ()
    ]
    return [str(ident) for ident in dict.fromkeys(found) if is_id(ident)]


def held(tags: Mapping[str, str]) -> int:
    """How many blocks from the first on an earlier attempt has put into a snapshot."""
    noted = tags.get(HELD, "")
    return int(noted) if _SIZE.match(noted) else 0


def own_tags(record: Mapping[str, Any]) -> dict[str, str]:
    """Stamp and size, as an AMI is to bear them."""
    tags = tags_of(record)
    return {n: v for n, v in tags.items() if n.startswith(PREFIX) and n not in PASSING}


def size_of(tags: Mapping[str, str], snapshot: Mapping[str, Any] | None) -> int | None:
    """Bytes of the image: as Glint noted them at a copy of its own, else of the whole volume."""
    whole = int((snapshot or {}).get("VolumeSize") or 0) * GIB
    noted = tags.get(SIZE, "")
    if Stamp.read(properties_from(tags)) is not None and _SIZE.match(noted):
        return min(int(noted), whole) if whole else int(noted)
    return whole or None


def from_ami(record: Mapping[str, Any], snapshot: Mapping[str, Any] | None) -> RemoteImage:
    """What an AMI says.

    :param snapshot: its root snapshot; None: that is gone.
    :raises ValueError: it is no AMI that has one volume.
    """
    ident = record.get("ImageId")
    if not is_id(ident):
        raise ValueError("it has no proper id")
    if root_snapshot(record) is None:
        raise ValueError("it does not have exactly one volume with a snapshot")
    tags = tags_of(record)
    status = _STATES.get(str(record.get("State")), "killed")
    return RemoteImage(
        id=str(ident),
        name=(tags.get(NAME) or storable(str(record.get("Name") or "")))[:255],
        status=status if snapshot is not None else "killed",
        size=size_of(tags, snapshot),
        os_hash_algo=None,
        os_hash_value=None,
        disk_format="raw",
        container_format="bare",
        min_disk=0,
        min_ram=0,
        visibility="public" if record.get("Public") is True else "private",
        protected=False,
        os_hidden=False,
        owner=str(record.get("OwnerId") or "")[:64] or None,
        properties={**properties_from(tags), **properties_of(record)},
        tags=tuple(sorted(n for n, v in tags.items() if not v and n != NAME and is_custom(n))),
    )


def from_snapshot(record: Mapping[str, Any]) -> RemoteImage:
    """A copy that is no AMI yet.

    :raises ValueError: it is no snapshot.
    """
    ident = record.get("SnapshotId")
    if not is_id(ident):
        raise ValueError("it has no proper id")
    tags = tags_of(record)
    status = {"completed": "active", "pending": "saving"}.get(str(record.get("State")), "killed")
    return RemoteImage(
        id=str(ident),
        name=str(record.get("Description") or "")[:255],
        status=status,
        size=size_of(tags, record),
        os_hash_algo=None,
        os_hash_value=None,
        disk_format="raw",
        container_format="bare",
        min_disk=0,
        min_ram=0,
        visibility="private",
        protected=False,
        os_hidden=False,
        owner=str(record.get("OwnerId") or "")[:64] or None,
        properties=properties_from(tags),
        tags=(),
    )


def ami_name(name: str, image_id: str, again: bool = False) -> str:
    """A name that EC2 takes: 3 to 128 of certain characters, of which an account has one only.

    :param again: the plain one is taken.
    """
    plain = re.sub(r"[^A-Za-z0-9()\[\] ./\-'@_]", "_", name).strip()
    suffix = f" ({image_id[:8]})" if again or len(plain) < 3 else ""
    return plain[: LONGEST_NAME - len(suffix)] + suffix


def carried_tags(image: Image, own: Mapping[str, str]) -> tuple[dict[str, str], list[NotCarried]]:
    """The tags of an image's AMI, Glint's own first; and what EC2 has no place for.

    :param own: stamp and size.
    """
    tags = {**own, NAME: image.name[:LONGEST_VALUE]}
    refused = []
    for item, name, value in _wishes(image):
        reason = None
        if name in tags:
            reason = "EC2 has a tag of that name already"
        elif len(name) > LONGEST_NAME or len(value) > LONGEST_VALUE:
            reason = f"EC2 takes tags of {LONGEST_NAME} and values of {LONGEST_VALUE} characters"
        elif len(tags) >= MOST_TAGS:
            reason = f"EC2 takes {MOST_TAGS} tags"
        elif not is_custom(name):
            reason = "EC2 or Glint keeps tags of that name for itself"
        if reason is None:
            tags[name] = value
        else:
            refused.append(NotCarried(item, reason))
    return tags, [*refused, *_homeless(image)]


def _wishes(image: Image) -> Iterable[tuple[str, str, str]]:
    """What is to become a tag: item of a report, name, value."""
    for name, value in sorted(image.properties.items()):
        if name not in MAPPED and not name.startswith((STAMP_PREFIX, *RESERVED_PREFIXES)):
            yield f"properties.{name}", name, value
    for tag in sorted(set(image.tags)):
        yield f"tags.{tag}", tag, ""


def deprecation(image: Image, now: datetime.datetime) -> datetime.datetime | NotCarried | None:
    """When an image's AMI is to be deprecated, why it cannot be; None: nobody says."""
    name = next((one for one in ENDS if one in image.properties), None)
    if name is None:
        return None
    item = f"properties.{name}"
    try:
        date = datetime.date.fromisoformat(image.properties[name].strip()[:10])
    except ValueError:
        return NotCarried(item, "it is no date (such as 2027-12-31), so the AMI is not deprecated")
    at = datetime.datetime.combine(date, datetime.time(), datetime.UTC)
    if not now < at < now + LONGEST_LIFE:
        return NotCarried(item, "EC2 deprecates on days of the next ten years only")
    return at


def _homeless(image: Image) -> Iterable[NotCarried]:
    if image.protected:
        yield NotCarried("protected", "Glint does not set EC2's deregistration protection")
    if image.os_hidden:
        yield NotCarried("os_hidden", "an AMI cannot be hidden")
    if image.min_ram:
        yield NotCarried("min_ram", "an AMI says nothing about memory")
