"""Errors that a person meets, each with a code that never changes.

``code`` is what programs compare, ``title`` names the class of error, the detail (the exception's
text) says what happened to which thing and what to do about it. Details may be shown to users and
kept in events: they never hold a secret.
"""

from glint.exception.base import GlintError
from glint.exception.content import *  # noqa: F403
from glint.exception.drift import *  # noqa: F403
from glint.exception.request import *  # noqa: F403
from glint.exception.site import *  # noqa: F403

__all__ = ["GlintError"]
