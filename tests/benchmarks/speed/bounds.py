"""The bounds, each compared with what was measured. Nothing is asserted.

`SPEED` was measured once, and its bounds are a fifth worse, so that a regression shows.
`python -m tests.benchmarks.speed.bounds` prints this table with the latest results.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.speed.cells import FEW
from tests.benchmarks.speed.footprint import ALL_ADAPTERS, EMBEDDED, READY, unit_of
from tests.benchmarks.speed.results import Results, Sample, find_latest, read_results
from tests.benchmarks.speed.sides import TWO_WORKERS, WITH_FULL_LIMIT

DATABASES: Final = ("sqlite", "postgresql", "mongodb")
SCENARIOS_BY_RECORDS: Final = ("me", "own page")
MARGIN: Final = 0.2
"""By how much a rate may be below what was measured, and a count above."""
SPEED: Final[Mapping[str, float]] = {
    "live on sqlite / litestar": 0.531,
    "me on sqlite / litestar": 0.205,
    "own page on sqlite / litestar": 0.075,
    "request code on sqlite / litestar": 0.032,
    "wrong code on sqlite / litestar": 0.039,
    "sign-in on sqlite / litestar": 0.019,
    "live on postgresql / litestar": 0.436,
    "me on postgresql / litestar": 0.199,
    "own page on postgresql / litestar": 0.0345,
    "request code on postgresql / litestar": 0.0345,
    "wrong code on postgresql / litestar": 0.0368,
    "sign-in on postgresql / litestar": 0.0102,
    "live on mongodb / litestar": 0.446,
    "me on mongodb / litestar": 0.108,
    "own page on mongodb / litestar": 0.015,
    "request code on mongodb / litestar": 0.011,
    "wrong code on mongodb / litestar": 0.014,
    "sign-in on mongodb / litestar": 0.0087,
    "documents written per sign-in on mongodb": 20.1,
    "me on mongodb / me on flask": 3.18,
    "uploads of 2 MB / Pillow alone": 0.903,
}
"""What the full form measured, and the short one for PostgreSQL and sign-ins.

On another machine, these differ less than the rates.
"""
_SCENARIOS: Final = ("live", "me", "own page", "request code", "wrong code", "sign-in")
_SCENARIOS_BY_LATENCY: Final = ("me", "own page", "request code", "wrong code")
"""A sign-in has two requests, and each has a median of its own."""
_MAX_P99_RATIOS: Final = {"sqlite": 4, "postgresql": 6, "mongodb": 6}
"""The highest p99, divided by the median."""
_MAX_FOOTPRINTS: Final = {EMBEDDED: (100, 2), ALL_ADAPTERS: (150, 4)}
"""The highest memory of the parent and of a worker, and the time until it is ready."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and its bound, which is a lowest or a highest value."""

    text: str
    value: float
    bound: float
    is_highest: bool = False
    unit: str = ""

    @property
    def is_within(self) -> bool:
        """Whether the measured value is within the bound."""
        return self.value <= self.bound if self.is_highest else self.value >= self.bound


def compare(results: Results) -> Iterator[Figure]:
    """Yield each figure whose sides were measured."""
    for side in DATABASES:
        yield from _compare_rates(results, side)
        yield from _compare_latencies(results, side)
        yield from _compare_rejections(results, side)
        yield from _compare_records(results, side)
        yield from _compare_workers(results, side)
    yield from _compare_documents(results)
    yield from _compare_with_flask(results)
    yield from _compare_uploads(results)
    yield from _compare_footprints(results)
    errors = sum(sample.errors for sample in results.samples)
    yield Figure("errors of all scenarios", errors, 0, is_highest=True)


def _rate(text: str, value: float) -> Figure:
    return Figure(text, value, SPEED[text] * (1 - MARGIN))


def _compare_rates(results: Results, side: str) -> Iterator[Figure]:
    floor = results.find("litestar", "live", FEW)
    for scenario in _SCENARIOS:
        sample = results.find(side, scenario, FEW)
        if sample and floor:
            yield _rate(f"{scenario} on {side} / litestar", sample.rate / floor.rate)


def _compare_latencies(results: Results, side: str) -> Iterator[Figure]:
    for scenario in _SCENARIOS_BY_LATENCY:
        if sample := results.find(side, scenario, FEW):
            ratio = sample.p99_ms / sample.p50_ms
            text = f"p99 / median of {scenario} on {side}"
            yield Figure(text, ratio, _MAX_P99_RATIOS[side], is_highest=True)


def _compare_rejections(results: Results, side: str) -> Iterator[Figure]:
    rejected = results.find(side + WITH_FULL_LIMIT, "rejected request", FEW)
    accepted = results.find(side, "request code", FEW)
    if rejected and accepted:
        text = f"CPU time of a rejected request / of an accepted one on {side}"
        yield Figure(text, rejected.cpu_us / accepted.cpu_us, 1.2, is_highest=True)


def _compare_records(results: Results, side: str) -> Iterator[Figure]:
    for scenario in SCENARIOS_BY_RECORDS:
        rates = [one.rate for one in list_by_records(results, side, scenario)]
        if rates:
            text = f"highest / lowest rate of {scenario} on {side}, 10^3 to 10^6 users"
            yield Figure(text, max(rates) / min(rates), 1.5, is_highest=True)


def _compare_workers(results: Results, side: str) -> Iterator[Figure]:
    one, two = (results.find(name, "me", FEW) for name in (side, side + TWO_WORKERS))
    if one and two:
        ratio = 2 * one.cpu_us / two.cpu_us
        yield Figure(f"2 workers / 1 worker by CPU time of me on {side}", ratio, 1.6)


def _compare_documents(results: Results) -> Iterator[Figure]:
    if results.documents_per_sign_in is not None:
        text = "documents written per sign-in on mongodb"
        bound = SPEED[text] * (1 + MARGIN)
        yield Figure(text, results.documents_per_sign_in, bound, is_highest=True)


def _compare_with_flask(results: Results) -> Iterator[Figure]:
    sample, flask = (results.find(side, "me", FEW) for side in ("mongodb", "flask"))
    if sample and flask:
        yield _rate("me on mongodb / me on flask", sample.rate / flask.rate)


def _compare_uploads(results: Results) -> Iterator[Figure]:
    upload, alone = (_find_any(results, side, "upload") for side in ("sqlite", "pillow"))
    if upload and alone:
        yield _rate("uploads of 2 MB / Pillow alone", upload.rate / alone.rate)


def _compare_footprints(results: Results) -> Iterator[Figure]:
    for side, figures in results.footprints.items():
        memory, ready = _MAX_FOOTPRINTS[side]
        for name, bound in (("worker RSS", memory), ("parent RSS", memory), (READY, ready)):
            if name in figures:
                text, unit = f"{name}, {side}", unit_of(name)
                yield Figure(text, figures[name], bound, is_highest=True, unit=unit)


def list_by_records(results: Results, side: str, scenario: str) -> list[Sample]:
    """Return the samples of a scenario by the number of records."""
    found = [one for one in results.samples if one.records]
    return [one for one in found if (one.side, one.scenario) == (side, scenario)]


def _find_any(results: Results, side: str, scenario: str) -> Sample | None:
    found = (one for one in results.samples if (one.side, one.scenario) == (side, scenario))
    return next(found, None)


if __name__ == "__main__":
    measured = {figure.text: figure.value for figure in compare(read_results(find_latest()))}
    for text in SPEED:
        if text in measured:
            print(f'    "{text}": {measured[text]:.3g},')
