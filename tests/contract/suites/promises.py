"""How a test ends that proves nothing, and that the last lines of a run list."""

from typing import Any, Final, NoReturn

import pytest

NOT_PROMISED: Final = "not promised: "


def unproven(reason: str) -> NoReturn:
    """End a test that cannot be run: nobody knows whether the adapter keeps this promise.

    Args:
        reason: What is missing, such as "no helper received()". Those with the same one are
            listed together.
    """
    pytest.skip(reason)


def not_promised(reason: str) -> NoReturn:
    """End a test of something that an adapter may do without.

    Args:
        reason: What the adapter is without, such as "it has no check()".
    """
    pytest.skip(f"{NOT_PROMISED}{reason}")


def require_health_check(adapter: Any) -> None:
    """End a test of the health check if an adapter does without."""
    if not getattr(adapter, "has_health_check", hasattr(adapter, "check")):
        not_promised("it has no check()")
