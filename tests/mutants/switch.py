"""Which mutant is on in this process, and which functions were called; mutated code asks here."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

MutantDict = dict[str, Callable[..., Any]]


@dataclass
class _State:
    function: str = ""
    key: str = ""


_ON: Final = _State()
called: Final[set[str]] = set()


def turn_on(function: str, key: str) -> None:
    """Let this process have this mutant of this function from now on."""
    _ON.function, _ON.key = function, key


def switched(
    mutants: MutantDict, is_classmethod: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Have a function be the mutant of it that is on, or what it was."""

    def decorate(declared: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(declared)
        def either(*args: Any, **kwargs: Any) -> Any:
            original = mutants["_mutmut_orig"]
            function = f"{original.__module__}.{original.__name__.partition('__mutmut_')[0]}"
            called.add(function)
            chosen = mutants[_ON.key] if _ON.function == function else original
            return chosen(*args[is_classmethod:], **kwargs)

        return either

    return decorate
