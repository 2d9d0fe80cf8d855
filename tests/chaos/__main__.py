"""``python -m tests.chaos``: one run, its account, exit code 0 only when nothing was wrong."""

from __future__ import annotations

import argparse
import logging
import pathlib
import sys
import tempfile

from tests.chaos import options
from tests.chaos.run import run


def parse(arguments: list[str]) -> options.Options:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="images, wishes and order of faults")
    parser.add_argument("--transfers", type=int, default=300, help="cells to be filled")
    parser.add_argument("--conductors", type=int, default=2)
    parser.add_argument("--database", choices=options.DATABASES, default="mariadb")
    parser.add_argument("--minutes", type=float, default=15, help="the storm lasts no longer")
    parser.add_argument("--pace", type=float, default=5, help="mean seconds between two kills")
    parser.add_argument("--folder", type=pathlib.Path, help="for logs and the report")
    given = parser.parse_args(arguments)
    if given.folder is None:
        name = f"glint-chaos-{given.database}-{given.seed}-"
        given.folder = pathlib.Path(tempfile.mkdtemp(prefix=name))
    return options.Options(
        seed=given.seed,
        transfers=given.transfers,
        conductors=1 if given.database == "sqlite" else given.conductors,
        database=given.database,
        minutes=given.minutes,
        folder=given.folder.resolve(),
        pace=given.pace,
    )


def main() -> int:
    """Run it."""
    given = parse(sys.argv[1:])
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    for handler in logging.getLogger().handlers:
        handler.addFilter(lambda record: record.levelno >= logging.INFO)
    sys.stdout.write(f"seed {given.seed}, everything is kept in {given.folder}\n")
    sys.stdout.flush()
    report = run(given)
    sys.stdout.write(report.table() + "\n")
    return 0 if report.clean else 1


if __name__ == "__main__":
    sys.exit(main())
