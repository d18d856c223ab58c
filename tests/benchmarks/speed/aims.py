"""The aims, each compared with what was measured. Nothing is asserted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.speed.cells import FEW
from tests.benchmarks.speed.footprint import ALL_ADAPTERS, EMBEDDED, READY, unit_of
from tests.benchmarks.speed.results import Results, Sample
from tests.benchmarks.speed.sides import TWO_WORKERS, WITH_FULL_LIMIT

DATABASES: Final = ("sqlite", "mongodb")
SCENARIOS_BY_RECORDS: Final = ("me", "own page")
_MIN_RATIOS: Final[Mapping[str, tuple[float, float]]] = {
    "live": (0.5, 0.5),
    "me": (0.28, 0.26),
    "own page": (0.1, 0.04),
    "wrong code": (0.06, 0.025),
    "request code": (0.05, 0.02),
}
"""The lowest rates on SQLite and MongoDB, divided by that of a bare Litestar handler."""
_MAX_P99_RATIOS: Final = (4, 6)
"""The highest p99 on SQLite and MongoDB, divided by the median."""
_MAX_FOOTPRINTS: Final = {EMBEDDED: (100, 2), ALL_ADAPTERS: (150, 4)}
"""The highest memory of the parent and of a worker, and the time until it is ready."""


@dataclass(frozen=True, slots=True)
class Aim:
    """An aim and its result. Most are lowest values, some are highest values."""

    text: str
    value: float
    bound: float
    is_highest: bool = False
    unit: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the measured value is within the bound."""
        return self.value <= self.bound if self.is_highest else self.value >= self.bound


def compare(results: Results) -> Iterator[Aim]:
    """Yield each aim whose sides were measured."""
    for number, side in enumerate(DATABASES):
        yield from _compare_rates(results, side, number)
        yield from _compare_latencies(results, side, _MAX_P99_RATIOS[number])
        yield from _compare_rejections(results, side)
        yield from _compare_records(results, side)
        yield from _compare_workers(results, side)
    yield from _compare_with_flask(results)
    yield from _compare_uploads(results)
    yield from _compare_footprints(results)
    errors = sum(sample.errors for sample in results.samples)
    yield Aim("errors of all scenarios", errors, 0, is_highest=True)


def _compare_rates(results: Results, side: str, number: int) -> Iterator[Aim]:
    floor = results.find("litestar", "live", FEW)
    for scenario, bounds in _MIN_RATIOS.items():
        sample = results.find(side, scenario, FEW)
        if sample and floor:
            yield Aim(f"{scenario} on {side} / litestar", sample.rate / floor.rate, bounds[number])


def _compare_latencies(results: Results, side: str, bound: float) -> Iterator[Aim]:
    for scenario in _MIN_RATIOS:
        sample = results.find(side, scenario, FEW)
        if sample and scenario != "live":
            ratio = sample.p99_ms / sample.p50_ms
            yield Aim(f"p99 / median of {scenario} on {side}", ratio, bound, is_highest=True)


def _compare_rejections(results: Results, side: str) -> Iterator[Aim]:
    rejected = results.find(side + WITH_FULL_LIMIT, "rejected request", FEW)
    accepted = results.find(side, "request code", FEW)
    if rejected and accepted:
        text = f"CPU time of a rejected request / of an accepted one on {side}"
        yield Aim(text, rejected.cpu_us / accepted.cpu_us, 1.2, is_highest=True)


def _compare_records(results: Results, side: str) -> Iterator[Aim]:
    for scenario in SCENARIOS_BY_RECORDS:
        rates = [one.rate for one in list_by_records(results, side, scenario)]
        if rates:
            text = f"highest / lowest rate of {scenario} on {side}, 10^3 to 10^6 users"
            yield Aim(text, max(rates) / min(rates), 1.5, is_highest=True)


def _compare_workers(results: Results, side: str) -> Iterator[Aim]:
    one, two = (results.find(name, "me", FEW) for name in (side, side + TWO_WORKERS))
    if one and two:
        ratio = 2 * one.cpu_us / two.cpu_us
        yield Aim(f"2 workers / 1 worker by CPU time of me on {side}", ratio, 1.6)


def _compare_with_flask(results: Results) -> Iterator[Aim]:
    sample, flask = (results.find(side, "me", FEW) for side in ("mongodb", "flask"))
    if sample and flask:
        yield Aim("me on mongodb / me on flask", sample.rate / flask.rate, 7)


def _compare_uploads(results: Results) -> Iterator[Aim]:
    upload, alone = (_find_any(results, side, "upload") for side in ("sqlite", "pillow"))
    if upload and alone:
        yield Aim("uploads of 2 MB / Pillow alone", upload.rate / alone.rate, 0.85)


def _compare_footprints(results: Results) -> Iterator[Aim]:
    for side, figures in results.footprints.items():
        memory, ready = _MAX_FOOTPRINTS[side]
        for name, bound in (("worker RSS", memory), ("parent RSS", memory), (READY, ready)):
            if name in figures:
                text, unit = f"{name}, {side}", unit_of(name)
                yield Aim(text, figures[name], bound, is_highest=True, unit=unit)


def list_by_records(results: Results, side: str, scenario: str) -> list[Sample]:
    """Return the samples of a scenario by the number of records."""
    found = [one for one in results.samples if one.records]
    return [one for one in found if (one.side, one.scenario) == (side, scenario)]


def _find_any(results: Results, side: str, scenario: str) -> Sample | None:
    found = (one for one in results.samples if (one.side, one.scenario) == (side, scenario))
    return next(found, None)
