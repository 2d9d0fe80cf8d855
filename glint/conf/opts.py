"""All groups of Glint's own options in one list, and what Glint changes in those of libraries."""

from __future__ import annotations

from types import ModuleType

from oslo_config import cfg
from oslo_middleware import cors, sizelimit
from oslo_policy import opts as policy_opts

from glint.conf import addresses, api, conductor, credentials, home, images, quota, rpc, transfer

GROUPS: tuple[ModuleType, ...] = (
    rpc,
    api,
    conductor,
    transfer,
    images,
    addresses,
    credentials,
    home,
    quota,
)

#: Bytes. A Save of 1,000 changes, the most that the API takes, has about 200 KiB.
MAX_BODY = 1024 * 1024

VERSION_HEADER = "OpenStack-API-Version"
REQUEST_ID_HEADER = "X-OpenStack-Request-ID"


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Make Glint's options known to ``conf``; doing it twice is harmless."""
    set_defaults()
    policy_opts.set_defaults(conf)
    conf.register_opts(sizelimit.OPTS, group="oslo_middleware")
    for module in GROUPS:
        name = module.GROUP.name
        # A group keeps what was registered and set: each configuration needs one of its own.
        group = cfg.OptGroup(name, title=module.GROUP.title) if name != "DEFAULT" else None
        conf.register_opts(module.OPTS, group=group)


def set_defaults() -> None:
    """Give options of libraries the defaults that fit Glint (also for the sample file)."""
    cfg.set_defaults(sizelimit.OPTS, max_request_body_size=MAX_BODY)
    policy_opts.set_defaults(
        cfg.ConfigOpts(), "policy.yaml", enforce_scope=True, enforce_new_defaults=True
    )
    cors.set_defaults(
        allow_headers=[
            "Content-Type",
            "Idempotency-Key",
            "If-Match",
            "If-None-Match",
            "X-Auth-Token",
            REQUEST_ID_HEADER,
            VERSION_HEADER,
        ],
        expose_headers=[
            "ETag",
            "Idempotent-Replayed",
            "Location",
            "Vary",
            REQUEST_ID_HEADER,
            VERSION_HEADER,
        ],
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    )


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """What oslo-config-generator asks for the namespace ``glint``."""
    return [(module.GROUP.name, list(module.OPTS)) for module in GROUPS]
