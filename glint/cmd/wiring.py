"""What the processes have in common: configuration read, parts put together, nonsense refused.

A composition root: only here, in the commands and in ``glint.wsgi`` is ``cfg.CONF`` touched.
"""

from __future__ import annotations

import fcntl
import functools
import logging
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

import sqlalchemy
import stevedore.extension
from oslo_config import cfg
from oslo_db import options as db_options
from oslo_log import log

from glint.conductor.dataport import DataApp, DataServer
from glint.conductor.manager import Manager, owner_name
from glint.conductor.settings import Settings
from glint.conf import register_opts
from glint.credentials import Keyring, masking
from glint.db import conductors, statistics
from glint.db.api import Database
from glint.drivers.addresses import AddressPolicy
from glint.drivers.base import SiteDriver
from glint.metrics import Registry
from glint.metrics.page import Page, Server
from glint.metrics.service import Service
from glint.metrics.work import Work
from glint.quotas import RESOURCES, Fetch, Limits, LocalLimits, UnifiedLimits
from glint.rpc.data import DataClient
from glint.rpc.notifier import UnknownDriver, make_notifier, wanted_drivers
from glint.rpc.server import stays_within_process

LOG = logging.getLogger(__name__)

DRIVERS = "glint.site_drivers"


class Refused(SystemExit):
    """A start that cannot work ends with a sentence and exit code 1, not with a traceback.

    Python itself prints the sentence of a SystemExit to stderr and exits with 1.
    """


def configure(argv: Sequence[str], conf: cfg.ConfigOpts = cfg.CONF) -> cfg.ConfigOpts:
    """Register all options, read files and command line, start logging."""
    # A WSGI server may ask again where the first attempt was refused.
    conf.clear()
    log.register_options(conf)
    db_options.set_defaults(conf)
    register_opts(conf)
    conf(argv, project="glint")
    log.setup(conf, "glint")
    masking.install()
    return conf


def check_combination(conf: cfg.ConfigOpts, *, embedded: bool) -> None:
    """:raises Refused: the transport, the database and the kind of process do not go together."""
    connection = conf.database.connection
    if not connection:
        raise Refused("No database: set [database] connection in glint.conf.")
    if embedded:
        if conf.rpc_transport != "local" and not stays_within_process(conf):
            raise Refused(
                "glint-all is API and conductor in one process and needs rpc_transport = local."
                " For separate processes run glint-conductor and the WSGI application."
            )
        if not connection.startswith("sqlite"):
            raise Refused(
                "glint-all serves SQLite only. On MariaDB or PostgreSQL run glint-conductor and the"
                " WSGI application with rpc_transport = oslo."
            )
        return
    if conf.rpc_transport == "local":
        raise Refused(
            "rpc_transport = local works inside glint-all only: nobody could wake this conductor."
            " Set rpc_transport = oslo and transport_url, or run glint-all."
        )
    if stays_within_process(conf):
        raise Refused(
            "transport_url = fake:// reaches nobody outside of its process. Name a broker in"
            " transport_url, or run glint-all."
        )
    if connection.startswith("sqlite"):
        raise Refused(
            "SQLite serves one process, glint-all. For separate API and conductor processes set"
            " [database] connection to MariaDB or PostgreSQL."
        )


def lock_database(conf: cfg.ConfigOpts) -> TextIO:
    """A lock beside the SQLite file, held as long as the result is open.

    :raises Refused: another process serves the database.
    """
    path = sqlalchemy.make_url(conf.database.connection).database
    if not path or path == ":memory:":
        raise Refused("glint-all needs a database file: sqlite:////absolute/path/glint.db")
    lock = open(f"{path}.lock", "w", encoding="ascii")  # noqa: SIM115 - open while we live
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise Refused(f"Another glint-all serves {path}; stop it first.") from None
    return lock


def make_database(conf: cfg.ConfigOpts) -> Database:
    """The process's one connection pool; call it after any fork."""
    options = {}
    if not conf.database.connection.startswith("sqlite"):
        for name in ("max_pool_size", "max_overflow", "pool_timeout", "connection_recycle_time"):
            value = conf.database.get(name)
            if value is not None:
                options[name] = value
    return Database(conf.database.connection, **options)


def load_drivers() -> dict[str, type[SiteDriver]]:
    """Site type -> driver class, of all installed entry points."""
    found: Iterable[Any] = stevedore.extension.ExtensionManager(
        DRIVERS, invoke_on_load=False, on_load_failure_callback=_driver_failed
    )
    return {extension.name: extension.plugin for extension in found}


def _driver_failed(_manager: object, entry_point: object, error: BaseException) -> None:
    LOG.error("site driver %s cannot be loaded: %s", entry_point, error)


def make_manager(conf: cfg.ConfigOpts, db: Database, registry: Registry) -> Manager:
    """A conductor, not started yet, that counts in ``registry``."""
    owner, host = owner_name()
    settings = Settings.from_conf(conf, owner, host)
    return Manager(
        db,
        Keyring(conf.credentials.key_repository),
        load_drivers(),
        settings,
        metrics=Work(registry),
        notifier=make_notifier(conf, host),
        addresses=make_addresses(conf),
        limits=make_limits(conf),
    )


def make_limits(conf: cfg.ConfigOpts) -> Limits:
    """How much projects may use."""
    local = LocalLimits({name: conf.quota[name] for name in RESOURCES})
    return UnifiedLimits(_connect_limits, local) if conf.quota.driver == "unified" else local


def _connect_limits() -> Fetch:
    """Keystone's unified limits. oslo.limit reads ``[oslo_limit]`` of the global configuration."""
    from oslo_limit import limit  # takes a second and needs the SDK, so only who wants it pays

    enforcer = limit.Enforcer(lambda *_: {}, cache=False)
    fetch: Fetch = enforcer.get_project_limits
    return fetch


def make_addresses(conf: cfg.ConfigOpts) -> AddressPolicy:
    """Where users may send Glint.

    :raises Refused: an entry makes no sense; nothing is opened or left open by mistake.
    """
    options = conf.addresses
    try:
        return AddressPolicy(
            schemes=options.schemes,
            allowed_hosts=options.allowed_hosts,
            denied_hosts=options.denied_hosts,
            allowed_ports=options.allowed_ports,
            denied_ports=options.denied_ports,
            allowed_networks=options.allowed_networks,
            denied_networks=options.denied_networks,
        )
    except ValueError as error:
        raise Refused(f"[addresses] in glint.conf: {error}") from None


def serve_data(conf: cfg.ConfigOpts, manager: Manager) -> Sequence[DataServer]:
    """The server of a conductor's image data, started, where the operator wants one."""
    if conf.conductor.data_port is None:
        return ()
    host, port = conf.conductor.data_host, conf.conductor.data_port
    app = DataApp(manager, Keyring(conf.credentials.key_repository))
    server = DataServer(host, port, app)
    try:
        port = server.start()
    except OSError as error:
        LOG.error("no downloads: cannot listen at %s port %d: %s", host, port, error)
        return ()
    shown = f"[{host}]" if ":" in host else host
    manager.offer_data(conf.conductor.data_url or f"http://{shown}:{port}")
    return (server,)


def make_data_client(conf: cfg.ConfigOpts, db: Database) -> DataClient:
    """The API's side of :func:`serve_data`."""

    def find() -> Sequence[str]:
        return [row.data_url for row in conductors.living(db) if row.data_url]

    keyring = Keyring(conf.credentials.key_repository)
    return DataClient(find, keyring.encrypt, conf.api.conductor_timeout)


def check_notifications(conf: cfg.ConfigOpts) -> None:
    """:raises Refused: notifications are to go where they would be lost."""
    try:
        wanted_drivers(conf)
    except UnknownDriver as error:
        raise Refused(str(error)) from None


def service_metrics(db: Database) -> Registry:
    """A registry with what the database says about the whole service."""
    registry = Registry()
    registry.register(Service(functools.partial(statistics.figures, db)))
    return registry


def serve_metrics(conf: cfg.ConfigOpts, registry: Registry) -> Sequence[Server]:
    """The server of a conductor's figures, started, where the operator wants one.

    One that cannot listen is no reason to let copies wait: Prometheus tells that it is missing.
    """
    if conf.conductor.metrics_port is None:
        return ()
    host, port = conf.conductor.metrics_host, conf.conductor.metrics_port
    server = Server(host, port, Page(registry))
    try:
        server.start()
    except OSError as error:
        LOG.error("no metrics: cannot listen at %s port %d: %s", host, port, error)
        return ()
    return (server,)
