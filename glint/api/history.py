"""Events about what was done through the API."""

from __future__ import annotations

from glint.api.endpoint import Call
from glint.db import events


def record(call: Call, action: str, message: str, **ids: str | None) -> None:
    """One line of history.

    :param action: ``<resource>.<verb>``.
    :param message: a sentence for a person; never holds a secret.
    :param ids: site_id, credential_id or image_id.
    """
    events.record(
        call.services.db,
        project_id=call.scope.project_id,
        user_id=call.scope.user_id,
        action=action,
        outcome="done",
        message=message,
        **ids,
    )
