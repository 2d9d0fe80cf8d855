"""Options of the conductor: how much it does at once, and when it gives up."""

from __future__ import annotations

from oslo_config import cfg

from glint.conf.text import unwrap

GROUP = cfg.OptGroup("conductor", title="Conductor")

OPTS = [
    cfg.IntOpt(
        "max_jobs",
        default=8,
        min=1,
        max=256,
        help=unwrap("""
Jobs of one conductor at once. A job reads one image and feeds all its sites; it holds up to
``[transfer] window`` x ``[transfer] chunk_size`` bytes of memory and two threads plus one per site.
"""),
    ),
    cfg.IntOpt(
        "poll_interval",
        mutable=True,
        default=5,
        min=1,
        max=300,
        help=unwrap("""
Seconds between two looks into the database for work when no wake-up arrives (a random fifth is
added). It bounds the delay that a lost message can cause. An empty look costs about 1 ms.
"""),
    ),
    cfg.IntOpt(
        "lease",
        default=60,
        min=6,
        max=3600,
        help=unwrap("""
Seconds for which a conductor owns a transfer without renewing. After a crash the work is taken over
by another conductor this much later. At least three times ``beat``. The database's clock
alone decides when a lease ends: those of the conductors' hosts may differ.
"""),
    ),
    cfg.IntOpt(
        "beat",
        default=1,
        min=1,
        max=600,
        help=unwrap("""
Seconds between two beats of a conductor. A beat is one statement that renews all leases, writes all
progress and reads all cancellations: progress shown to users and the reaction to a cancelled
transfer are this old at most. 200 transfers cost about 5 ms of database time per beat.
"""),
    ),
    cfg.IntOpt(
        "attempts",
        mutable=True,
        default=5,
        min=1,
        max=100,
        help=unwrap("""
How often one transfer is tried before it is ``failed``. Errors that a repetition cannot heal (wrong
password, other content, refused format) fail at once.
"""),
    ),
    cfg.IntOpt(
        "retry_delay",
        mutable=True,
        default=10,
        min=1,
        max=3600,
        help=unwrap("""
Seconds before the second attempt of a transfer. Each further wait is twice as long, up to
``retry_delay_max``, and is shortened at random by up to a half so that transfers do not retry in
step. A ``Retry-After`` of the site is obeyed where it asks for more.
"""),
    ),
    cfg.IntOpt(
        "retry_delay_max",
        mutable=True,
        default=600,
        min=1,
        max=86400,
        help="The longest wait between two attempts of a transfer, in seconds.",
    ),
    cfg.IntOpt(
        "graceful_shutdown_timeout",
        mutable=True,
        default=60,
        min=1,
        max=86400,
        help=unwrap("""
Seconds that running transfers get to finish when the conductor is told to stop (SIGTERM). What is
not done by then is handed back and started anew by another conductor or after the restart.
"""),
    ),
    cfg.IntOpt(
        "scan_interval",
        mutable=True,
        default=900,
        min=10,
        max=604800,
        help=unwrap("""
Seconds between two inventory scans with one credential: how old the knowledge about changes that
others made at a site can be. A scan costs one listing of the project's images.
"""),
    ),
    cfg.IntOpt(
        "notification_keep",
        mutable=True,
        default=3 * 86400,
        min=60,
        max=366 * 86400,
        help=unwrap("""
Seconds for which events wait to be sent as notifications: while the broker is away, and before
``[oslo_messaging_notifications] driver`` is set for the first time. Older ones are not sent any
more; the history keeps all.
"""),
    ),
    cfg.PortOpt(
        "data_port",
        help=unwrap("""
TCP port on which this conductor serves image data to the API servers of this Glint, for downloads;
0 takes a free one. Unset: none; where no conductor has one, downloads are refused
(``download.not_configured``). ``glint-all`` needs none. A request needs a token made with the keys
of ``[credentials] key_repository``, which lives for a minute; the data is sent over plain HTTP, so
choose a network where nobody else listens.
"""),
    ),
    cfg.HostAddressOpt(
        "data_host",
        default="127.0.0.1",
        help=unwrap("""
Address for ``data_port``, of the management network where the API servers are on other machines.
"""),
    ),
    cfg.URIOpt(
        "data_url",
        schemes=["http", "https"],
        help=unwrap("""
Where API servers reach ``data_port``, if that is not ``http://data_host:data_port``: behind a proxy
that adds TLS, for instance.
"""),
    ),
    cfg.PortOpt(
        "metrics_port",
        help=unwrap("""
TCP port on which this conductor serves its figures for Prometheus at ``/metrics``, over plain HTTP
and to everybody who can reach it; 0 takes a free one, which is written to the log. Unset, they are
not served. Conductors on one machine need a port each. The page holds ids of sites, counts and
error codes, and neither names nor secrets.
"""),
    ),
    cfg.HostAddressOpt(
        "metrics_host",
        default="127.0.0.1",
        help=unwrap("""
Address for ``metrics_port``. For a Prometheus on another machine choose one of the management
network, never one that users reach.
"""),
    ),
]
