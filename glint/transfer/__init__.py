"""The data plane: moves the bytes of one image from one source to any number of sites.

It knows neither HTTP nor the database. A *source* is a callable that opens the image at a byte
offset (:meth:`SiteDriver.open` bound to a remote id), a *sink* a callable that takes a
:class:`SizedBody` and returns when the site has accepted all of it (:meth:`SiteDriver.upload`
bound to a remote id). See :func:`fan_out`. A :class:`Throttle` caps bytes per second; a
:class:`Spool` keeps contents, so that a later attempt need not read the source again.
"""

from glint.transfer.buffers import Memory
from glint.transfer.fanout import CHUNK, WINDOW, Result, SinkResult, digest, fan_out
from glint.transfer.sink import Progress, Sink
from glint.transfer.source import OpenSource
from glint.transfer.spool import Spool
from glint.transfer.throttle import Throttle

__all__ = [
    "CHUNK",
    "WINDOW",
    "Memory",
    "OpenSource",
    "Progress",
    "Result",
    "Sink",
    "SinkResult",
    "Spool",
    "Throttle",
    "digest",
    "fan_out",
]
