"""Measure this checkout and another commit in turn: `make bench-compare BASE=main`.

The exit code is 1 if a scenario is slower than the base by more than a tenth, twice.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Final

from tests.benchmarks.databases import open_databases
from tests.benchmarks.speed.cells import FEW, HttpCell
from tests.benchmarks.speed.processes import THIS_TREE, Tree, run_program
from tests.benchmarks.speed.sides import seed_service

LOWEST: Final = 0.9
ROUNDS: Final = 5
SECONDS: Final = 1
USERS: Final = 20_000
LIBRARIES: Final = 500
_LOCK: Final = "requirements.lock"


@contextmanager
def checked_out(ref: str, folder: Path) -> Iterator[Tree]:
    """Check a commit out; if its lock is another, its packages are installed beside it."""
    path = folder / "base"
    git = ["git", "-C", str(THIS_TREE.path), "worktree"]
    run_program([*git, "add", "--quiet", "--detach", str(path), ref])
    try:
        if (path / _LOCK).read_bytes() == (THIS_TREE.path / _LOCK).read_bytes():
            yield Tree(path)
            return
        print(f"installing the packages of {ref}")
        python = path / ".venv/bin/python"
        run_program([sys.executable, "-I", "-m", "venv", str(path / ".venv")])
        pip = [str(python), "-I", "-m", "pip", "install", "--quiet", "--no-input"]
        run_program([*pip, "--require-hashes", f"--requirement={path / _LOCK}"])
        run_program([*pip, "--no-deps", "--no-build-isolation", f"--editable={path}"])
        yield Tree(path, python)
    finally:
        run_program([*git, "remove", "--force", str(path)])


def measure_ratio(cells: Mapping[str, HttpCell]) -> float:
    """Return the rate of the new side divided by that of the old one, in all rounds."""

    def rate(side: str) -> float:
        sample = cells[side].measure(FEW, SECONDS)
        if sample.errors:
            raise SystemExit(f"{sample.errors} errors: {sample}")
        return sample.rate

    # The order changes with each round, because the machine may get slower or faster.
    pairs = (("new", "old"), ("old", "new"))
    rounds = [{side: rate(side) for side in pairs[number % 2]} for number in range(ROUNDS)]
    new, old = (fmean(rates[side] for rates in rounds) for side in ("new", "old"))
    return new / old


def compare(ref: str, folder: Path) -> int:
    """Print the ratio of each scenario and return the exit code."""
    slower = []
    with ExitStack() as stack:
        databases = stack.enter_context(open_databases(folder))
        trees = {"old": stack.enter_context(checked_out(ref, folder)), "new": THIS_TREE}
        for database, create in databases.items():
            name = database.lower()
            cells: dict[str, list[HttpCell]] = {}
            for side, tree in trees.items():
                service = seed_service(
                    f"{name} {side}",
                    folder / f"{name}-{side}",
                    stack.enter_context(create()),
                    tree,
                    users=USERS,
                    senders=USERS,
                    libraries=LIBRARIES,
                )
                stack.enter_context(service.process)
                cells[side] = service.cells()
            for new, old in zip(cells["new"], cells["old"], strict=True):
                pair = {"new": new, "old": old}
                for cell in pair.values():
                    cell.warm_up()
                ratio = measure_ratio(pair)
                if ratio < LOWEST:
                    ratio = max(ratio, measure_ratio(pair))
                print(f"{name:<10}{new.scenario:<20}new / old {ratio:.2f}", flush=True)
                if ratio < LOWEST:
                    slower.append(f"{new.scenario} on {name}")
    print(f"slower than {ref}: {', '.join(slower) or 'nothing'}")
    return 1 if slower else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make bench-compare", description=__doc__)
    parser.add_argument("base", help="a commit, e.g. main")
    with TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        sys.exit(compare(parser.parse_args().base, Path(temporary)))
