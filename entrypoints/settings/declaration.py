"""How a setting is declared."""

import ast
import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import pairwise
from typing import Any, Final

from entrypoints.settings.values import LimitProfile

PREFIX: Final = "DIALTONE_"
VENDORS: Final = ("AWS_", "TWILIO_")
"""Variables that begin so have no prefix of ours: other programs read them too."""
_KEY: Final = "setting"


class Group(StrEnum):
    """The headings of `.env.example`."""

    ESSENTIAL = "What you set first"
    OPTIONAL = "What you may set"
    LIMITS = "Limits: each overrides that of DIALTONE_LIMITS; 60/1h is at most 60 in any hour"
    ADVANCED = "What you should leave alone"


@dataclass(frozen=True, slots=True)
class Declaration:
    """How the text of a variable becomes a value.

    Attributes:
        group: Where `.env.example` lists it.
        parse: Returns the value of a text, or raises `InvalidValue`.
        default: The text that is parsed if the variable is not set; empty if there is none.
        unset: The value if the variable is not set and has no default.
        derive: Makes the default of the fields that are declared earlier, by name.
        examples: Valid texts for error messages, each with another scheme.
        name: The variable without its prefix, if it differs from the name of the field.
        profiles: The default of each profile of limits.
    """

    group: Group
    parse: Callable[[str], Any]
    default: str = ""
    unset: Any = None
    derive: Callable[[Mapping[str, Any]], str] | None = None
    examples: Sequence[str] = ()
    name: str = ""
    profiles: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def default_text(self, fields: Mapping[str, Any]) -> str:
        """Return the text that the variable has by default, or an empty one."""
        return self.derive(fields) if self.derive else self.default


def _setting(
    group: Group, parse: Callable[[str], Any], *, default: str = "", example: str = "", **rest: Any
) -> Any:
    """Declare a field of a dataclass as a setting; see `Declaration`.

    Without an `example`, the default is the example. The docstring below the field is the line in
    `.env.example`.
    """
    examples = (example or default, *rest.pop("more_examples", ()))
    declaration = Declaration(group, parse, default, examples=examples, **rest)
    return dataclasses.field(metadata={_KEY: declaration})


essential = partial(_setting, Group.ESSENTIAL)
optional = partial(_setting, Group.OPTIONAL)
advanced = partial(_setting, Group.ADVANCED)


def limit(
    parse: Callable[[str], Any], *, medium: str, small: str | None = None, large: str | None = None
) -> Any:
    """Declare a limit. A profile without a default of its own has that of `medium`."""
    profiles = {
        LimitProfile.SMALL: small or medium,
        LimitProfile.MEDIUM: medium,
        LimitProfile.LARGE: large or medium,
    }
    return _setting(
        Group.LIMITS,
        parse,
        default=medium,
        derive=lambda fields: profiles[fields["limits"]],
        profiles=profiles,
    )


def declared(settings: type[Any]) -> dict[str, tuple[str, Declaration]]:
    """Return the settings of a dataclass by their variable: the field's name, the declaration."""
    found = {}
    for field in dataclasses.fields(settings):
        if declaration := field.metadata.get(_KEY):
            variable = declaration.name or field.name.upper()
            prefix = "" if variable.startswith(VENDORS) else PREFIX
            found[f"{prefix}{variable}"] = (field.name, declaration)
    return found


def descriptions(settings: type[Any]) -> dict[str, str]:
    """Return the docstrings below the fields of a class by the fields' names, as one line each."""
    (source,) = ast.parse(inspect.getsource(settings)).body
    found = {}
    for pair in pairwise(source.body if isinstance(source, ast.ClassDef) else ()):
        match pair:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = " ".join(text.split())
    return found
