"""The table and the plots of results."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.plots import render_bars
from tests.benchmarks.speed.bounds import (
    DATABASES,
    SCENARIOS_BY_RECORDS,
    compare,
    list_by_records,
)
from tests.benchmarks.speed.cells import FEW
from tests.benchmarks.speed.footprint import READY, unit_of
from tests.benchmarks.speed.results import Results, Sample

PLOTS: Final = {
    "throughput": "Responses per second",
    "p50": "Median latency",
    "p99": "p99 latency",
    "cpu": "CPU time for each request",
    "records": "CPU time for each request by the number of records",
    "memory": "Memory at rest",
}
FIGURES: Final = "per s|median ms|p99 ms|CPU µs|errors"


def write_report(results: Results, folder: Path) -> str:
    """Write `table.md` and the plots into a folder, and return the table."""
    table = render_table(results)
    (folder / "table.md").write_text(table, encoding="utf-8")
    for name, plot in render_plots(results).items():
        (folder / name).write_text(plot, encoding="utf-8")
    return table


def render_summary(results: Results) -> str:
    """Return a line for each scenario, and the figures with a bound, for the documentation."""
    return "\n".join(
        [
            *_describe_run(results.machine),
            *_table(
                "scenario|side|per s|CPU µs|median ms|p99 ms|of a bare handler",
                (
                    [
                        *(one.scenario, one.side, f"{one.rate:,.0f}", f"{one.cpu_us:,.0f}"),
                        *(f"{one.p50_ms:.1f}", f"{one.p99_ms:.1f}"),
                        _ratio_to_litestar(results, one),
                    ]
                    for one in _order(results.samples)
                    if not one.records and 1 < one.connections <= FEW
                ),
            ),
            *_table("figure|measured|bound|result", _figures(results)),
        ]
    )


def render_table(results: Results) -> str:
    """Return the machine, the figures with a bound and all measurements as Markdown."""
    return "\n".join(
        [
            *_describe_run(results.machine),
            *_table("figure|measured|bound|result", _figures(results)),
            *_table(
                f"scenario|side|connections|{FIGURES}|ratio to litestar",
                (
                    [*_row(one, one.connections), _ratio_to_litestar(results, one)]
                    for one in _order(results.samples)
                    if not one.records
                ),
            ),
            *_table(
                f"scenario|side|records|{FIGURES}",
                (_row(one, one.records) for one in results.samples if one.records),
            ),
            *_table(
                "service at rest|figure|measured",
                (
                    [side, name, f"{value:.2f}{unit_of(name)}"]
                    for side, figures in results.footprints.items()
                    for name, value in figures.items()
                ),
            ),
        ]
    )


def _describe_run(machine: Mapping[str, Any]) -> Sequence[str]:
    return [
        f"Form {machine['form']}, {machine['began_at']}, commit {machine['commit']}, "
        f"{machine['processors']} processors, Python {machine['python']}, load average "
        f"{machine['load_before']:.1f} before and {machine['load_after']:.1f} after"
        f"{_stolen(machine)}.",
        "",
    ]


def _figures(results: Results) -> Iterator[Sequence[str]]:
    for figure in compare(results):
        bound = f"{'≤' if figure.is_highest else '≥'} {figure.bound:.3g}{figure.unit}"
        value = f"{figure.value:{'.3g' if figure.value < 1 else '.2f'}}{figure.unit}"
        yield [figure.text, value, bound, "within" if figure.is_within else "worse"]


def _stolen(machine: Mapping[str, Any]) -> str:
    # Results of earlier versions do not have it.
    percent = machine.get("stolen_percent")
    if percent is None:
        return ""
    left_out, measured = machine.get("left_out", (0, 0))
    runs = f" ({left_out} of {measured} runs are left out)" if left_out else ""
    return f", the host took {percent:.1f} % of the time{runs}"


def render_plots(results: Results) -> Mapping[str, str]:
    """Return the plots as SVG, by the names of their files."""
    single = [sample for sample in _order(results.samples) if not sample.records]

    def bars(value: Callable[[Sample], float], unit: str) -> Iterator[tuple[str, float, str]]:
        for sample in single:
            label = f"{sample.scenario}, {sample.side}, {sample.connections} connections"
            yield label, value(sample), f"{_format(value(sample))} {unit}"

    rows: Mapping[str, Iterable[tuple[str, float, str]]] = {
        "throughput": bars(lambda sample: sample.rate, "/s"),
        "p50": bars(lambda sample: sample.p50_ms, "ms"),
        "p99": bars(lambda sample: sample.p99_ms, "ms"),
        "cpu": bars(lambda sample: sample.cpu_us, "µs"),
        "records": _bars_of_records(results),
        "memory": _bars_of_memory(results),
    }
    return {f"speed-{name}.svg": render_bars(PLOTS[name], bars) for name, bars in rows.items()}


def _bars_of_records(results: Results) -> Iterator[tuple[str, float, str]]:
    for side in DATABASES:
        for scenario in SCENARIOS_BY_RECORDS:
            for one in list_by_records(results, side, scenario):
                label = f"{scenario}, {side}, {one.records:,} records"
                yield label, one.cpu_us, f"{one.cpu_us:,.0f} µs, {one.rate:,.0f}/s"


def _bars_of_memory(results: Results) -> Iterator[tuple[str, float, str]]:
    for side, figures in results.footprints.items():
        for name, value in figures.items():
            if name != READY:
                yield f"{side}, {name}", value, f"{value:.0f} MB"


def _order(samples: Iterable[Sample]) -> list[Sample]:
    """Return the samples by scenario, so that sides stand next to each other."""
    listed = list(samples)
    scenarios = list(dict.fromkeys(sample.scenario for sample in listed))
    return sorted(listed, key=lambda one: (scenarios.index(one.scenario), one.connections))


def _row(sample: Sample, number: int) -> Sequence[str]:
    figures = (f"{sample.p50_ms:.2f}", f"{sample.p99_ms:.2f}", f"{sample.cpu_us:,.0f}")
    labels = (sample.scenario, sample.side, f"{number:,}")
    return [*labels, f"{sample.rate:,.0f}", *figures, str(sample.errors)]


def _ratio_to_litestar(results: Results, sample: Sample) -> str:
    floor = results.find("litestar", "live", sample.connections)
    return f"{sample.rate / floor.rate:.3f}" if floor else ""


def _table(head: str, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    columns, listed = head.split("|"), list(rows)
    if listed:
        yield from (f"| {' | '.join(row)} |" for row in (columns, ["---"] * len(columns), *listed))
        yield ""


def _format(number: float) -> str:
    return f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"
