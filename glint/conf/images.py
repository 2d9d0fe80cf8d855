"""Options about images that users bring themselves: by upload, or by URL."""

from __future__ import annotations

from oslo_config import cfg

from glint.conf.text import unwrap

GROUP = cfg.OptGroup("images", title="Uploads and URLs")

OPTS = [
    cfg.StrOpt(
        "upload_dir",
        help=unwrap("""
Folder in which uploaded images wait until a site holds them; also where the conductor puts what it
reads from a URL that does not tell its size. API servers and conductors must share it (the same
machine, or one file system with working ``flock``: NFS 4, CephFS), with one user. Unlike
``[transfer] spool_dir`` it is no cache: what lies here may be nowhere else. It is made, with mode
0700, where it is not there. Unset: uploads are refused, and URLs must tell the size of what they
give.
"""),
    ),
    cfg.IntOpt(
        "upload_dir_size",
        default=100 * 1024**3,
        min=1024 * 1024,
        max=10**15,
        help=unwrap("""
Bytes that all files in ``upload_dir`` may have together. An upload that does not fit is refused
with 413 (``upload.no_room``). 64 MiB of the file system are left free in any case.
"""),
    ),
    cfg.IntOpt(
        "max_image_size",
        default=1024**4,
        min=1024,
        max=10**15,
        help=unwrap("""
Bytes that an uploaded image, or one that a URL gives, may have; of a compressed one, after it was
expanded. More is refused with 413 (``image.too_large``).
"""),
    ),
    cfg.IntOpt(
        "max_expansion",
        default=200,
        min=2,
        max=100000,
        help=unwrap("""
How many times its own size a compressed image at a URL may grow. Real images grow 2 to 20 times;
an almost empty disk may need more. The first 64 MiB are free.
"""),
    ),
]
