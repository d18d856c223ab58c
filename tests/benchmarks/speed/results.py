"""What was measured, as JSON."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean, median
from typing import Any, Final

FOLDER = Path("var/bench")
MAX_STOLEN_PERCENT: Final = 5
"""A round in which the host took more of the time is left out."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one scenario. `cpu_us` is the CPU time of the side for each response.

    `stolen_percent` is how much of the time the host took for others.
    """

    side: str
    scenario: str
    connections: int
    responses: int
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    errors: int = 0
    records: int = 0
    stolen_percent: float = 0


@dataclass(frozen=True, slots=True)
class Results:
    """What was measured in all rounds, and where."""

    machine: dict[str, Any]
    samples: Sequence[Sample]
    footprints: Mapping[str, Mapping[str, float]]
    """Of each service at rest: memory in MB by process and kind, and seconds until it is ready."""
    documents_per_sign_in: float | None = None
    """How many documents MongoDB writes for a sign-in. None if it was not measured."""

    def find(self, side: str, scenario: str, connections: int, records: int = 0) -> Sample | None:
        """Return the sample of this run, or None if it was not measured."""
        wanted = (side, scenario, connections, records)
        found = (sample for sample in self.samples if _key(sample) == wanted)
        return next(found, None)

    def write(self, folder: Path) -> None:
        """Write `results.json` into a folder."""
        text = json.dumps(asdict(self), indent=1)
        (folder / "results.json").write_text(text + "\n", encoding="utf-8")


def read_results(folder: Path) -> Results:
    """Read what `Results.write` wrote."""
    document = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return Results(
        document["machine"],
        [Sample(**sample) for sample in document["samples"]],
        document["footprints"],
        document.get("documents_per_sign_in"),
    )


def find_latest() -> Path:
    """Return the folder of the latest results."""
    folders = sorted(path.parent for path in FOLDER.glob("*/results.json"))
    if not folders:
        raise SystemExit("There are no results: `make bench ARGS=speed` first.")
    return folders[-1]


def combine_rounds(samples: Iterable[Sample]) -> list[Sample]:
    """Return one sample for all rounds of the same load that the host did not disturb.

    Rates and CPU times are means: a machine that others use has fast and slow seconds, and a
    median of a few rounds is one or the other. Latencies are medians; responses and errors, sums.
    """
    return [_combine(runs) for runs in _group(leave_out_disturbed(samples))]


def leave_out_disturbed(samples: Iterable[Sample]) -> list[Sample]:
    """Leave out the rounds in which the host took the time, but at most half of each load's.

    The choice depends on the stolen time alone, and not on what was measured. Rounds with errors
    stay.
    """
    return [run for runs in _group(samples) for run in _undisturbed(runs)]


def _undisturbed(runs: Sequence[Sample]) -> list[Sample]:
    kept = -(-len(runs) // 2)
    highest = sorted(run.stolen_percent for run in runs)[kept - 1]
    limit = max(highest, MAX_STOLEN_PERCENT)
    return [run for run in runs if run.stolen_percent <= limit or run.errors]


def _group(samples: Iterable[Sample]) -> Iterable[list[Sample]]:
    rounds: defaultdict[tuple[str, str, int, int], list[Sample]] = defaultdict(list)
    for sample in samples:
        rounds[_key(sample)].append(sample)
    return rounds.values()


def _combine(runs: Sequence[Sample]) -> Sample:
    responses = sum(run.responses for run in runs)
    return replace(
        runs[0],
        responses=responses,
        rate=fmean(run.rate for run in runs),
        p50_ms=median(run.p50_ms for run in runs),
        p99_ms=median(run.p99_ms for run in runs),
        cpu_us=sum(run.cpu_us * run.responses for run in runs) / max(1, responses),
        errors=sum(run.errors for run in runs),
        stolen_percent=fmean(run.stolen_percent for run in runs),
    )


def _key(sample: Sample) -> tuple[str, str, int, int]:
    return sample.side, sample.scenario, sample.connections, sample.records
