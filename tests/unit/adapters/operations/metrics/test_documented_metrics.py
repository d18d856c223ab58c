"""docs/log.md has exactly the metrics that exist, with their types and labels."""

from collections.abc import Mapping
from pathlib import Path
from unittest.mock import Mock

from prometheus_client.metrics import MetricWrapperBase

from adapters.operations.metrics.features.attestation import CountAttestations
from adapters.operations.metrics.features.events import CountedEvents
from adapters.operations.metrics.features.login_hook import declare_login_hook_duration
from adapters.operations.metrics.features.media import count_uploads, declare_decode_duration
from adapters.operations.metrics.metrics import PREFIX, Metrics
from entrypoints.composition.use_cases import open_all
from tests.support.markdown import codes, page, rows
from tests.support.settings import settings


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


async def gauges(folder: Path) -> dict[str, tuple[str, set[str]]]:
    """Return the gauges of the core and of features, which have the samples that they name."""
    files = {
        "DATABASE": f"sqlite:///{folder}/dialtone.db",
        "MEDIA": f"file://{folder}/media",
        "SECRETS_FILE": f"{folder}/secrets.json",
    }
    found = {}
    async with open_all(settings(**files), metrics=Metrics(), is_service=True) as (composition, _):
        for gauge in composition.gauges:
            samples = await gauge.measure()
            if isinstance(samples, Mapping):
                assert {len(labels) for labels in samples} == {len(gauge.labels)}
            found[f"{PREFIX}_{gauge.name}"] = ("gauge", {*gauge.labels})
    return found


async def test_the_page_has_all_metrics_with_their_labels_and_no_others(tmp_path: Path) -> None:
    listed = {
        codes(name)[0]: (kind, {*codes(labels)})
        for name, labels, kind, _ in rows(page("docs/log.md#what-is-counted"))
    }

    assert listed == counted_metrics() | await gauges(tmp_path)
