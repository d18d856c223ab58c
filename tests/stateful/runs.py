"""How state machines run: on which databases, and with how many examples."""

from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.contract import conftest as contract
from tests.contract.mongo_database import in_mongo as in_mongo_database
from tests.stateful.http_driver import OpenRepositories
from tests.support.examples import examples
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.repositories import open_repositories

OpenDatabase = Callable[[pytest.FixtureRequest], OpenRepositories]


def in_memory(request: pytest.FixtureRequest) -> OpenRepositories:
    return _repositories_in(contract.in_memory(request))


def in_sqlite(request: pytest.FixtureRequest) -> OpenRepositories:
    return _repositories_in(contract.in_sqlite(request))


def in_mongo(request: pytest.FixtureRequest) -> OpenRepositories:
    return _repositories_in(in_mongo_database(request))


def _repositories_in(open_database: contract.OpenDatabase) -> OpenRepositories:
    return lambda: open_repositories(open_database(), FakePhoneEncryption())


_DATABASES: Final[tuple[OpenDatabase, ...]] = (in_memory, in_sqlite, in_mongo)


def on_each_database(*example_counts: int) -> pytest.MarkDecorator:
    """Run a test with `open_database` and `example_count` in memory, on SQLite and on MongoDB."""
    return pytest.mark.parametrize(
        ("open_database", "example_count"),
        [*zip(_DATABASES, example_counts, strict=True)],
        ids=[open_database.__name__ for open_database in _DATABASES],
    )


def run_machine(create: Callable[[], RuleBasedStateMachine], example_count: int) -> None:
    """Run a state machine with examples of 40 steps."""
    run_state_machine_as_test(
        create,  # type: ignore[arg-type]  # any factory works, the stubs want a class
        settings=settings(
            max_examples=examples(example_count),
            stateful_step_count=40,
            # Shrinking a failure takes minutes. Add Phase.shrink to find the shortest one.
            phases=[Phase.generate],
        ),
    )
