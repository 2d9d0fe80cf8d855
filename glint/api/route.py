"""What is declared of a route, and what its end answers."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from typing import Any

import webob

from glint.api import validation
from glint.api.schemas.lists import Listing


@dataclasses.dataclass(frozen=True)
class Spec:
    """What is declared of a route.

    :ivar rule: policy; None for what everybody may see without a token.
    :ivar all_projects: policy that the query parameter of that name needs.
    :ivar listing: what the list that it answers with can be asked, where it answers with one.
    :ivar takes_bytes: the body is ``application/octet-stream``, read by the controller.
    :ivar gives_bytes: so is the answer's.
    :ivar repeatable: it takes an Idempotency-Key; the method that answers a repetition.
    """

    rule: str | None
    query: Mapping[str, validation.Schema]
    body: validation.Validator | None
    response: validation.Validator | None
    status: int
    all_projects: str | None
    listing: Listing | None
    takes_bytes: bool = False
    gives_bytes: bool = False
    repeatable: str | None = None

    @functools.cached_property
    def queries(self) -> validation.QueryValidator:
        return validation.QueryValidator(self.query)

    @functools.cached_property
    def full_response(self) -> validation.Validator | None:
        """What the answer must be where no ``fields`` were asked for."""
        if self.listing is None:
            return self.response
        return validation.Validator(self.listing.full_response())


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a controller returns where the body alone does not say it all.

    :ivar location: path of what was made, below the API's address.
    :ivar stream: bytes instead of a body; closed by the server.
    :ivar headers: besides the usual ones.
    """

    body: Mapping[str, Any] | None
    status: int | None = None
    location: str | None = None
    stream: Iterable[bytes] | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Streamed(webob.Response):
    """An answer whose body is never looked at before it is sent.

    Pecan reads all of a body to see whether there is one.
    """

    def _never(self) -> bytes:
        return b"streamed"

    body = property(_never)
