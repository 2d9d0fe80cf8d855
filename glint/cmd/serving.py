"""The API put together of its parts, for ``glint-all`` and for the WSGI application."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import stevedore.extension
from oslo_config import cfg

from glint import exception, policies
from glint.api import auth
from glint.api.app import make_app
from glint.api.middleware import WSGIApp
from glint.api.users import Users
from glint.cmd.wiring import Refused, make_limits
from glint.credentials import Keyring
from glint.credentials.home import HomeCloud
from glint.db.api import Database
from glint.metrics import Registry
from glint.metrics.page import Page
from glint.objects import SiteType
from glint.rpc.api import ConductorClient
from glint.uploads import UploadFolder

LOG = logging.getLogger(__name__)

SITE_TYPES = "glint.site_types"


def check_authentication(conf: cfg.ConfigOpts, *, embedded: bool) -> None:
    """:raises Refused: nobody, or everybody, could get in."""
    strategy, host = conf.api.auth_strategy, conf.api.bind_host
    if strategy == auth.KEYSTONE:
        return
    if conf.home.auth_url:
        raise Refused(
            f"[api] auth_strategy = {strategy} knows no tokens, so there is no home cloud: unset"
            " [home] auth_url, and let users bring a login for that cloud as for any other."
        )
    if strategy == auth.NOAUTH:
        if embedded and not auth.is_loopback(host):
            raise Refused(
                f"[api] auth_strategy = noauth lets everybody in, so glint-all listens at loopback"
                f" only, and not at {host}. Set bind_host = 127.0.0.1, or another auth_strategy."
            )
        return
    try:
        Users(conf.api.http_basic_user_file).read()
    except exception.GlintError as error:
        raise Refused(str(error)) from None
    if embedded and not auth.is_loopback(host):
        LOG.warning(
            "Passwords travel to %s in clear text: let a proxy with TLS stand in front.", host
        )


def load_site_types() -> dict[str, SiteType]:
    """Site types of all installed entry points; one that cannot be loaded is left out, aloud."""

    def failed(_manager: object, entry_point: object, error: BaseException) -> None:
        LOG.error("site type %s cannot be loaded: %s", entry_point, error)

    found: Iterable[Any] = stevedore.extension.ExtensionManager(
        SITE_TYPES, on_load_failure_callback=failed
    )
    return {extension.plugin.name: extension.plugin for extension in found}


def make_home(conf: cfg.ConfigOpts) -> HomeCloud | None:
    """The home cloud's Keystone, where one is configured."""
    home = conf.home
    if not home.auth_url:
        return None
    return HomeCloud(
        home.auth_url,
        region=home.region,
        interface=home.interface,
        timeout=home.timeout,
        ca_file=home.ca_file,
    )


def build_application(
    conf: cfg.ConfigOpts, *, db: Database, conductor: ConductorClient, registry: Registry
) -> WSGIApp:
    """The API over given parts.

    :param registry: the figures that ``/metrics`` shows, where it is on.
    :raises KeysUnusable: nothing could be encrypted with the configured keys.
    """
    keyring = Keyring(conf.credentials.key_repository)
    keyring.check()
    enforcer = policies.make_enforcer(conf)
    token = conf.api.metrics_token
    return make_app(
        conf,
        db,
        conductor,
        keyring,
        load_site_types(),
        enforcer,
        make_home(conf),
        metrics=Page(registry, token) if token else None,
        uploads=make_uploads(conf),
        limits=make_limits(conf),
    )


def make_uploads(conf: cfg.ConfigOpts) -> UploadFolder | None:
    """Where uploads wait for their sites; None where there is no such folder, or it is unusable."""
    if conf.images.upload_dir is None:
        return None
    try:
        return UploadFolder(conf.images.upload_dir, conf.images.upload_dir_size)
    except exception.UploadsNotPossible as error:
        LOG.error("%s", error)
        return None
