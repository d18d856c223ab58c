"""How a setting is declared."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from domain.values import dataclass

_KEY: Final = "setting"


@dataclass(frozen=True, slots=True)
class Declaration:
    """The variable of a setting, and how its text becomes a value.

    Attributes:
        variable: The environment variable.
        description: One line for `.env.example`.
        parse: Returns the value of a text, or raises `InvalidValue`.
        default: The text that is parsed if the variable is not set; empty if there is none.
        unset: The value if the variable is not set and there is no default.
        derive: Makes that value of the fields that are declared earlier, by name.
        examples: Valid texts, for error messages.
    """

    variable: str
    description: str
    parse: Callable[[str], Any]
    default: str
    unset: Any
    derive: Callable[[Mapping[str, Any]], Any] | None
    examples: Sequence[str]


def setting(
    variable: str,
    description: str,
    parse: Callable[[str], Any],
    *,
    example: str,
    default: str = "",
    unset: Any = None,
    derive: Callable[[Mapping[str, Any]], Any] | None = None,
    more_examples: Sequence[str] = (),
) -> Any:
    """Declare a field of a dataclass as a setting; see `Declaration`.

    `more_examples` have another scheme than `example`.
    """
    examples = (example, *more_examples)
    declaration = Declaration(variable, description, parse, default, unset, derive, examples)
    return dataclasses.field(metadata={_KEY: declaration})


def declarations(settings: type[Any]) -> dict[str, tuple[str, Declaration]]:
    """Return the settings of a dataclass by their variable: the field's name, the declaration."""
    declared = (
        (field.name, field.metadata[_KEY])
        for field in dataclasses.fields(settings)
        if _KEY in field.metadata
    )
    return {declaration.variable: (name, declaration) for name, declaration in declared}
