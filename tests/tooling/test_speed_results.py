"""The speed benchmark reads what wrk prints, and its table compares results with the aims."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks.speed.report import render_table, write_report
from tests.benchmarks.speed.results import Results, Sample, combine_rounds, read_results
from tests.benchmarks.speed.wrk import Load, parse_wrk

WRK_OUTPUT = """\
Running 2s test @ http://127.0.0.1:8000
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     3.02ms    1.10ms  20.01ms   90.00%
    Req/Sec     8.30k   600.00     9.00k    70.00%
  Latency Distribution
     50%  850.00us
     75%    3.20ms
     90%    4.10ms
     99%    1.20s
  16600 requests in 2.00s, 7.00MB read
  Socket errors: connect 0, read 1, write 0, timeout 2
  Non-2xx or 3xx responses: 4
Requests/sec:   8300.50
Transfer/sec:      3.50MB
"""


def a_sample(side: str, scenario: str, rate: float) -> Sample:
    return Sample(side, scenario, 32, 1_000, rate, p50_ms=2.0, p99_ms=5.0, cpu_us=100.0)


def test_the_output_of_wrk_is_parsed_with_its_units_and_errors() -> None:
    assert parse_wrk(WRK_OUTPUT) == Load(
        16_600, 8300.5, p50_ms=0.85, p99_ms=1200.0, rejected=4, socket_errors=3
    )


@pytest.mark.parametrize(
    ("stolen_percents", "rate"),
    [
        ((0, 5, 6, 0, 1, 30, 2), (10 + 20 + 40 + 50 + 70) / 5),
        ((20, 5, 6, 30, 40, 50, 70), (10 + 20 + 30 + 40) / 4),
    ],
    ids=["disturbed", "most are disturbed"],
)
def test_rounds_that_the_host_disturbed_are_left_out_but_at_most_half(
    stolen_percents: tuple[float, ...], rate: float
) -> None:
    rounds = [
        replace(a_sample("sqlite", "me", 10.0 * number), stolen_percent=percent)
        for number, percent in enumerate(stolen_percents, 1)
    ]

    assert combine_rounds(rounds)[0].rate == pytest.approx(rate)


def test_the_table_compares_all_rounds_with_the_aims(tmp_path: Path) -> None:
    samples = [
        *(a_sample("litestar", "live", rate) for rate in (8_000, 8_500, 13_500)),
        a_sample("sqlite", "live", 5_100),
        replace(a_sample("sqlite", "me", 2_700), p99_ms=9.0),
        a_sample("sqlite", "request code", 600),
        replace(a_sample("sqlite, full limit", "rejected request", 500), cpu_us=115.0, errors=2),
        a_sample("flask", "me", 400),
        a_sample("mongodb", "me", 2_700),
    ]
    machine = {"form": "short", "began_at": "today", "commit": "c", "processors": 2}
    machine |= {"python": "3.11", "load_before": 0.5, "load_after": 2.5, "stolen_percent": 4.24}
    machine["left_out"] = [3, 70]
    results = Results(machine, combine_rounds(samples), {"embedded default": {"parent RSS": 101.0}})
    results.write(tmp_path)

    assert read_results(tmp_path) == results
    table = render_table(results)
    assert "2.5 after, the host took 4.2 % of the time (3 of 70 runs are left out)." in table
    for aim in (
        "live on sqlite / litestar | 0.510 | ≥ 0.5 | met",
        "me on sqlite / litestar | 0.270 | ≥ 0.28 | not met",
        "p99 / median of me on sqlite | 4.50 | ≤ 4 | not met",
        "CPU time of a rejected request / of an accepted one on sqlite | 1.15 | ≤ 1.2 | met",
        "me on mongodb / litestar | 0.270 | ≥ 0.26 | met",
        "me on mongodb / me on flask | 6.75 | ≥ 7 | not met",
        "parent RSS, embedded default | 101.00 MB | ≤ 100 MB | not met",
        "errors of all scenarios | 2.00 | ≤ 0 | not met",
    ):
        assert f"| {aim} |" in table
    assert write_report(results, tmp_path) == table
    assert (tmp_path / "speed-throughput.svg").read_text().count("<rect") == 8
