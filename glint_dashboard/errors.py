"""What a user is told when Glint refuses, or does not answer."""

from __future__ import annotations

import logging

import horizon.exceptions
from django.http import HttpRequest
from django.utils.translation import gettext as _
from horizon import messages

from glint_dashboard import api

LOG = logging.getLogger(__name__)

#: What a call of the service may end in, besides what is a fault of ours.
FAILURES = (api.ClientError, horizon.exceptions.ServiceCatalogException)


def sentence(error: Exception) -> str:
    """What to show of one of :data:`FAILURES`; Glint's own errors say what to do.

    :raises horizon.exceptions.NotAuthenticated: the session is over, and Horizon asks to log in.
    """
    if isinstance(error, api.Unauthorized):
        raise horizon.exceptions.NotAuthenticated from error
    if isinstance(error, api.ConnectionFailed):
        LOG.warning("%s", error)
        return _("The image distribution service does not answer. Try again in a moment.")
    if not isinstance(error, api.ClientError):
        return _("The catalogue of this region has no image distribution service.")
    if error.status is not None and error.status < 500:
        return error.detail
    LOG.warning("%s", error)
    if error.request_id is None:
        return error.detail
    return _("%(detail)s (request %(id)s)") % {"detail": error.detail, "id": error.request_id}


def tell(request: HttpRequest, error: Exception) -> None:
    """Show one of :data:`FAILURES` at the head of the next page."""
    messages.error(request, sentence(error))
