"""What was measured, as JSON."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import median
from typing import Any

FOLDER = Path("var/bench")


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one scenario. `cpu_us` is the CPU time of the side for each response."""

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


@dataclass(frozen=True, slots=True)
class Results:
    """The medians of all rounds, and where they were measured."""

    machine: dict[str, Any]
    samples: Sequence[Sample]
    footprints: Mapping[str, Mapping[str, float]]
    """Of each service at rest: memory in MB by process and kind, and seconds until it is ready."""

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
    )


def find_latest() -> Path:
    """Return the folder of the latest results."""
    folders = sorted(path.parent for path in FOLDER.glob("*/results.json"))
    if not folders:
        raise SystemExit("There are no results: `make bench ARGS=speed` first.")
    return folders[-1]


def medians(samples: Iterable[Sample]) -> list[Sample]:
    """Return the medians of the rounds, and the sums of responses and errors."""
    rounds: defaultdict[tuple[str, str, int, int], list[Sample]] = defaultdict(list)
    for sample in samples:
        rounds[_key(sample)].append(sample)
    return [_median(runs) for runs in rounds.values()]


def _median(runs: Sequence[Sample]) -> Sample:
    values = {
        field.name: median(getattr(run, field.name) for run in runs)
        for field in fields(Sample)
        if field.type is float
    }
    sums = {name: sum(getattr(run, name) for run in runs) for name in ("responses", "errors")}
    side, scenario, connections, records = _key(runs[0])
    return Sample(side, scenario, connections, records=records, **sums, **values)


def _key(sample: Sample) -> tuple[str, str, int, int]:
    return sample.side, sample.scenario, sample.connections, sample.records
