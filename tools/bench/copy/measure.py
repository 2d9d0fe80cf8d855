"""Copies of one image, beside other ways of copying: ``python -m tools.bench copy``."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import statistics
from collections.abc import Iterator, Mapping, Sequence

from tests.minicloud.fixture import MiniCloud
from tools.bench.copy import ways
from tools.bench.copy.beds import Discarding, Glances
from tools.bench.copy.service import Service
from tools.bench.copy.targets import Target, rows
from tools.bench.copy.watch import Cost
from tools.bench.copy.ways import Way
from tools.bench.memory import fake

KINDS = ("plane", "slow", "service", "glances", "tls")
USUAL = KINDS[:-1]
MIB = 1024 * 1024
QUICK = 256

GLINT, HASHING, PIPE = "Glint, no hash", "Glint, sha512", "curl | curl, in turn"
AT_ONCE, CLIENT, STORED = "curl | curl, all at once", "glanceclient", "store and forward"
LOOP, COMMAND, SERVICE = (
    "one thread, one buffer",
    "openstack save + create",
    "Glint, Save to active",
)

Tables = Iterator[tuple[str, list[list[str]]]]


class Figures:
    """What was measured, by kind of bed, number of destinations and way."""

    def __init__(self) -> None:
        self.costs: dict[tuple[str, int, str], list[Cost]] = {}
        self.reads: dict[tuple[str, int, str], float] = {}
        self.single: dict[str, float] = {}

    def add(self, key: tuple[str, int, str], cost: Cost, reads: float | None = None) -> None:
        self.costs.setdefault(key, []).append(cost)
        if reads is not None:
            self.reads[key] = reads

    def of(self, kind: str, count: int, way: str) -> Cost | None:
        """The medians."""
        found = self.costs.get((kind, count, way))
        if not found:
            return None
        return Cost(
            *(statistics.median(getattr(one, name) for one in found)
              for name in ("seconds", "cpu", "rss"))
        )  # fmt: skip

    def ratio(self, kind: str, count: int, way: str, other: str) -> float | None:
        """How many times faster a way is than another one."""
        one, two = self.of(kind, count, way), self.of(kind, count, other)
        return None if one is None or two is None else two.seconds / one.seconds

    def table(self, kind: str, size: int, base: str) -> list[list[str]]:
        """:param base: the way that the others are compared with."""
        found = [["to", "way", "wall s", "MB/s read", f"x {base}", "CPU s/GiB", "RSS MiB", "reads"]]
        for _, count, way in [key for key in self.costs if key[0] == kind]:
            cost = self.of(kind, count, way)
            ratio = self.ratio(kind, count, way, base)
            reads = self.reads.get((kind, count, way))
            assert cost is not None
            found.append(
                [
                    str(count), way, f"{cost.seconds:.2f}", f"{size / cost.seconds / 1e6:.0f}",
                    "" if ratio is None else f"{ratio:.2f}",
                    f"{cost.cpu / size * 2**30:.2f}" if cost.cpu else "",
                    f"{cost.rss:.0f}" if cost.rss else "",
                    "" if reads is None else f"{reads:.2f}",
                ]
            )  # fmt: skip
        return found


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", nargs="*", metavar="WHAT", help=f"of {', '.join(KINDS)}; all but tls"
    )
    parser.add_argument("--quick", action="store_true", help="small images, in some minutes")
    parser.add_argument("--mib", type=int, help="size of the image; 1024, with --quick less")
    parser.add_argument("--times", type=int, help="how often each is measured: 3, or 2")
    parser.add_argument("--to", type=int, action="append", help="destinations; may be repeated")
    parser.add_argument("--format", choices=["raw", "qcow2"], default="raw", help="glances")


def bench(given: argparse.Namespace) -> Tables:
    unknown = set(given.what) - set(KINDS)
    if unknown:
        raise SystemExit(f"{', '.join(sorted(unknown))}: choose from {', '.join(KINDS)}")
    sizes = dict.fromkeys(KINDS, given.mib or (QUICK if given.quick else 1024))
    if given.quick and not given.mib:
        sizes["glances"] = QUICK // 4
    given.times = given.times or (2 if given.quick else 3)
    missing = [name for name in ("curl", "qemu-img") if shutil.which(name) is None]
    if missing:
        raise SystemExit(f"{' and '.join(missing)} must be installed")
    figures = Figures()
    for kind in given.what or USUAL:
        given.mib = sizes[kind]
        yield from MEASURES[kind](given, figures)
    yield "targets", rows(targets(figures, sizes["plane"] * MIB))


def plane(given: argparse.Namespace, figures: Figures) -> Tables:
    """Against servers that discard: the clients are the limit."""
    with Discarding(given.mib) as bed:
        for count in given.to or ((1, 4, 8) if given.quick else (1, 2, 4, 8)):
            chosen: dict[str, Way] = {
                GLINT: ways.plane(), HASHING: ways.plane("sha512"), PIPE: ways.pipes_in_turn
            }  # fmt: skip
            if count == 1:
                chosen[LOOP] = ways.client("loop")
            else:
                chosen[AT_ONCE] = ways.pipes_at_once
            if count < 8 or not given.quick:
                chosen |= {CLIENT: ways.client("stream"), STORED: ways.client("store")}
            times = 1 if given.quick and count > 1 else given.times
            compare(figures, "plane", bed, count, chosen, times)
    yield "plane: servers that discard", figures.table("plane", bed.size, PIPE)


def tls(given: argparse.Namespace, figures: Figures) -> Tables:
    """The same with TLS on both legs; the servers are slower then, and share the processors."""
    with Discarding(given.mib, tls=True) as bed:
        for count in given.to or ((1, 4) if given.quick else (1, 2, 4, 8)):
            chosen: dict[str, Way] = {GLINT: ways.plane(), PIPE: ways.pipes_in_turn}
            if not given.quick:
                chosen[HASHING] = ways.plane("sha512")
            compare(figures, "tls", bed, count, chosen, 1 if given.quick else given.times)
    yield "tls: the same, TLS on both legs", figures.table("tls", bed.size, PIPE)


def compare(
    figures: Figures,
    kind: str,
    bed: Discarding,
    count: int,
    chosen: Mapping[str, Way],
    times: int,
) -> None:
    """All ways in turn, some times: what else the machine does hits all of them."""
    for _ in range(times):
        for name, way in chosen.items():
            with bed.task(count) as task:
                cost = way(task)
            figures.add((kind, count, name), cost, bed.reads())
            print(f"  {kind} {count} {name}: {cost.seconds:.2f} s", flush=True)


def slow(given: argparse.Namespace, figures: Figures) -> Tables:
    """One slow site among fast ones, and how long it holds these up."""
    table = [["grace s", "slow site MiB/s", "fast alone s", "fast beside it s", "held up s"]]
    grace, rate = 1.0, 10
    with Discarding(given.mib) as bed:
        for _ in range(1 if given.quick else given.times):
            with bed.task(3) as task:
                alone = ways.fast_of(task, 3, grace)
            with bed.task(3, rate) as task:
                beside = ways.fast_of(task, 3, grace)
            figures.single["slow"] = beside - alone
            figures.single["grace"] = grace
            row = [f"{grace:g}", str(rate), f"{alone:.2f}", f"{beside:.2f}"]
            table.append([*row, f"{beside - alone:.2f}"])
    yield "slow: one slow site beside three fast ones", table


def service(given: argparse.Namespace, figures: Figures) -> Tables:
    """What the whole service adds: to image services that cost nothing, real Keystones."""
    table = [["copy", "Save to active s", "data plane alone s", "overhead s"]]
    times = given.times
    with contextlib.ExitStack() as stack:
        bed = stack.enter_context(Discarding(given.mib))
        source = stack.enter_context(fake("--images", str(times + 1), "--size", str(given.mib)))
        minicloud = MiniCloud(bed.folder / "clouds", owned=True)
        stack.callback(minicloud.down)
        minicloud.up(say=lambda line: None)
        minicloud.set_endpoint("alto", "image", source)
        minicloud.set_endpoint("dair", "image", bed.sink)
        glint = stack.enter_context(Service(minicloud, bed.folder, [("dair", "hep-member", None)]))
        overheads = []
        for number, image in enumerate(glint.register(times + 1)):
            whole = glint.save(image, 1)
            with bed.task(1) as task:
                alone = ways.plane()(task).seconds
            if number:  # the first one also logs in and learns what the sites are
                overheads.append(whole - alone)
            name = f"{number}" if number else "first after the start"
            table.append([name, f"{whole:.2f}", f"{alone:.2f}", f"{whole - alone:.2f}"])
        figures.single["overhead"] = statistics.median(overheads)
        table.append(["peak RSS of glint-all, MiB", f"{glint.memory():.0f}", "", ""])
    yield "service: Save to active", table


def glances(given: argparse.Namespace, figures: Figures) -> Tables:
    """Real Glances, which are the limit: they hash what they take."""
    name = f"glances, {given.format}"
    with Glances() as bed:
        ident = bed.add(given.mib, given.format)
        with bed.task(ident, 1) as task:
            size = task.size
            ways.plane()(task)  # the servers' own first time
        with Service(bed.minicloud, bed.folder, bed.TARGETS) as glint:
            for count in given.to or ((1, 4) if given.quick else (1, 2, 4, 8)):
                compare_glances(given, figures, bed, glint, ident, count)
        figures.single["size"] = size
    yield name, figures.table("glances", size, PIPE)


def compare_glances(
    given: argparse.Namespace,
    figures: Figures,
    bed: Glances,
    glint: Service,
    ident: str,
    count: int,
) -> None:
    chosen: dict[str, Way] = {GLINT: ways.plane(), PIPE: ways.pipes_in_turn}
    if count > 1:
        chosen[AT_ONCE] = ways.pipes_at_once
    if count == 4 or (count == 1 and not given.quick):
        chosen[COMMAND] = ways.command_line
    if not given.quick:
        chosen |= {CLIENT: ways.client("stream"), STORED: ways.client("store")}
    for _ in range(1 if count > 1 or given.quick else given.times):
        for name, way in chosen.items():
            with bed.task(ident, count) as task:
                cost = way(task)
            figures.add(("glances", count, name), cost)
            print(f"  glances {count} {name}: {cost.seconds:.2f} s", flush=True)
    new = bed.add(given.mib, given.format)
    seconds = glint.save(glint.register()[-1], count)
    figures.add(("glances", count, SERVICE), Cost(seconds, 0.0, glint.memory()))
    bed.remove(new)


MEASURES = {"plane": plane, "tls": tls, "slow": slow, "service": service, "glances": glances}


def targets(figures: Figures, size: int) -> Sequence[Target]:
    """Those of the data plane; what they say is of this run only."""

    def cpu(count: int, way: str) -> float | None:
        cost = figures.of("plane", count, way)
        return None if cost is None else cost.cpu / size * 2**30

    def best(count: int) -> float | None:
        peers = [PIPE, CLIENT, STORED, COMMAND]
        found = [figures.ratio("glances", count, GLINT, peer) for peer in peers]
        return min((one for one in found if one is not None), default=None)

    four, one = figures.of("plane", 4, HASHING), figures.of("plane", 1, PIPE)
    eight = figures.of("plane", 8, HASHING)
    pipe = figures.ratio("glances", 1, PIPE, GLINT)
    loop = cpu(1, LOOP)
    floor = "" if loop is None else (
        f"the kernel's part is the machine's: one thread with one buffer needs {loop:.2f}"
    )  # fmt: skip
    hashing = f"sha512 alone is {ways.hash_cost():.2f} s/GiB of this processor"
    held = figures.single.get("slow")
    reads = [value for key, value in figures.reads.items() if key[2] in (GLINT, HASHING)]
    return [
        Target("source bytes read, any number of sites", max(reads, default=None), 1.0, False),
        Target("1 site, no hash, against curl | curl", figures.ratio("plane", 1, GLINT, PIPE), 2.0),
        Target(
            "4 sites, sha512, source bytes/s against curl | curl to one",
            one.seconds / four.seconds if one and four else None, 0.7, reason=hashing,
        ),
        Target("CPU, 1 site, no hash", cpu(1, GLINT), 0.40, False, "s/GiB", floor),
        Target("CPU, 4 sites, sha512", cpu(4, HASHING), 2.0, False, "s/GiB", hashing),
        Target("peak RSS, 8 sites", eight.rss if eight else None, 100, False, "MiB"),
        Target("slow site: fast ones held up", held, figures.single.get("grace", 0) + 0.5, False,
               "s"),
        Target("Save to active, overhead", figures.single.get("overhead"), 0.5, False, "s"),
        Target("real Glance, 1 site, wall against curl | curl", pipe, 1.05, False),
        Target("real Glances, 4 sites, against the best peer in turn", best(4), 1.8),
        Target(
            "real Glances, 4 sites, against openstack save + create",
            figures.ratio("glances", 4, GLINT, COMMAND), 3.0,
        ),
    ]  # fmt: skip
