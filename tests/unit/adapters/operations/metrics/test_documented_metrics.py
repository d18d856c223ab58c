"""docs/metrics.md has exactly the metrics that exist, with their types and labels."""

from pathlib import Path
from typing import Any, Final
from unittest.mock import Mock

from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from adapters.operations.metrics.exposition import Exposition
from adapters.operations.metrics.features.attestation import CountAttestations
from adapters.operations.metrics.features.events import CountedEvents
from adapters.operations.metrics.features.login_hook import declare_login_hook_duration
from adapters.operations.metrics.features.media import count_uploads, declare_decode_duration
from adapters.operations.metrics.metrics import PREFIX, Metrics
from application.identities.count_users import UserCount
from application.limits.measure_limits import LimitUse
from entrypoints.bootstrap import open_all
from tests.support.fakes.clock import MovableClock
from tests.support.keys import FakeKeyRing
from tests.support.markdown import codes, page, rows
from tests.support.settings import settings

READ_NOW: Final = (
    *("dialtone_limit_use_ratio", "dialtone_key_age_seconds"),
    *("dialtone_build_info", "dialtone_users"),
)


def counted_metrics() -> dict[str, tuple[str, set[str]]]:
    metrics, port = Metrics(), Mock()
    CountAttestations(metrics)
    CountedEvents(port, metrics, [])
    declare_decode_duration(metrics)
    count_uploads(metrics, "/library/upload")
    declare_login_hook_duration(metrics)
    found = {}
    for metric in metrics.registry._collector_to_names:
        assert isinstance(metric, MetricWrapperBase)
        (family,) = metric.describe()
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name] = (family.type, set(metric._labelnames))
    return found


async def metrics_read_now() -> dict[str, tuple[str, set[str]]]:
    async def measure() -> Any:
        return [LimitUse("all_total", "strangers", "", 1, 2)]

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
    )
    families = text_string_to_metric_families((await exposition.render()).decode())
    return {
        family.name: (family.type, set(family.samples[0].labels))
        for family in families
        if family.name in READ_NOW
    }


async def gauges_of_features(folder: Path) -> dict[str, tuple[str, set[str]]]:
    files = {
        "DATABASE": f"sqlite:///{folder}/dialtone.db",
        "MEDIA": f"file://{folder}/media",
        "SECRETS_FILE": f"{folder}/secrets.json",
    }
    async with open_all(settings(**files), metrics=Metrics(), is_service=True) as opening:
        return {
            f"{PREFIX}_{gauge.name}": ("gauge", {gauge.label} if gauge.label else set())
            for gauge in opening.gauges
        }


async def test_the_page_has_all_metrics_with_their_labels_and_no_others(tmp_path: Path) -> None:
    listed = {
        codes(name)[0]: (kind, {*codes(labels)})
        for name, labels, kind, _ in rows(page("docs/metrics.md#what-is-counted"))
    }

    assert (
        listed == counted_metrics() | await gauges_of_features(tmp_path) | await metrics_read_now()
    )
