"""Measure all sides in turn: the speed benchmark."""

import os
import platform
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.benchmarks.databases import open_databases
from tests.benchmarks.speed.aims import DATABASES
from tests.benchmarks.speed.cells import Cell, HttpCell
from tests.benchmarks.speed.footprint import measure_footprints
from tests.benchmarks.speed.records import measure_records
from tests.benchmarks.speed.report import write_report
from tests.benchmarks.speed.results import (
    FOLDER,
    Results,
    Sample,
    combine_rounds,
    leave_out_disturbed,
)
from tests.benchmarks.speed.sides import TWO_WORKERS, USERS, open_sides
from tests.benchmarks.speed.stolen_time import StolenTime
from tests.benchmarks.speed.wrk import find_wrk

FEW: Final = 32
MANY: Final = 256
MAX_CONNECTIONS: Final = 512
UPLOADS_AT_ONCE: Final = 4
WARM_UPS_OF_TWO_WORKERS: Final = 6
CODES: Final = ("request code", "wrong code")
COMPARED_WITH_MANY: Final = (*DATABASES, "flask", "motor")


@dataclass(frozen=True, slots=True)
class Form:
    """How long and how often is measured."""

    name: str
    rounds: int
    seconds: int
    upload_seconds: int
    starts: int
    senders: int
    with_max_connections: Sequence[str]
    max_connections_seconds: int
    is_full: bool


SHORT: Final = Form(
    "short",
    rounds=2,
    seconds=1,
    upload_seconds=2,
    starts=1,
    senders=1_000,
    with_max_connections=["me"],
    max_connections_seconds=2,
    is_full=False,
)
FULL: Final = Form(
    "full",
    # Many short rounds: the speed of the machine changes within minutes.
    rounds=7,
    seconds=1,
    upload_seconds=3,
    starts=3,
    senders=USERS,
    with_max_connections=["me", "library"],
    max_connections_seconds=4,
    is_full=True,
)


def measure_speed(folder: Path, form: Form, output: Path | None) -> None:
    """Measure, and write results, table and plots to a folder."""
    find_wrk()
    began_at = time.perf_counter()
    machine = _describe_machine(form)
    stolen_time = StolenTime()
    output = output or FOLDER / datetime.now(UTC).strftime("%Y-%m-%d-%H%M%S")
    output.mkdir(parents=True, exist_ok=True)
    samples: list[Sample] = []
    footprints = {}
    with open_databases(folder) as databases:
        for side, figures in measure_footprints(folder / "footprint", databases, form.starts):
            footprints[side] = figures
            print(side, ", ".join(f"{name} {value:.2f}" for name, value in figures.items()))
        with open_sides(folder, databases, form.senders, is_full=form.is_full) as cells:
            print(f"all sides run after {time.perf_counter() - began_at:.0f} s")
            samples.extend(_measure_in_turn(cells, form))
        if form.is_full:
            samples.extend(
                _show(sample, f"{sample.records:,} records")
                for sample in measure_records(folder / "records", databases, form.rounds)
            )
    machine["load_after"] = os.getloadavg()[0]
    machine["stolen_percent"] = stolen_time.percent
    machine["left_out"] = [len(samples) - len(leave_out_disturbed(samples)), len(samples)]
    machine["seconds"] = round(time.perf_counter() - began_at)
    results = Results(machine, combine_rounds(samples), footprints)
    results.write(output)
    print(f"\n{write_report(results, output)}")
    print(f"{machine['seconds']} s; results, table and plots are in {output}")


def _measure_in_turn(cells: Sequence[Cell], form: Form) -> Iterator[Sample]:
    for cell in cells:
        # Otherwise the first round would measure empty caches. Each worker has its own, and gets
        # the requests of some connections: so often, it gets nearly all of them.
        times = WARM_UPS_OF_TWO_WORKERS if cell.side.endswith(TWO_WORKERS) else 1
        # The Flask service has no cache, so any request warms it.
        tokens = 1 if cell.side == "flask" else times * form.senders
        while isinstance(cell, HttpCell) and cell.needs_warm_up(tokens):
            sample = cell.measure(FEW, 1)
            if sample.errors:
                raise SystemExit(f"errors before the first round: {sample}")
    for number in range(1, form.rounds + 1):
        for cell in cells:
            for connections in _connections(cell, form):
                seconds = _seconds(cell, connections, form)
                yield _show(cell.measure(connections, seconds), f"round {number}")
    for cell in cells:
        if cell.side in DATABASES and cell.scenario in form.with_max_connections:
            yield _show(cell.measure(MAX_CONNECTIONS, form.max_connections_seconds), "once")


def _seconds(cell: Cell, connections: int, form: Form) -> int:
    # What has not finished at the end is not counted, but has taken its CPU time.
    if cell.scenario == "upload":
        return form.upload_seconds
    # The aim of two workers is a quotient of two CPU times, whose errors add up.
    is_of_workers = cell.side.removesuffix(TWO_WORKERS) in DATABASES and connections == FEW
    if form.is_full and cell.scenario == "me" and is_of_workers:
        return form.seconds * 2
    return form.seconds * 3 if cell.scenario in CODES and connections == MANY else form.seconds


def _connections(cell: Cell, form: Form) -> Sequence[int]:
    if cell.scenario == "upload":
        return [UPLOADS_AT_ONCE]
    is_compared = cell.side == "litestar" or (
        cell.scenario == "me" and cell.side in COMPARED_WITH_MANY
    )
    return [FEW, MANY] if form.is_full or is_compared else [FEW]


def _show(sample: Sample, label: str) -> Sample:
    print(
        f"{label:<18}{sample.side:<20}{sample.scenario:<18}{sample.connections:>4}"
        f"{sample.rate:>9,.0f}/s{sample.cpu_us:>9,.0f} us{sample.p50_ms:>9.2f}"
        f"{sample.p99_ms:>9.2f} ms{sample.stolen_percent:>6.0f} % stolen"
        f"{f'  {sample.errors} errors' if sample.errors else ''}",
        flush=True,
    )
    return sample


def _describe_machine(form: Form) -> dict[str, object]:
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "form": form.name,
        "began_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
    }
