"""The calls of database and limit store are measured."""

from typing import Any

import pytest

from adapters.databases.records.kinds import LEASES
from adapters.operations.metrics.metrics import Metrics
from adapters.operations.metrics.stores import measure_records
from application.ports.errors import PortError, StorageOverloaded, StorageTimeout, UniqueViolation
from tests.support.fakes.database import InMemoryDatabase


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"dialtone_{name}", labels)


class FailingRecords:
    """A record store that fails when records are loaded."""

    def __init__(self, error: PortError) -> None:
        self._error = error

    async def load(self, *_: object) -> Any:
        raise self._error


async def test_a_call_of_the_database_is_timed_by_its_operation() -> None:
    metrics = Metrics()
    records = measure_records(InMemoryDatabase().records, metrics)

    assert await records.load(LEASES, ["x"]) == {}
    labels = {"store": "database", "operation": "load"}
    assert sample(metrics, "storage_duration_seconds_count", **labels) == 1


@pytest.mark.parametrize(
    ("error", "count", "overloads"),
    [
        (StorageTimeout("late"), 1.0, None),
        (UniqueViolation("taken"), None, None),
        (StorageOverloaded("full"), None, 1.0),
    ],
)
async def test_an_error_is_counted_by_its_class_and_neither_a_taken_name_nor_an_overload_is_one(
    error: PortError, count: float | None, overloads: float | None
) -> None:
    metrics, records = Metrics(), FailingRecords(error)
    with pytest.raises(type(error)):
        await measure_records(records, metrics).load(LEASES, ["x"])  # type: ignore[arg-type]

    labels = {"store": "database", "operation": "load"}
    errors = sample(metrics, "storage_errors_total", **labels, error="storage_timeout")
    assert (errors, sample(metrics, "storage_overloads_total", **labels)) == (count, overloads)
