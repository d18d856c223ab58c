"""Select the active mutant of this process, and record the functions that are called.

Mutated code imports this module.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

MutantDict = dict[str, Callable[..., Any]]


@dataclass
class _Active:
    function: str = ""
    key: str = ""


_ACTIVE: Final = _Active()
called_functions: Final[set[str]] = set()


def activate(function: str, key: str) -> None:
    """Use this mutant of this function from now on, and the original of every other function."""
    _ACTIVE.function, _ACTIVE.key = function, key


def switched(
    mutants: MutantDict, is_classmethod: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a function so that it calls its active mutant or the original."""

    def decorate(declared: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(declared)
        def call(*args: Any, **kwargs: Any) -> Any:
            original = mutants["_mutmut_orig"]
            function = f"{original.__module__}.{original.__name__.partition('__mutmut_')[0]}"
            called_functions.add(function)
            selected = mutants[_ACTIVE.key] if _ACTIVE.function == function else original
            return selected(*args[is_classmethod:], **kwargs)

        return call

    return decorate
