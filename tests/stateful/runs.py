"""How state machines run."""

from collections.abc import Callable

from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.support.examples import examples


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
