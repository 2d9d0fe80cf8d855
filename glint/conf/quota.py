"""Options of how much one project may use."""

from __future__ import annotations

from oslo_config import cfg

from glint.conf.text import unwrap

GROUP = cfg.OptGroup("quota", title="Quotas of projects")

_MANY = 10**9


def _limit(name: str, text: str, most: int = _MANY) -> cfg.IntOpt:
    return cfg.IntOpt(name, default=-1, min=-1, max=most, help=unwrap(text))


OPTS = [
    cfg.StrOpt(
        "driver",
        default="local",
        choices=[
            ("local", "the limits of this section hold for each project"),
            ("unified", "Keystone's unified limits, through oslo.limit ([oslo_limit])"),
        ],
        help=unwrap("""
Where the limits of a project come from. With ``unified``, register a limit for each of ``images``,
``sites``, ``credentials``, ``running_transfers`` and ``bytes_in_flight`` for Glint's service in
Keystone: what is not registered counts as 0. An answer is used for a minute; while Keystone cannot
be asked the last one holds, and where there is none the limits of this section.
"""),
    ),
    _limit(
        "images",
        """
Images that a project may have in its catalogue, wherever they come from. -1: no limit.
""",
    ),
    _limit("sites", "Sites that a project may have; shared ones are nobody's. -1: no limit."),
    _limit("credentials", "Credentials that a project may have. -1: no limit."),
    _limit(
        "running_transfers",
        """
Transfers of one project that run at once, over all conductors; more wait. -1: no limit. Several
conductors that claim at the same moment may exceed it by one each.
""",
    ),
    _limit(
        "bytes_in_flight",
        """
Bytes of the images of one project that are being copied at once, counted for each destination;
more wait. An image that is larger is copied alone. -1: no limit.
""",
        most=10**15,
    ),
]
