"""What the conductor's parts are told, as plain values: none of them reads configuration."""

from __future__ import annotations

import dataclasses
import logging
import random
from typing import Any

LOG = logging.getLogger(__name__)


@dataclasses.dataclass
class Settings:
    """Times are seconds, sizes bytes; the meaning is that of the options of the same name.

    All parts of a conductor share one of these, and ask it each time they need a value: what
    :meth:`follow` changes holds from then on, for copies that run as well.

    ``import_poll`` is no option: the wait between two looks at a site's own import.
    """

    owner: str
    host: str
    max_jobs: int = 8
    poll_interval: float = 5.0
    lease: float = 60.0
    beat: float = 1.0
    attempts: int = 5
    retry_delay: float = 10.0
    retry_delay_max: float = 600.0
    graceful_shutdown_timeout: float = 60.0
    scan_interval: float = 900.0
    notification_keep: float = 259200.0
    window: int = 32
    chunk_size: int = 1024 * 1024
    buffer_memory: int = 64 * 1024 * 1024
    slow_site_grace: float = 30.0
    idle_timeout: float = 60.0
    site_timeout: float = 60.0
    import_timeout: float = 300.0
    import_poll: float = 1.0
    bandwidth: int | None = None
    spool_dir: str | None = None
    spool_size: int = 100 * 1024**3
    spool_single: bool = False
    spool_rehash: bool = False
    upload_dir: str | None = None
    upload_dir_size: int = 100 * 1024**3
    max_image_size: int = 1024**4
    max_expansion: int = 200

    @classmethod
    def from_conf(cls, conf: Any, owner: str, host: str) -> Settings:
        """Read the groups ``[conductor]``, ``[transfer]`` and ``[images]``."""
        return cls(owner=owner, host=host, **cls._read(conf))

    @classmethod
    def _read(cls, conf: Any) -> dict[str, Any]:
        return {
            field.name: group[field.name]
            for field in dataclasses.fields(cls)
            for group in (conf.conductor, conf.transfer, conf.images)
            if field.name in group
        }

    def follow(self, conf: Any) -> None:
        """Take over what changed in the files: options that are not mutable keep their values.

        Files that cannot be read, or with a value that is none, change nothing.
        """
        try:
            conf.mutate_config_files()
        except Exception as error:  # noqa: BLE001 - whatever it is, the conductor goes on
            LOG.error("the configuration is not reloaded: %s", error)
            return
        for name, value in self._read(conf).items():
            if getattr(self, name) != value:
                LOG.info("%s is %s now", name, value)
                setattr(self, name, value)

    def backoff(self, attempt: int, asked: float | None = None) -> float:
        """Seconds until the next try after the ``attempt``-th: exponential, with jitter.

        :param asked: what the site asked to wait (Retry-After).
        """
        wait = min(self.retry_delay * 2 ** (attempt - 1), self.retry_delay_max)
        return max(wait * random.uniform(0.5, 1.0), asked or 0.0)
