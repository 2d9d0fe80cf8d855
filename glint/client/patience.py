"""How long a service that is away is waited for, by those who ask it again and again."""

from __future__ import annotations

from collections.abc import Callable

from keystoneauth1 import exceptions as ksa

from glint.client import errors

#: Seconds for which a service that is away is waited for, before its trouble is reported.
LIMIT = 300.0
#: Answers that say "not now": a gateway, a restart, a limit.
_PASSING = frozenset({429, 500, 502, 503, 504})

#: What a request can raise: our errors, and Keystone's while a new token is asked for.
Trouble = errors.ClientError | ksa.ClientException


class Patience:
    """Counts from the last answer that was well.

    :param clock: seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._well_at = clock()

    def well(self) -> None:
        self._well_at = self._clock()

    def bear(self, trouble: Trouble) -> None:
        """:raises Trouble: it does not pass by waiting, or has lasted too long."""
        if not _passes(trouble) or self._clock() - self._well_at > LIMIT:
            raise trouble


def _passes(trouble: Trouble) -> bool:
    """An expired token is none of these: keystoneauth gets a new one and asks again."""
    if isinstance(trouble, errors.ClientError):
        return trouble.code == "client.connection_failed" or trouble.status in _PASSING
    if isinstance(trouble, ksa.HttpError):
        return trouble.http_status in _PASSING
    return isinstance(trouble, ksa.ConnectFailure | ksa.RetriableConnectionFailure)
