"""The API's side: one interface, local within one process or over oslo.messaging."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import oslo_messaging

from glint import exception

if TYPE_CHECKING:
    from glint.rpc.data import DataClient

LOG = logging.getLogger(__name__)

TOPIC = "glint-conductor"
NAMESPACE = "conductor"
VERSION = "1.0"

#: Seconds to wait for an answer that needs a site: it has time limits of its own below this.
CALL_TIMEOUT = 75


class ImageStream(Protocol):
    """The bytes of an image from some offset on; to be closed.

    :ivar size: bytes of the whole image.
    """

    size: int

    def __iter__(self) -> Iterator[bytes]:
        """:raises SiteError: the source broke in the middle."""

    def close(self) -> None:
        """Drop the connection; twice does no harm."""


class ConductorClient(Protocol):
    """What the API asks of a conductor."""

    def wake(self, operation_id: str | None = None) -> None:
        """There is work; never raises, conductors look for themselves soon anyway."""

    def scan(self, credential_id: str) -> None:
        """An inventory scan is wanted; never raises."""

    def probe_site(self, site_id: str) -> None:
        """Ask whether a cloud answers at a site; the site's row holds the answer.

        :raises SiteError: what is wrong there.
        :raises ConductorUnavailable: nobody answered.
        """

    def verify_credential(self, credential_id: str) -> None:
        """Log in with a credential; its row holds the answer. Raises as :meth:`probe_site`."""

    def register_image(self, credential_id: str, remote_id: str) -> str:
        """Take an image at a site into the catalogue.

        :returns: the catalogue's image id. Raises as :meth:`probe_site`.
        """

    def open_image(self, image_id: str, offset: int) -> ImageStream:
        """Begin to read an image at byte ``offset``, from the best place that can be read.

        :raises GlintError: it cannot be read; ConductorUnavailable where nobody answered.
        """


class RemoteConductor:
    """Over RabbitMQ: casts go to one conductor, not to all.

    :param conf: must be the process's ``cfg.CONF``; oslo.messaging knows no other.
    :param data: for what is too large for messages; None: there is no such way.
    """

    def __init__(
        self, conf: Any, timeout: float = CALL_TIMEOUT, data: DataClient | None = None
    ) -> None:
        target = oslo_messaging.Target(topic=TOPIC, namespace=NAMESPACE, version=VERSION)
        transport = oslo_messaging.get_rpc_transport(conf)
        self._timeout = timeout
        self._data = data
        # retry=0: with the broker away a cast fails at once instead of blocking the request.
        self._cast = oslo_messaging.get_rpc_client(transport, target, retry=0)
        self._call = oslo_messaging.get_rpc_client(transport, target, timeout=timeout, retry=1)

    def wake(self, operation_id: str | None = None) -> None:
        self._send("wake", operation_id=operation_id)

    def scan(self, credential_id: str) -> None:
        self._send("scan", credential_id=credential_id)

    def _send(self, method: str, **ids: Any) -> None:
        try:
            self._cast.cast({}, method, **ids)
        except Exception as error:  # noqa: BLE001 - kombu's errors come unmapped
            LOG.warning("%s was not sent (%s); conductors poll", method, type(error).__name__)

    def probe_site(self, site_id: str) -> None:
        self._ask("probe_site", site_id=site_id)

    def verify_credential(self, credential_id: str) -> None:
        self._ask("verify_credential", credential_id=credential_id)

    def register_image(self, credential_id: str, remote_id: str) -> str:
        answer = self._ask("register_image", credential_id=credential_id, remote_id=remote_id)
        return str(answer)

    def open_image(self, image_id: str, offset: int) -> ImageStream:
        if self._data is None:
            raise exception.DownloadsNotPossible(reason="this API asks none for it")
        return self._data.open_image(image_id, offset)

    def _ask(self, method: str, **ids: Any) -> Any:
        try:
            answer = self._call.call({}, method, **ids)
        except Exception as error:
            LOG.warning("no conductor answered %s: %s", method, type(error).__name__)
            raise exception.ConductorUnavailable(timeout=self._timeout) from error
        if "error" in answer:
            raise revive(answer["error"])
        return answer["result"]


def revive(error: dict[str, Any]) -> exception.GlintError:
    """The error that ``GlintError.as_dict`` described in another process."""
    kinds: dict[str, type[exception.GlintError]] = {}
    pending: list[type[exception.GlintError]] = [exception.GlintError]
    while pending:
        kind = pending.pop()
        if kind.__init__ in (exception.GlintError.__init__, exception.SiteError.__init__):
            kinds.setdefault(kind.code, kind)
        pending.extend(kind.__subclasses__())
    revived = kinds.get(error["code"], exception.GlintError)(error["detail"])
    revived.code, revived.status = error["code"], error["status"]
    revived.title = error["title"]
    return revived
