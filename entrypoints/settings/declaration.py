"""How a setting is declared."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import EnumType
from types import UnionType
from typing import Any, Final, TypeVar, get_args, get_origin

from entrypoints.settings.values import Secret

PREFIX: Final = "DIALTONE_"
LIMIT_PROFILES: Final = ("small", "medium", "large")
"""What sets all limits: for some thousand users, some hundred thousand, or millions."""
_KEY: Final = "setting"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Declaration:
    """How the text of a variable becomes a value.

    Attributes:
        description: The line about it in `.env.example`.
        parse: Returns the value of a text, or raises `InvalidValue`.
        default: The text that is parsed if the variable is not set; empty if there is none.
        unset: The value if the variable is not set and has no default: None, or the empty one of
            the type of the field.
        derive: Makes the default of the settings that are declared earlier.
        example: A valid text for error messages; by default the default. If it depends on the
            settings that are declared earlier, a function of them.
        variable: Its name, if it is not that of the field in upper case, after `DIALTONE_`.
        file_variable: The variable that names a file with the text; empty if there is none. By
            default each `Secret` has one: its own name and `_FILE`.
        has_lines: Whether the text may have several lines, also in a file, such as a key in PEM.
        is_logged: Whether the log of a start shows it, by the name of the field.
        names_vendors: Whether its text names vendors, or URLs with their schemes.
        vendor: Its variable is read only if a setting names this vendor, and has no prefix: other
            programs read it too.
        signed_with: The variable with the secret of the hooks that it names: required with a hook.
        unused: Returns why it has no effect with all settings, an empty text if it has one.
    """

    description: str
    parse: Callable[[str], Any]
    default: str = ""
    unset: Any = None
    derive: Callable[[Any], str] | None = None
    example: str | Callable[[Any], str] = ""
    variable: str = ""
    file_variable: str | None = None
    has_lines: bool = False
    is_logged: bool = False
    names_vendors: bool = False
    vendor: str = ""
    signed_with: str = ""
    unused: Callable[[Any], str] | None = None

    def default_text(self, settings: Any) -> str:
        """Return the text that the variable has by default, or an empty one."""
        return self.derive(settings) if self.derive else self.default

    def example_text(self, settings: Any) -> str:
        """Return a valid text."""
        example = self.example(settings) if callable(self.example) else self.example
        return example or self.default


def setting(description: str, parse: Callable[[str], Any], **rest: Any) -> Any:
    """Declare a field of a dataclass as a setting; see `Declaration`."""
    return dataclasses.field(metadata={_KEY: Declaration(description, parse, **rest)})


def by_profile(*values: T) -> Mapping[str, T]:
    """Return the value of each of `LIMIT_PROFILES`."""
    return dict(zip(LIMIT_PROFILES, values, strict=True))


def limit(description: str, parse: Callable[[str], Any], *texts: str, **rest: Any) -> Any:
    """Declare a limit: its default in each of `LIMIT_PROFILES`, or one for all."""
    profiles = by_profile(*(texts if len(texts) > 1 else texts * 3))
    return setting(
        description,
        parse,
        default=profiles["medium"],
        derive=lambda settings: profiles[settings.limits],
        **rest,
    )


def declared(settings: type[Any]) -> dict[str, tuple[str, Declaration]]:
    """Return the settings of a dataclass by their variable: the field's name, the declaration."""
    found = {}
    for field in dataclasses.fields(settings):
        if declaration := field.metadata.get(_KEY):
            prefix = "" if declaration.vendor else PREFIX
            variable = declaration.variable or f"{prefix}{field.name.upper()}"
            unset = None if declaration.default else _empty(field.type)
            file_variable = declaration.file_variable
            if file_variable is None:
                file_variable = f"{variable}_FILE" if isinstance(unset, Secret) else ""
            declaration = dataclasses.replace(declaration, unset=unset, file_variable=file_variable)
            found[variable] = (field.name, declaration)
    return found


def _empty(kind: Any) -> Any:
    """Return the empty value of the type of a field, None if that is one or if there is none."""
    if isinstance(kind, UnionType | EnumType):
        return None
    return Secret(_empty(*get_args(kind))) if get_origin(kind) is Secret else kind()


def example_line(settings: type[Any], variable: str) -> str:
    """Return the line with the example of a variable, which depends on no other."""
    _, declaration = declared(settings)[variable]
    return f"Example: {variable}={declaration.example_text(None)}"
