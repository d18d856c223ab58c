"""The library does what its model does, over every kind of store."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.stateful.library_machine import LibraryMachine
from tests.stateful.library_worlds import World, embedded, in_memory, on_servers
from tests.support.examples import examples


@pytest.mark.hypothesis
@pytest.mark.parametrize(
    ("world", "count"),
    [
        pytest.param(in_memory, 50, id="in_memory"),
        pytest.param(embedded, 24, id="embedded"),
        pytest.param(on_servers, 8, id="on_servers"),
    ],
)
def test_the_library_does_what_the_model_does(
    world: World, count: int, request: pytest.FixtureRequest
) -> None:
    with asyncio.Runner() as runner:
        opened = AsyncExitStack()
        fresh = runner.run(opened.enter_async_context(world(request)))

        class HereMachine(LibraryMachine):
            def __init__(self) -> None:
                super().__init__(fresh, runner)

        try:
            run_state_machine_as_test(
                HereMachine,
                settings=settings(
                    max_examples=examples(count),
                    stateful_step_count=40,
                    # With Phase.shrink a failure takes minutes; add it for the shortest way to one.
                    phases=[Phase.generate],
                ),
            )
        finally:
            runner.run(opened.aclose())
