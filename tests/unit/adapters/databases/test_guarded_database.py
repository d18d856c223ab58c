"""A guarded database passes each call on as it is, and fails it at once when it must."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import pytest

from adapters.databases.records.database import Database
from adapters.databases.records.record_store import RecordStore
from adapters.databases.records.store_calls import guard_database
from application.ports.errors import StorageUnavailable
from application.ports.limits import LimitStore
from tests.support.builders import NOW


class RecordingStore:
    """Keeps its calls, and fails them from some time on."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[object, ...], dict[str, object]]] = []
        self.is_unavailable = False

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        async def call(*args: object, **kwargs: object) -> object:
            if self.is_unavailable:
                raise StorageUnavailable("away")
            self.calls.append((name, args, kwargs))
            return name

        return call


METHODS: Final = [
    pytest.param(part, method, id=f"{part}.{name}")
    for part, port in (("records", RecordStore), ("limits", LimitStore))
    for name, method in inspect.getmembers(port, inspect.isfunction)
    if not name.startswith("_")
]


@pytest.fixture
def store() -> RecordingStore:
    return RecordingStore()


@pytest.fixture
async def guarded(store: RecordingStore) -> AsyncIterator[Database]:
    unguarded: Any = store
    with guard_database(Database(unguarded, unguarded, unguarded)) as database:
        yield database


def arguments_of(method: Callable[..., object]) -> tuple[list[str], dict[str, str]]:
    """Return a value of its own for each parameter."""
    _, *parameters = inspect.signature(method).parameters.values()
    named = {
        parameter.name: parameter.name
        for parameter in parameters
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    positional = [parameter.name for parameter in parameters if parameter.name not in named]
    return positional, named


@pytest.mark.parametrize(("part", "method"), METHODS)
async def test_each_call_has_its_arguments_and_is_not_made_after_three_failures(
    guarded: Database, store: RecordingStore, part: str, method: Callable[..., object]
) -> None:
    positional, named = arguments_of(method)
    name = method.__name__
    call = getattr(getattr(guarded, part), name)

    result = await call(*positional, **named)
    store.is_unavailable = True
    for _ in range(3):
        with pytest.raises(StorageUnavailable, match="away"):
            await call(*positional, **named)

    assert store.calls == [(name, tuple(positional), named)]
    assert result in (name, None)
    with pytest.raises(StorageUnavailable, match="did not answer"):
        await call(*positional, **named)


async def test_reads_go_on_while_the_database_rejects_writes_only(
    guarded: Database, store: RecordingStore
) -> None:
    store.is_unavailable = True
    for _ in range(3):
        with pytest.raises(StorageUnavailable, match="away"):
            await guarded.limits.acquire([], NOW)
    store.is_unavailable = False

    with pytest.raises(StorageUnavailable, match="did not answer"):
        await guarded.limits.acquire([], NOW)
    await guarded.limits.count_used([], NOW)
    assert [name for name, _, _ in store.calls] == ["count_used"]
