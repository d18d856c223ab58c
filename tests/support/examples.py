"""How many examples the tests make that look for some of their own, and from which seed.

`make test` makes the same few each time, so that it says the same of the same code.
`make test-unit`, which is run after every change, leaves these tests out.
`make test-long` makes many, others each time, and prints what brings a failing one back.
`make mutants` makes twice those of `make test`, and is content with the first that fails.
"""

from typing import Final

from hypothesis import HealthCheck, Phase, settings

STEADY: Final = "steady"
LONG: Final = "long"
MUTANTS: Final = "mutants"

_FEW: Final = 50
"""Of a test that says nothing else."""

# A deadline would be a judgement of speed; what is slow to make is no fault of what is tested.
_SLOW: Final = [HealthCheck.too_slow]
settings.register_profile(
    STEADY,
    max_examples=_FEW,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=_SLOW,
)
settings.register_profile(
    LONG,
    deadline=None,
    max_examples=20 * _FEW,
    print_blob=True,
    database=None,
    suppress_health_check=_SLOW,
)
settings.register_profile(
    MUTANTS,
    settings.get_profile(STEADY),
    max_examples=2 * _FEW,
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
)


def examples(count: int) -> int:
    """So many in `make test`, and twenty times as many in `make test-long`."""
    return count * settings().max_examples // _FEW
