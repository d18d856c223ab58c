"""What metrics have counted."""

from adapters.operations.metrics.metrics import Metrics


def counts(metrics: Metrics) -> dict[str, dict[tuple[str, ...], float]]:
    """Return what counters have counted, without zeros: by metric, by its labels in their order."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in metrics.registry.collect():
        for sample in family.samples:
            if sample.name.endswith("_total") and sample.value:
                name = sample.name.removeprefix("dialtone_").removesuffix("_total")
                found.setdefault(name, {})[tuple(sample.labels.values())] = sample.value
    return found
