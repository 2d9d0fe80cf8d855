"""Options of the data plane: buffers and patience."""

from __future__ import annotations

from oslo_config import cfg

from glint.conf.text import unwrap

GROUP = cfg.OptGroup("transfer", title="Data plane")

OPTS = [
    cfg.IntOpt(
        "window",
        mutable=True,
        default=32,
        min=2,
        max=4096,
        help=unwrap("""
Chunks that one job may hold between its source and its slowest site: at most ``window`` x
``chunk_size`` bytes (32 MiB as delivered), and less where ``buffer_memory`` is used up. A larger
window rides out longer pauses of a site.
"""),
    ),
    cfg.IntOpt(
        "buffer_memory",
        default=64 * 1024 * 1024,
        min=1024 * 1024,
        max=10**13,
        help=unwrap("""
Bytes of buffers that all running copies of a conductor share. A copy that finds them used up goes
on with four chunks beyond. More memory lets more copies ride out pauses of their sites at the same
time.
"""),
    ),
    cfg.IntOpt(
        "chunk_size",
        mutable=True,
        default=1024 * 1024,
        min=64 * 1024,
        max=64 * 1024 * 1024,
        help="Bytes that are read and sent at once. 1 MiB was measured to be the fastest.",
    ),
    cfg.IntOpt(
        "slow_site_grace",
        mutable=True,
        default=30,
        min=1,
        max=86400,
        help=unwrap("""
Seconds for which one slow site may hold up the other sites of its job (with the window full). Then
it is taken out and copied alone, with its own read of the source or from the spool.
"""),
    ),
    cfg.IntOpt(
        "bandwidth",
        mutable=True,
        min=1024 * 1024,
        max=10**13,
        help=unwrap("""
Bytes per second that this conductor sends to all sites together; unset: no cap. A site's own cap
(its ``bandwidth``) holds over all conductors, and apart from this one.
"""),
    ),
    cfg.StrOpt(
        "spool_dir",
        help=unwrap("""
Folder in which this conductor keeps image contents, so that later attempts and later copies need
not read the source site again: when a site broke or was too slow for its group, and when the same
image is wished at one more site. It is made, with mode 0700, where it is not there; one that other
users can read is not used. Conductors of one service may share a folder. Unset: nothing is kept.
"""),
    ),
    cfg.IntOpt(
        "spool_size",
        default=100 * 1024**3,
        min=1024 * 1024,
        max=10**15,
        help=unwrap("""
Bytes that the files in ``spool_dir`` may have together. What was not used for longest makes way for
what is new; an image that is larger than this is not kept. The file system is never filled up: 64
MiB are left free.
"""),
    ),
    cfg.BoolOpt(
        "spool_single",
        mutable=True,
        default=False,
        help=unwrap("""
Whether a copy to one site alone is kept in the spool as well, from its first attempt on. It costs
the writing and the hashing of each image, and pays where sites break often and sources are far.
"""),
    ),
    cfg.BoolOpt(
        "spool_rehash",
        mutable=True,
        default=False,
        help=unwrap("""
Whether what is read from the spool is hashed again on the way, so that a file that went bad on the
disk is found before a site has it whole. In any case its size and time of change are looked at
first, and the site's own hash, or reading back, proves the copy.
"""),
    ),
    cfg.IntOpt(
        "idle_timeout",
        mutable=True,
        default=60,
        min=1,
        max=86400,
        help=unwrap("""
Seconds without a single byte read or sent after which a stream counts as broken and the attempt
ends (``transfer.stalled``).
"""),
    ),
    cfg.IntOpt(
        "site_timeout",
        default=60,
        min=1,
        max=3600,
        help=unwrap("""
Seconds to wait for a connection to a site and for the next byte of its answer to a request that
carries no image data (login, listing, creating, deleting).
"""),
    ),
    cfg.IntOpt(
        "import_timeout",
        mutable=True,
        default=300,
        min=10,
        max=86400,
        help=unwrap("""
Seconds that a site gets to fetch an image by itself from another region of its cloud, and one more
for each 8 MiB of the image. Then its half image is removed and the bytes are streamed by Glint.
"""),
    ),
]
