"""How state machines run: on which databases, and with how many examples."""

from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.contract.conftest import in_memory, in_sqlite
from tests.contract.mongo_database import in_mongo
from tests.contract.postgres_database import in_postgres
from tests.stateful.http_driver import OpenDatabase
from tests.support.examples import examples

ChooseDatabase = Callable[[pytest.FixtureRequest], OpenDatabase]

_DATABASES: Final[tuple[ChooseDatabase, ...]] = (in_memory, in_sqlite, in_mongo, in_postgres)


def on_each_database(*example_counts: int) -> pytest.MarkDecorator:
    """Run a test with `choose_database` and `example_count`: in memory and on each database."""
    return pytest.mark.parametrize(
        ("choose_database", "example_count"),
        [*zip(_DATABASES, example_counts, strict=True)],
        ids=[choose_database.__name__ for choose_database in _DATABASES],
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
