"""The aims, each compared with what was measured. Nothing is asserted."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.speed.footprint import ALL_ADAPTERS, EMBEDDED, READY, unit_of
from tests.benchmarks.speed.results import Results, Sample

CONNECTIONS: Final = (32, 256)
DATABASES: Final = ("sqlite", "mongodb")


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
    for connections in CONNECTIONS:
        yield from _compare_rates(results, connections)
        yield from _compare_latencies(results, connections)
    yield from _compare_uploads(results)
    yield from _compare_records(results)
    yield from _compare_errors(results)
    yield from _compare_workers(results)
    yield from _compare_footprints(results)


def _compare_rates(results: Results, connections: int) -> Iterator[Aim]:
    for side, scenario, base, base_scenario, bound in _ratios():
        sample = results.find(side, scenario, connections)
        other = results.find(base, base_scenario, connections)
        if sample and other:
            text = f"{scenario} on {side} / {base_scenario} on {base}"
            yield Aim(f"{text}, {connections} connections", sample.rate / other.rate, bound)


def _ratios() -> Iterator[tuple[str, str, str, str, float]]:
    """Yield each side and scenario, those that it is compared with, and the lowest ratio."""
    for database, lowest_me in zip(DATABASES, (0.40, 0.35), strict=True):
        for side in (database, f"{database}, no log"):
            yield side, "live", "litestar", "live", 0.75
            for scenario in ("me", "me, short tokens"):
                yield side, scenario, "litestar", "live", lowest_me
        yield database, "library", "litestar", "live", 0.20
    for scenario, lowest in (("wrong code", 0.12), ("request code", 0.08)):
        yield "sqlite", scenario, "litestar", "live", lowest
        yield "mongodb", scenario, "sqlite", scenario, 0.5
    for scenario in ("me", "me, short tokens"):
        yield "mongodb", scenario, "flask", "me", 8


def _compare_latencies(results: Results, connections: int) -> Iterator[Aim]:
    suffix = f"{connections} connections"
    for scenario in ("me", "me, short tokens"):
        sqlite, mongodb = (results.find(name, scenario, connections) for name in DATABASES)
        motor = results.find("motor", "me", connections)
        if sqlite:
            ratio = sqlite.p99_ms / sqlite.p50_ms
            yield Aim(f"p99 / median of {scenario} on sqlite, {suffix}", ratio, 3, is_highest=True)
        if mongodb and motor:
            text = f"p99 of {scenario} on mongodb / of the same read by motor, {suffix}"
            yield Aim(text, mongodb.p99_ms / motor.p99_ms, 1, is_highest=True)


def _compare_uploads(results: Results) -> Iterator[Aim]:
    upload, alone = (_find_any(results, side, "upload") for side in ("sqlite", "pillow"))
    if upload and alone:
        yield Aim("uploads of 2 MB / Pillow alone", upload.rate / alone.rate, 0.85)


def _compare_records(results: Results) -> Iterator[Aim]:
    for side in DATABASES:
        for scenario in ("me", "library"):
            rates = [one.rate for one in list_by_records(results, side, scenario)]
            if rates:
                text = f"highest / lowest rate of {scenario} on {side}, 10^3 to 10^6 records"
                yield Aim(text, max(rates) / min(rates), 1.5, is_highest=True)


def _compare_errors(results: Results) -> Iterator[Aim]:
    for sample in results.samples:
        if sample.connections == 512:
            text = f"errors of {sample.scenario} on {sample.side}, 512 connections"
            yield Aim(text, sample.errors, 0, is_highest=True)


def _compare_workers(results: Results) -> Iterator[Aim]:
    for side in DATABASES:
        one, two = (results.find(name, "me", 32) for name in (side, f"{side}, 2 workers"))
        if one and two:
            ratio = 2 * one.cpu_us / two.cpu_us
            yield Aim(f"2 workers / 1 worker by CPU time of me on {side}", ratio, 1.6)


def _compare_footprints(results: Results) -> Iterator[Aim]:
    for side, figures in results.footprints.items():
        worker, ready = {EMBEDDED: (110, 1.5), ALL_ADAPTERS: (150, 2.5)}[side]
        for name, bound in (("worker RSS", worker), ("parent RSS", 40), (READY, ready)):
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
