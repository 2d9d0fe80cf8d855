"""The things that Glint talks about, as frozen values. Times are naive UTC, sizes are bytes."""

from glint.objects.remote import *  # noqa: F403
from glint.objects.rows import *  # noqa: F403
from glint.objects.views import *  # noqa: F403
