"""The minicloud by hand; see the package's description."""

from __future__ import annotations

import argparse
import pathlib
import sys
import time
from typing import Any

from tests.minicloud import bed, topology
from tests.minicloud.state import StateError, StateFolder

MIB = 1 << 20


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.minicloud", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("up", "start both clouds, or what of them is not running"),
        ("status", "show every process; exit 1 when something does not answer"),
        ("down", "stop everything and delete the state folder"),
        ("kill", "SIGKILL one service"),
        ("revive", "start a killed service again on its old state"),
    ):
        command = commands.add_parser(name, help=text)
        if name in ("kill", "revive"):
            command.add_argument("service", help="for example alto-glance")
        command.add_argument("--state", required=True, type=pathlib.Path, metavar="DIR")
        if name == "up":
            command.add_argument("--base-port", type=int, metavar="N")
            command.add_argument(
                "--with",
                action="append",
                default=[],
                dest="extras",
                choices=[cloud.name for cloud in topology.OPTIONAL],
                help="start this cloud too; may be repeated",
            )
            command.add_argument(
                "--set",
                action="append",
                default=[],
                dest="settings",
                metavar="SERVICE.GROUP.OPTION=VALUE",
                help="alter one option of one service; may be repeated",
            )
    return parser


def _overrides(settings: list[str]) -> dict[str, dict[str, dict[str, Any]]]:
    overrides: dict[str, dict[str, dict[str, Any]]] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        parts = name.split(".")
        if not equals or len(parts) != 3:
            raise StateError(f"--set {setting}: expected SERVICE.GROUP.OPTION=VALUE")
        service, group, option = parts
        overrides.setdefault(service, {}).setdefault(group, {})[option] = value
    return overrides


def _up(args: argparse.Namespace) -> int:
    started = time.monotonic()
    made = bed.up(
        args.state,
        overrides=_overrides(args.settings),
        base_port=args.base_port,
        extras=args.extras,
        say=lambda line: print(line, flush=True),
    )
    for cloud in made.clouds:
        print(f"{cloud.name}: {made.auth_url(cloud)}")
        for service in cloud.of_kind("glance"):
            print(f"  image in region {service.region}: {made.url(service)}")
    print(f"export OS_CLIENT_CONFIG_FILE={StateFolder(args.state).clouds_yaml}")
    print(f"up in {time.monotonic() - started:.1f} s")
    return 0


def _status(args: argparse.Namespace) -> int:
    rows = list(bed.status(args.state))
    print(f"{'service':16} {'pid':>8} {'port':>6} {'RSS MiB':>8}  answering")
    for row in rows:
        answering = "yes" if row.answering else "NO"
        memory = f"{row.rss / MIB:.0f}"
        print(f"{row.name:16} {row.pid or '-':>8} {row.port or '-':>6} {memory:>8}  {answering}")
    return 0 if all(row.answering for row in rows) else 1


def _run(args: argparse.Namespace) -> int:
    if args.command == "up":
        return _up(args)
    if args.command == "status":
        return _status(args)
    if args.command == "down":
        print(f"{bed.down(args.state)} processes ended")
    elif args.command == "kill":
        pid = bed.kill(args.state, args.service)
        print(f"{args.service}: " + ("was not running" if pid is None else f"killed {pid}"))
    else:
        bed.revive(args.state, args.service)
        print(f"{args.service}: running")
    return 0


def main() -> int:
    """Run one command; 2 when it could not be done as asked."""
    try:
        return _run(_parser().parse_args())
    except (StateError, LookupError, RuntimeError, TimeoutError) as exc:
        print(f"minicloud: {exc}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
