"""What a call can raise. ``code`` is stable and for programs, ``detail`` is for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ClientError(Exception):
    """Base of all errors of the client.

    :ivar status: HTTP status of the answer, None when there was none.
    :ivar code: stable code such as ``site.name_in_use``; ``client.*`` is made by the client itself.
    :ivar title: short name of the class of error.
    :ivar detail: a sentence that says what to do. It may quote foreign clouds: text from an
        untrusted source, not yet cleaned for a terminal.
    :ivar request_id: to be named to the operator of the service, or None.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        code: str = "client.error",
        title: str = "Error",
        request_id: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.code = code
        self.title = title
        self.request_id = request_id

    def __str__(self) -> str:
        notes = [str(self.status)] if self.status else []
        notes.append(self.code)
        if self.request_id:
            notes.append(self.request_id)
        return f"{self.detail} ({', '.join(notes)})"


class ConnectionFailed(ClientError):
    """No answer came: refused, unreachable, cut, too slow, or TLS not trusted."""


class ServiceNotFound(ClientError):
    """The cloud's catalogue names no Glint."""


class UnexpectedAnswer(ClientError):
    """What answered does not speak Glint's API."""


class WaitTimeout(ClientError):
    """The time limit of a wait is over; the operation itself goes on.

    :ivar operation: the operation as it was last seen, or None.
    """

    operation: Mapping[str, Any] | None = None


class BadRequest(ClientError):
    """400 and every other 4xx without a class of its own."""


class VersionNotSupported(ClientError):
    """406: the service is too old (or too new) for the version of the API that was asked for.

    :ivar minimum: the lowest version that it has, None where it does not say.
    :ivar maximum: the highest.
    """

    minimum: str | None = None
    maximum: str | None = None


class Unauthorized(ClientError):
    """401."""


class Forbidden(ClientError):
    """403."""


class NotFound(ClientError):
    """404."""


class Conflict(ClientError):
    """409.

    :ivar fresh: the row as it is now, where the conflict is one of generations.
    """

    fresh: Mapping[str, Any] | None = None


class ServerError(ClientError):
    """5xx."""


_BY_STATUS: dict[int, type[ClientError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    406: VersionNotSupported,
    409: Conflict,
}


def from_answer(status: int, reason: str, body: object, request_id: str | None) -> ClientError:
    """The error that an answer with ``status`` >= 400 stands for; ``body`` is its decoded JSON."""
    first = _first_error(body)
    kind = _BY_STATUS.get(status, ServerError if status >= 500 else BadRequest)
    unexplained = f"The server answered {status} {reason} without an explanation."
    error = kind(
        str(first.get("detail") or unexplained),
        status=status,
        code=str(first.get("code") or f"http.{status}"),
        title=str(first.get("title") or reason),
        request_id=first.get("request_id") or request_id,
    )
    if isinstance(error, Conflict) and isinstance(first.get("fresh"), dict):
        error.fresh = first["fresh"]
    if isinstance(error, VersionNotSupported) and "max_version" in first:
        error.minimum, error.maximum = str(first.get("min_version")), str(first["max_version"])
        error.detail += (
            f" This Glint has versions {error.minimum} to {error.maximum} of its API: ask for one"
            " of these, or have the service upgraded."
        )
    return error


def _first_error(body: object) -> dict[str, Any]:
    errors = body.get("errors") if isinstance(body, dict) else None
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        return errors[0]
    return {}
