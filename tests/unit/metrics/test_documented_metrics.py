"""docs/metrics.md has exactly the metrics that exist, with their types and labels."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from adapters.metrics.exposition import Exposition
from adapters.metrics.metrics import Metrics
from application.identities.count_users import UserCount
from application.limits.measure_limits import LimitUse
from tests.support.fakes.clock import MovableClock
from tests.support.keys import FakeKeyRing

PAGE: Final = Path(__file__).parents[3] / "docs/metrics.md"
READ_NOW: Final = (
    *("dialtone_limit_use_ratio", "dialtone_key_age_seconds"),
    *("dialtone_event_delay_seconds", "dialtone_build_info", "dialtone_users"),
)
_ROW: Final = re.compile(r"^\| `(dialtone_\w+)` \|([^|]*)\| (\w+) \|", re.MULTILINE)


def counted_metrics() -> dict[str, tuple[str, set[str]]]:
    found = {}
    for metric in vars(Metrics()).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            name = f"{family.name}_total" if family.type == "counter" else family.name
            found[name] = (family.type, set(metric._labelnames))
    return found


async def metrics_read_now() -> dict[str, tuple[str, set[str]]]:
    async def measure() -> Any:
        return [LimitUse("all_total", "strangers", "", 1, 2)]

    async def measure_delay() -> timedelta:
        return timedelta()

    async def count() -> UserCount:
        return UserCount(1)

    exposition = Exposition(
        metrics=Metrics(),
        measure_limits=measure,
        count_users=count,
        version="0.1.0",
        commit="c0ffee",
        key_rings={"signing": FakeKeyRing()},
        clock=MovableClock(),
        measure_event_delay=measure_delay,
    )
    families = text_string_to_metric_families((await exposition.render()).decode())
    return {
        family.name: (family.type, set(family.samples[0].labels))
        for family in families
        if family.name in READ_NOW
    }


async def test_the_page_has_all_metrics_with_their_labels_and_no_others() -> None:
    rows = _ROW.findall(PAGE.read_text(encoding="utf-8"))
    listed = {name: (kind, set(re.findall(r"`(\w+)`", cell))) for name, cell, kind in rows}

    assert listed == counted_metrics() | await metrics_read_now()
