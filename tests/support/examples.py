"""Hypothesis profiles: the number of examples and their seed.

- `make test`: ten examples, always the same ones.
- Slow properties in `make test-slow`, and all that are run by hand: more, always the same ones too.
- `make test-long`: many random examples; prints how to reproduce a failure.
- `make mutants`: fewer, because each mutant needs them; stops at the first failure.
"""

from typing import Final

from hypothesis import HealthCheck, Phase, settings

DETERMINISTIC: Final = "deterministic"

_DEFAULT_EXAMPLES: Final = 50

settings.register_profile(
    DETERMINISTIC,
    max_examples=_DEFAULT_EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    # Slow generation of examples is no error of the tested code.
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("quick", settings.get_profile(DETERMINISTIC), max_examples=10)
settings.register_profile(
    "long",
    settings.get_profile(DETERMINISTIC),
    max_examples=20 * _DEFAULT_EXAMPLES,
    derandomize=False,
    print_blob=True,
)
settings.register_profile(
    "mutants",
    settings.get_profile(DETERMINISTIC),
    max_examples=20,
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
)


def examples(count: int) -> int:
    """Return this number for a run by hand, and as many fewer or more as the profile has."""
    return max(1, count * settings().max_examples // _DEFAULT_EXAMPLES)
