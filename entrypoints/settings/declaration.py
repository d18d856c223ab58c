"""How a setting is declared."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Final, TypeVar

from entrypoints.settings.values import Secret

PREFIX: Final = "DIALTONE_"
LIMIT_PROFILES: Final = ("small", "medium", "large")
"""What sets all limits: for some thousand users, some hundred thousand, or millions."""
_KEY: Final = "setting"

T = TypeVar("T")


class SettingGroup(StrEnum):
    """The headings of `.env.example`."""

    ESSENTIAL = "What you set first"
    OPTIONAL = "What you may set"
    ADVANCED = "What you should leave alone"


@dataclass(frozen=True, slots=True)
class Declaration:
    """How the text of a variable becomes a value.

    Attributes:
        group: Where `.env.example` lists it.
        description: The line about it there.
        parse: Returns the value of a text, or raises `InvalidValue`.
        default: The text that is parsed if the variable is not set; empty if there is none.
        unset: The value if the variable is not set and has no default.
        derive: Makes the default of the settings that are declared earlier.
        example: A valid text for error messages; by default the default. If it depends on the
            settings that are declared earlier, a function of them.
        name: The variable without its prefix, if it differs from the name of the field.
        prefix: How the variable begins. Those of vendors have none of ours: other programs read
            them too.
        show: Makes the text that is shown of a value; by default that of the variable, without the
            credentials in a URL.
        file_name: The variable that names a file with the text, without its prefix; empty if there
            is none. By default each `Secret` has one: its own name and `_FILE`.
        has_lines: Whether the text may have several lines, also in a file, such as a key in PEM.
        is_used: Returns whether the values of all variables use its vendor. Without one it is
            always read.
        unused: Returns why it has no effect with all settings, an empty text if it has one.
    """

    group: SettingGroup
    description: str
    parse: Callable[[str], Any]
    default: str = ""
    unset: Any = None
    derive: Callable[[Any], str] | None = None
    example: str | Callable[[Any], str] = ""
    name: str = ""
    prefix: str = PREFIX
    show: Callable[[Any], str] | None = None
    file_name: str | None = None
    has_lines: bool = False
    is_used: Callable[[Mapping[str, str]], bool] = lambda _: True
    unused: Callable[[Any], str] | None = None

    def file_variable(self, variable: str) -> str:
        """Return the variable that names a file with the text, or an empty text."""
        if self.file_name is None:
            return f"{variable}_FILE" if isinstance(self.unset, Secret) else ""
        return f"{self.prefix}{self.file_name}" if self.file_name else ""

    def default_text(self, settings: Any) -> str:
        """Return the text that the variable has by default, or an empty one."""
        return self.derive(settings) if self.derive else self.default

    def example_text(self, settings: Any) -> str:
        """Return a valid text."""
        example = self.example(settings) if callable(self.example) else self.example
        return example or self.default


def _setting(
    group: SettingGroup, description: str, parse: Callable[[str], Any], **rest: Any
) -> Any:
    """Declare a field of a dataclass as a setting; see `Declaration`."""
    return declare(Declaration(group, description, parse, **rest))


def declare(declaration: Declaration) -> Any:
    """Return a field of a dataclass that is a setting."""
    return dataclasses.field(metadata={_KEY: declaration})


essential = partial(_setting, SettingGroup.ESSENTIAL)
optional = partial(_setting, SettingGroup.OPTIONAL)
advanced = partial(_setting, SettingGroup.ADVANCED)


def by_profile(*values: T) -> Mapping[str, T]:
    """Return the value of each of `LIMIT_PROFILES`."""
    return dict(zip(LIMIT_PROFILES, values, strict=True))


def limit(description: str, parse: Callable[[str], Any], *texts: str, **rest: Any) -> Any:
    """Declare a limit: its default in each of `LIMIT_PROFILES`, or one for all."""
    profiles = by_profile(*(texts if len(texts) > 1 else texts * 3))
    return advanced(
        description,
        parse,
        default=profiles["medium"],
        derive=lambda settings: profiles[settings.limits],
        **rest,
    )


def declared(settings: type[Any]) -> dict[str, tuple[str, Declaration]]:
    """Return the settings of a dataclass by their variable: the field's name, the declaration.

    They are in the order of the groups. In a group, they are in the order of the dataclass.
    """
    found = {}
    for field in dataclasses.fields(settings):
        if declaration := field.metadata.get(_KEY):
            variable = declaration.name or field.name.upper()
            found[f"{declaration.prefix}{variable}"] = (field.name, declaration)
    groups = list(SettingGroup)
    return dict(sorted(found.items(), key=lambda item: groups.index(item[1][1].group)))


def example_line(settings: type[Any], variable: str) -> str:
    """Return the line with the example of a variable, which depends on no other."""
    _, declaration = declared(settings)[variable]
    return f"Example: {variable}={declaration.example_text(None)}"


def descriptions(settings: type[Any]) -> dict[str, str]:
    """Return the descriptions of the settings of a dataclass by the fields' names.

    A class may have `DESCRIPTIONS`, which replace those of its bases.
    """
    found = {name: declaration.description for name, declaration in declared(settings).values()}
    for owner in reversed(settings.__mro__):
        found |= vars(owner).get("DESCRIPTIONS", {})
    return found
