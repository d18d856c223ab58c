"""Measure all sides in turn: the speed benchmark."""

import os
import platform
import subprocess
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.benchmarks.databases import open_databases
from tests.benchmarks.speed.bounds import DATABASES
from tests.benchmarks.speed.cells import FEW, Cell, HttpCell, SignIns
from tests.benchmarks.speed.documents import count_documents
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
from tests.benchmarks.speed.sides import SIGN_IN, TWO_WORKERS, open_sides
from tests.benchmarks.speed.stolen_time import StolenTime
from tests.benchmarks.speed.wrk import find_wrk

LONE: Final = 1
MANY: Final = 256
UPLOADS_AT_ONCE: Final = 4
CODES: Final = ("request code", "wrong code", "rejected request")
MEASURED_ALONE: Final = ("live", "me", "own page")


@dataclass(frozen=True, slots=True)
class Form:
    """How long and how often is measured."""

    name: str
    rounds: int
    upload_seconds: int
    starts: int
    is_full: bool


SHORT: Final = Form("short", rounds=3, upload_seconds=2, starts=1, is_full=False)
# Many short rounds: the speed of the machine changes within minutes.
FULL: Final = Form("full", rounds=7, upload_seconds=3, starts=3, is_full=True)


def measure_speed(
    folder: Path, form: Form, database_names: Collection[str], output: Path | None
) -> None:
    """Measure, and write results, table and plots to a folder."""
    find_wrk()
    began_at = time.perf_counter()
    machine = _describe_machine(form)
    stolen_time = StolenTime()
    output = output or FOLDER / datetime.now(UTC).strftime("%Y-%m-%d-%H%M%S")
    output.mkdir(parents=True, exist_ok=True)
    samples: list[Sample] = []
    footprints = {}
    with open_databases(folder, database_names) as databases:
        for side, figures in measure_footprints(folder / "footprint", databases, form.starts):
            footprints[side] = figures
            print(side, ", ".join(f"{name} {value:.2f}" for name, value in figures.items()))
        with open_sides(folder, databases, is_full=form.is_full) as cells:
            print(f"all sides run after {time.perf_counter() - began_at:.0f} s")
            samples.extend(_measure_in_turn(cells, form))
            documents = _count_documents(cells)
        if form.is_full:
            samples.extend(
                _show(sample, f"{sample.records:,} records")
                for sample in measure_records(folder / "records", databases, form.rounds)
            )
    machine["load_after"] = os.getloadavg()[0]
    machine["stolen_percent"] = stolen_time.percent
    machine["left_out"] = [len(samples) - len(leave_out_disturbed(samples)), len(samples)]
    machine["seconds"] = round(time.perf_counter() - began_at)
    results = Results(machine, combine_rounds(samples), footprints, documents)
    results.write(output)
    print(f"\n{write_report(results, output)}")
    print(f"{machine['seconds']} s; results, table and plots are in {output}")


def _measure_in_turn(cells: Sequence[Cell], form: Form) -> Iterator[Sample]:
    for cell in cells:
        if isinstance(cell, HttpCell) and cell.scenario != "upload":
            cell.warm_up()
    for number in range(1, form.rounds + 1):
        for cell in cells:
            for connections in _connections(cell, form):
                seconds = _seconds(cell, connections, form)
                yield _show(cell.measure(connections, seconds), f"round {number}")


def _count_documents(cells: Sequence[Cell]) -> float | None:
    for cell in cells:
        if isinstance(cell, SignIns) and cell.side == "mongodb":
            documents = count_documents(cell)
            print(f"{documents:.2f} documents written per sign-in on mongodb")
            return documents
    return None


def _seconds(cell: Cell, connections: int, form: Form) -> int:
    if cell.scenario == "upload":
        return form.upload_seconds
    if cell.scenario == SIGN_IN:
        # The codes that are not verified yet at the end have taken their time.
        return 4
    # A p99 needs some responses more than a median. Besides, what has not finished at the end is
    # not counted, but has taken its CPU time.
    if cell.scenario in CODES:
        return 3 if connections == MANY else 2
    # The figure of two workers is a quotient of two CPU times, whose errors add up.
    is_of_workers = cell.side.removesuffix(TWO_WORKERS) in DATABASES and connections == FEW
    return 2 if form.is_full and cell.scenario == "me" and is_of_workers else 1


def _connections(cell: Cell, form: Form) -> Sequence[int]:
    if cell.scenario == "upload":
        return [UPLOADS_AT_ONCE]
    if cell.scenario == SIGN_IN:
        return [FEW]
    is_measured_alone = cell.side in ("litestar", *DATABASES) and cell.scenario in MEASURED_ALONE
    lone = [LONE] if is_measured_alone else []
    return [*lone, FEW, MANY] if form.is_full else [*lone, FEW]


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
