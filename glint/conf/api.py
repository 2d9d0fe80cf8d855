"""Options of the HTTP API."""

from __future__ import annotations

from oslo_config import cfg

from glint.conf.text import unwrap

GROUP = cfg.OptGroup("api", title="HTTP API")

OPTS = [
    cfg.StrOpt(
        "bind_host",
        default="127.0.0.1",
        help=unwrap("""
Address on which ``glint-all`` serves the API. The default is reachable from the same machine only,
because ``glint-all`` without a certificate speaks plain HTTP and tokens travel over it. Behind an
external WSGI server (``glint.wsgi.api:application``) this option is not used.
"""),
    ),
    cfg.PortOpt(
        "port",
        default=9494,
        help=unwrap("""
TCP port on which ``glint-all`` serves the API; 0 takes a free one, which is written to the log.
Not used behind an external WSGI server.
"""),
    ),
    cfg.IntOpt(
        "threads",
        default=8,
        min=1,
        max=256,
        help=unwrap("""
Threads with which ``glint-all`` serves the API, which is also the number of requests in work at
once; more wait. Each holds about one database connection. Not used behind an external WSGI server.
"""),
    ),
    cfg.StrOpt(
        "auth_strategy",
        default="keystone",
        choices=[
            ("keystone", "tokens of the home cloud's Keystone ([keystone_authtoken])"),
            ("http_basic", "users of http_basic_user_file; there is no home cloud then"),
            ("noauth", "nobody is checked; for tests, and for requests from this machine only"),
        ],
        help=unwrap("""
How the API knows who asks. With ``http_basic`` Glint stands alone: name and password travel with
each request, so let only TLS reach it; a user belongs to one project. With ``noauth`` everybody is
an administrator; ``glint-all`` then refuses to listen at anything but loopback, and requests from
other machines or through proxies get 403.
"""),
    ),
    cfg.StrOpt(
        "http_basic_user_file",
        default="/etc/glint/users",
        help=unwrap("""
File with the users for ``auth_strategy = http_basic``, a line for each: name, bcrypt hash, project
and roles, such as ``alice:$2b$12$...:physics:member,reader``. ``glint-manage user set`` writes it.
It is read again when it changes. It must belong to root or to the service's user and be closed to
others (0600, or 0640 with the service's group): otherwise nobody gets in.
"""),
    ),
    cfg.URIOpt(
        "public_endpoint",
        schemes=["http", "https"],
        help=unwrap("""
URL under which users reach the API, without ``/v1``: the base of all links and ``Location`` headers
in answers. Unset, links are built from the request, which is right unless a proxy in front changes
host or path and does not say so (then see also ``[oslo_middleware]
enable_proxy_headers_parsing``).
"""),
    ),
    cfg.IntOpt(
        "default_limit",
        default=100,
        min=1,
        max=1000,
        help="Entries in one page of a list when the request names no ``limit``.",
    ),
    cfg.IntOpt(
        "max_limit",
        default=1000,
        min=1,
        max=10000,
        help=unwrap("""
The most entries that one page of a list may have. A larger ``limit`` in a request is refused with
400. A page is held in memory while the answer is made; a row of the matrix has about 400 bytes per
column.
"""),
    ),
    cfg.StrOpt(
        "response_validation",
        default="warn",
        choices=[
            ("warn", "the first entries of each list are checked; what is wrong is logged"),
            ("error", "everything is checked, and what is wrong becomes a 500; for tests"),
            ("ignore", "answers are not checked"),
        ],
        help=unwrap("""
What to do about answers that do not have the shape that the API promises. A check costs about 0.1
ms per entry or cell.
"""),
    ),
    cfg.StrOpt(
        "audit_map_file",
        help=unwrap("""
Turns on an audit trail: for each request an event in the CADF format (who asked for what, from
where, and how it ended), sent where ``[audit_middleware_notifications]`` says. The file tells which
paths are which things; ``etc/glint/api_audit_map.conf`` is one for this API. Unset, there is no
audit trail; the history of what was done to images is kept all the same (``/v1/events``).
"""),
    ),
    cfg.ListOpt(
        "audit_ignore_methods",
        default=["GET", "HEAD"],
        help="HTTP methods of requests that leave no trace in the audit trail.",
    ),
    cfg.StrOpt(
        "metrics_token",
        secret=True,
        help=unwrap("""
Serves figures of the whole service for Prometheus at ``/metrics`` beside the API, to whoever sends
this as ``Authorization: Bearer <token>``. Unset, there is no such page. It needs no token of
Keystone, and names the sites of all projects: choose a long random value, 32 characters or more,
and let it travel over TLS only.
"""),
    ),
    cfg.FloatOpt(
        "conductor_timeout",
        default=75.0,
        min=1.0,
        max=600.0,
        help=unwrap("""
Seconds to wait for a conductor that looks at a site on behalf of a request (probing a site,
verifying a credential, registering an image). Keep it above ``[transfer] site_timeout``, or a slow
site is reported as a missing conductor (503), and below the timeout of proxies in front.
"""),
    ),
]
