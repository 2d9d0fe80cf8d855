"""One request: path in, decoded JSON out, errors as :mod:`glint.client.errors`."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

import requests
from keystoneauth1 import adapter
from keystoneauth1 import exceptions as ksa

from glint.client import errors

#: One thing of the API as a plain dict; http-api reference has the keys.
Resource = dict[str, Any]

#: Seconds to wait for a connection, and for the next byte of an answer. The server itself waits up
#: to a minute for a site when it probes or verifies.
TIMEOUT = (10.0, 120.0)


class Http:
    """Requests below ``/v1`` of the service.

    :param service: says session, region, interface, endpoint override and microversion.
    :param timeout: (connect, read) in seconds, for each request.
    """

    def __init__(self, service: adapter.Adapter, timeout: tuple[float, float] = TIMEOUT) -> None:
        self.service = service
        self.timeout = timeout
        self._base: str | None = None

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Resource:
        return self.request("GET", path, query=query)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        secret: bool = False,
        key: str | None = None,
    ) -> Resource:
        """:returns: the decoded body, {} where the answer has none.

        :param path: below ``/v1``, already quoted.
        :param query: None values are left out; a list is the same parameter several times.
        :param secret: the body holds secrets: keep it out of keystoneauth's debug log.
        :param key: sent as Idempotency-Key: the request may be repeated where its answer was lost.
        :raises ClientError: whatever goes wrong on the way to and in the service. Keystone's own
            refusals (keystoneauth1.exceptions) are passed on.
        """
        return self._ask(method, self.base() + path, query, body, secret, key)

    def stream(
        self, method: str, path: str, headers: Mapping[str, str], data: Any = None
    ) -> requests.Response:
        """A request whose body, or whose answer's, is bytes; close what it returns.

        It is sent once: nobody can rewind a stream for another login.

        :raises ClientError: no answer came. An answer that tells an error is returned.
        """
        options: dict[str, Any] = {} if data is None else {"data": data}
        try:
            return self.service.request(
                self.base() + path,
                method,
                headers=dict(headers),
                timeout=self.timeout,
                raise_exc=False,
                log=False,
                stream=True,
                allow_reauth=False,
                redirect=False,
                **options,
            )
        except (ksa.ConnectionError, requests.RequestException) as e:
            raise errors.ConnectionFailed(
                f"The connection to Glint broke: {_short(e)}", code="client.connection_failed"
            ) from e

    def get_root(self) -> Resource:
        """The version document, which stands beside ``/v1`` and is the same for all versions."""
        root = self.base().removesuffix("/v1") + "/"
        return self._ask("GET", root, None, None, False)

    def _ask(
        self,
        method: str,
        url: str,
        query: Mapping[str, Any] | None,
        body: Mapping[str, Any] | None,
        secret: bool,
        key: str | None = None,
    ) -> Resource:
        chosen = {k: v for k, v in (query or {}).items() if v is not None}
        if chosen:
            pairs = [(k, _text(v)) for k, given in chosen.items() for v in _each(given)]
            url += "?" + urllib.parse.urlencode(pairs)
        options: dict[str, Any] = {"json": dict(body)} if body is not None else {}
        options["headers"] = {"Accept": "application/json"}
        if key is not None:
            options["headers"]["Idempotency-Key"] = key
        try:
            answer = self._send(method, url, secret, options)
        except ksa.SSLError as e:
            raise errors.ConnectionFailed(
                f"The certificate of Glint is not trusted: {_short(e)}", code="client.tls_failed"
            ) from e
        except ksa.ConnectionError as e:
            raise errors.ConnectionFailed(
                f"Glint cannot be reached: {_short(e)}", code="client.connection_failed"
            ) from e
        return decoded(answer)

    def _send(
        self, method: str, url: str, secret: bool, options: dict[str, Any]
    ) -> requests.Response:
        try:
            return self._send_once(method, url, secret, options)
        except ksa.ConnectFailure:
            # A kept connection that the server has closed meanwhile: reading may be repeated, and
            # so may what has a key.
            if method != "GET" and "Idempotency-Key" not in options["headers"]:
                raise
            return self._send_once(method, url, secret, options)

    def _send_once(
        self, method: str, url: str, secret: bool, options: dict[str, Any]
    ) -> requests.Response:
        return self.service.request(
            url,
            method,
            timeout=self.timeout,
            raise_exc=False,
            log=not secret,
            **options,
        )

    def base(self) -> str:
        """The service's address up to and with ``/v1``.

        The catalogue may name the service with or without the version.
        """
        if self._base is None:
            try:
                found = self.service.get_endpoint(skip_discovery=True)
            except ksa.EndpointNotFound:
                found = None
            except ksa.ConnectionError as e:
                raise errors.ConnectionFailed(
                    f"Keystone cannot be reached: {_short(e)}", code="client.connection_failed"
                ) from e
            if not found:
                raise errors.ServiceNotFound(
                    f"The catalogue has no {self.service.service_type} service for region"
                    f" {self.service.region_name or 'any'!r}, interface"
                    f" {self.service.interface or 'public'!r}. Choose another region, or ask your"
                    " operator whether Glint is registered.",
                    code="client.service_not_found",
                )
            self._base = found.rstrip("/").removesuffix("/v1") + "/v1"
        return self._base

    def pages(self, path: str, key: str, query: Mapping[str, Any]) -> Iterator[Resource]:
        """Every item under ``key``, page after page."""
        first = self.get(path, query)
        yield from self.pages_from(first, path, key)

    def pages_from(self, page: Resource, path: str, key: str) -> Iterator[Resource]:
        """The items of ``page`` and of all that follow it.

        Of the link to the next page only the query is taken: the token must not follow a link to
        another host.
        """
        seen: dict[str, Any] | None = None
        while True:
            yield from _items(page, key)
            following = _next_query(page)
            if following is None:
                return
            if following == seen:
                raise errors.UnexpectedAnswer(
                    f"The list of {key} links to itself as its next page.",
                    code="client.unexpected_answer",
                )
            seen = following
            page = self.get(path, following)


def _short(error: BaseException) -> str:
    """What failed and the root of it, without the stack of libraries between the two."""
    root: BaseException = error
    while (deeper := root.__cause__ or root.__context__) is not None:
        root = deeper
    outer = re.split(r":? ?HTTPS?Connection", str(error))[0]
    return outer if root is error else f"{outer}: {root}"


def _each(value: object) -> list[object]:
    return [*value] if isinstance(value, list | tuple) else [value]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _items(page: Mapping[str, Any], key: str) -> list[Resource]:
    items = page.get(key)
    if not isinstance(items, list):
        raise errors.UnexpectedAnswer(
            f"The answer has no list of {key}: this is not Glint's API.",
            code="client.unexpected_answer",
        )
    return items


def _next_query(page: Mapping[str, Any]) -> dict[str, Any] | None:
    for link in page.get("links") or ():
        if link.get("rel") == "next":
            return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(link["href"]).query))
    return None


def decoded(answer: requests.Response) -> Resource:
    """The JSON object of an answer.

    :raises ClientError: it is an error, or no object.
    """
    try:
        body = answer.json() if answer.content else {}
    except ValueError:
        body = None
    if answer.status_code >= 400:
        raise errors.from_answer(
            answer.status_code,
            answer.reason or "",
            body,
            answer.headers.get("X-OpenStack-Request-ID"),
        )
    if not isinstance(body, dict):
        raise errors.UnexpectedAnswer(
            f"{answer.status_code} came without a JSON object: what answers is not Glint's API.",
            status=answer.status_code,
            code="client.unexpected_answer",
        )
    return body
