"""The header ``Idempotency-Key`` of creating requests."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Any

import webob

from glint import exception
from glint.objects import RequestKey, Scope

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"

_FORM = re.compile(r"[!-~]{1,255}")


def key_of(
    request: webob.Request, scope: Scope, body: Any, query: dict[str, Any]
) -> RequestKey | None:
    """The request's key; None where it has none.

    What was asked for is kept as a hash with the client's key, which is not kept: passwords in it
    cannot be guessed from the database.

    :raises Invalid: the key has not the right form.
    """
    sent = request.headers.get(HEADER)
    if sent is None:
        return None
    if not _FORM.fullmatch(sent):
        raise exception.Invalid(
            reason=f"the header {HEADER} must be 1 to 255 printable ASCII characters without spaces"
        )
    who = (scope.project_id, scope.user_id or "", request.path_info.rstrip("/"), sent)
    asked = json.dumps([body, query], sort_keys=True).encode()
    return RequestKey(
        hashlib.sha256("\0".join(who).encode()).hexdigest(),
        hmac.new(sent.encode(), asked, hashlib.sha256).hexdigest(),
    )
