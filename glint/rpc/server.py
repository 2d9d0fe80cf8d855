"""The conductor's side."""

from __future__ import annotations

import logging
import threading
from typing import Any, Protocol

import oslo_messaging

from glint import exception
from glint.rpc.api import NAMESPACE, TOPIC, VERSION

LOG = logging.getLogger(__name__)

#: Seconds that a start or stop may take while the broker is away.
PATIENCE = 5


def stays_within_process(conf: Any) -> bool:
    """Whether ``transport_url`` names oslo.messaging's ``fake://``, which needs no broker."""
    return bool(oslo_messaging.TransportURL.parse(conf).transport == "fake")


class Manager(Protocol):
    """What a conductor does when it is asked; the same methods as the client's."""

    def wake(self, operation_id: str | None = None) -> None: ...

    def scan(self, credential_id: str) -> None: ...

    def probe_site(self, site_id: str) -> None: ...

    def verify_credential(self, credential_id: str) -> None: ...

    def register_image(self, credential_id: str, remote_id: str) -> str: ...


class Endpoint:
    """Turns errors into answers: an exception's class does not cross the wire."""

    target = oslo_messaging.Target(namespace=NAMESPACE, version=VERSION)

    def __init__(self, manager: Manager) -> None:
        self._manager = manager

    def wake(self, _context: Any, operation_id: str | None = None) -> None:
        self._manager.wake(operation_id)

    def scan(self, _context: Any, credential_id: str) -> None:
        self._manager.scan(credential_id)

    def probe_site(self, _context: Any, site_id: str) -> dict[str, Any]:
        return _answer(self._manager.probe_site, site_id)

    def verify_credential(self, _context: Any, credential_id: str) -> dict[str, Any]:
        return _answer(self._manager.verify_credential, credential_id)

    def register_image(self, _context: Any, credential_id: str, remote_id: str) -> dict[str, Any]:
        return _answer(self._manager.register_image, credential_id, remote_id)


def _answer(method: Any, *ids: str) -> dict[str, Any]:
    try:
        return {"result": method(*ids)}
    except exception.GlintError as error:
        return {"error": error.as_dict()}
    except Exception:
        LOG.exception("%s failed", method.__name__)
        return {"error": exception.GlintError().as_dict()}


class Server:
    """The RPC server, started and stopped in threads: a broker that is away stops nobody."""

    def __init__(self, conf: Any, host: str, manager: Manager) -> None:
        self._server = oslo_messaging.get_rpc_server(
            oslo_messaging.get_rpc_transport(conf),
            oslo_messaging.Target(topic=TOPIC, server=host),
            [Endpoint(manager)],
            access_policy=oslo_messaging.DefaultRPCAccessPolicy,
        )

    def start(self) -> None:
        threading.Thread(target=self._server.start, name="rpc-start", daemon=True).start()

    def stop(self) -> None:
        thread = threading.Thread(target=self._stop, name="rpc-stop", daemon=True)
        thread.start()
        thread.join(PATIENCE)

    def _stop(self) -> None:
        self._server.stop()
        self._server.wait()
