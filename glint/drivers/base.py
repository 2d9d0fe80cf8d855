"""What every driver can do: the only door between Glint and a kind of cloud."""

from __future__ import annotations

import abc
import dataclasses
import enum
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from glint import exception
from glint.drivers.addresses import STRICT, AddressPolicy
from glint.objects import Image, NotCarried, Quota, RemoteImage, Stamp

Piece = bytes | memoryview
"""Some bytes of an image, to be looked at until the next ones are asked for."""


class ByteSource(Protocol):
    """An open stream of an image's bytes.

    One that has ``readinto(view: memoryview) -> int`` besides, with the meaning of ``read``, spares
    a copy of all bytes.
    """

    size: int | None
    """Bytes of the whole image, where the site tells it."""
    offset: int
    """Where the stream really begins; 0 when the site did not honour the wished offset."""

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes, b'' only at the true end.

        :raises SiteError: StreamBroken and its kind, also when the stream ends early.
        """

    def close(self) -> None:
        """Drop the connection at once; may be called from another thread, and twice."""


class SizedBody(Protocol):
    """What an upload sends: its length is known first, and it can be read only once.

    A piece is good until the next one is asked for: its memory is used again then.
    """

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Piece]: ...


@dataclasses.dataclass(frozen=True)
class Identity:
    """Who a credential is at its site. ``facts`` are public findings about the site, such as

    ``{"hash_algo": "sha512", "import_methods": [...]}``.
    """

    project_id: str | None
    project_name: str | None
    user_name: str | None
    facts: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Receipt:
    """What a site that keeps no hash of an image held against checksums while it took the bytes.

    :ivar size: bytes of the upload, all of them covered.
    :ivar check: how, in words for the history.
    """

    size: int
    check: str


class Import(enum.StrEnum):
    """How a site's own import stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclasses.dataclass(frozen=True)
class ImportProgress:
    """One look at a site's own import.

    :ivar bytes_done: as far as the site tells.
    :ivar reason: why it failed, in the site's words.
    """

    state: Import
    bytes_done: int = 0
    reason: str | None = None


class SiteDriver(abc.ABC):
    """One site, used with one credential. Safe for use by several threads.

    :param connection: as the site type's ``connection_schema`` says.
    :param auth: the credential, secrets included, as ``auth_schemas`` say; None to probe only.
    :param timeout: seconds to wait for a connection or for the next byte of an answer.
    :param addresses: where the driver may connect to; it makes no connection that this was not
        asked about (see :mod:`glint.drivers.addresses`).

    Every method raises subclasses of :class:`glint.exception.SiteError` and nothing else for
    whatever a site or the network may do.

    :cvar keeps_hash: whether its sites tell a hash of each image. Where they do not, Glint hashes
        in flight what it sends there.
    """

    keeps_hash: ClassVar[bool] = True

    def __init__(
        self,
        connection: Mapping[str, Any],
        auth: Mapping[str, Any] | None,
        timeout: float = 60.0,
        addresses: AddressPolicy = STRICT,
    ) -> None:
        self.connection = connection
        self.auth = auth
        self.timeout = timeout
        self.addresses = addresses

    @abc.abstractmethod
    def probe(self) -> Mapping[str, Any]:
        """Say whether a cloud of this type answers at the address, without a credential.

        :returns: public facts about the site.
        """

    @abc.abstractmethod
    def verify(self) -> Identity:
        """Log in and reach the image service."""

    def quota(self) -> Mapping[str, Quota]:
        """What the site still grants the credential's project, by name.

        Names are those of :class:`glint.objects.Grants`; a limit that the site does not tell, or
        does not have, is left out.
        """
        return {}

    def grants(self) -> Mapping[str, Any]:
        """What the site grants the credential, as :class:`glint.objects.Grants` reads it.

        What the site does not tell is left out.
        """
        return {}

    @abc.abstractmethod
    def list_images(self) -> Iterator[RemoteImage]:
        """Every image that the credential's project owns, whatever its status, hidden ones too."""

    @abc.abstractmethod
    def get_image(self, remote_id: str) -> RemoteImage:
        """:raises SiteImageNotFound: it is not there."""

    @abc.abstractmethod
    def stamped(self, deployment_id: str) -> Sequence[RemoteImage]:
        """Every image that bears Glint's stamp for this deployment, whatever its status.

        Complete: what is not in the answer does not exist (promise 4 stands on it).
        """

    @abc.abstractmethod
    def twins(self, digests: Mapping[str, str]) -> Sequence[RemoteImage]:
        """Images of the credential's project with one of the digests (algorithm -> hex).

        A hint, which spares a copy: the caller proves what it finds, and an answer may be empty.
        """

    @abc.abstractmethod
    def open(self, remote_id: str, offset: int = 0) -> ByteSource:
        """Begin to read an image at byte ``offset``."""

    @abc.abstractmethod
    def create(self, image: Image, stamp: Stamp) -> str:
        """Make a private, empty, stamped image record under a temporary name.

        :returns: the remote id.
        """

    def resume(self, remote_id: str, image: Image, stamp: Stamp) -> bool:
        """Take over a record that an earlier attempt at the same cell left half filled.

        The next :meth:`upload` gets all bytes again and sends only what the record lacks. It must
        be safe against an earlier attempt that is still at work: what that sends may not end in a
        copy with other content.

        :returns: False: this one cannot be taken over, and is to be removed.
        """
        return False

    @abc.abstractmethod
    def upload(self, remote_id: str, body: SizedBody) -> Receipt | None:
        """Send all bytes of an image into a record made by :meth:`create`; returns when the site

        has accepted them. Whatever ``body`` raises ends the upload and is raised again.

        :returns: what the site checked; None: it tells a hash instead, or has to be read back.
        """

    def import_from(self, remote_id: str, region: str, source_remote_id: str) -> None:
        """Let the site itself fetch the bytes of an image from another region of its cloud.

        It returns at once; :meth:`import_progress` tells how it goes on, and :meth:`delete` of the
        record ends it.

        :param remote_id: a record made by :meth:`create`.
        :raises ImportFailed: the site does not do that.
        """
        raise exception.ImportFailed(reason="sites of this type fetch nothing by themselves")

    def import_url(self, remote_id: str, url: str) -> None:
        """Let the site itself fetch the bytes of an image from a URL; see :meth:`import_from`.

        :raises ImportFailed: the site does not do that.
        """
        raise exception.ImportFailed(reason="sites of this type fetch nothing by themselves")

    def import_progress(self, remote_id: str) -> ImportProgress:
        """How an import begun by :meth:`import_from` stands."""
        raise exception.ImportFailed(reason="sites of this type fetch nothing by themselves")

    def abort_upload(self, remote_id: str) -> None:  # noqa: B027 - a driver may be unable to
        """Cut the connection of a running :meth:`upload`, which then raises.

        Any thread may call it, at any time; it does not block.
        """

    @abc.abstractmethod
    def finish(self, remote_id: str, image: Image) -> tuple[NotCarried, ...]:
        """Give a verified copy its name, properties, tags and protection.

        :returns: what the site refused to take; never raises for a refused detail.
        """

    def final_id(self, remote_id: str) -> str:
        """The remote id of a copy after :meth:`finish`, where that gives it another one."""
        return remote_id

    @abc.abstractmethod
    def delete(self, remote_id: str) -> None:
        """Remove an image; one that is gone already counts as removed."""

    @abc.abstractmethod
    def renew(self) -> None:
        """Forget cached tokens, so that the next call logs in anew."""

    def close(self) -> None:  # noqa: B027 - most drivers hold nothing open
        """Drop idle connections."""
