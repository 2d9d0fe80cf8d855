"""Who asks, with which token, in which request."""

from __future__ import annotations

from typing import Any

from oslo_context import context


class RequestContext(context.RequestContext):
    """oslo.context's, with a token that stays in the object.

    ``to_dict`` is what serializers and log formatters take: the token is not in it, so that it can
    get neither into a message nor into a log.
    """

    def to_dict(self) -> dict[str, Any]:
        values = super().to_dict()
        values.pop("auth_token", None)
        return values

    def __repr__(self) -> str:
        return f"<RequestContext {self.request_id} user={self.user_id} project={self.project_id}>"
