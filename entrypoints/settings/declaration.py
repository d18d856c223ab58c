"""How a setting is declared: a field of a frozen dataclass, whose type says how it is read."""

import dataclasses
import inspect
from collections import Counter
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from enum import EnumType
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from entrypoints.settings.readers import Reader, reader_of
from entrypoints.settings.startup_error import SettingsError
from entrypoints.settings.values import PrivateUrl, Secret

PREFIX: Final = "DIALTONE_"
LIMIT_PROFILES: Final = ("small", "medium", "large")
"""Profiles of all limits: for some thousand users, some hundred thousand, or millions."""
_KEY: Final = "setting"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Declaration:
    """The declaration of a variable at its field.

    Attributes:
        default: The text that is read if the variable is not set; empty if there is none.
        derived: Returns the default; its parameters have the names of fields above, or `is_set`.
        example: A valid text for errors, if neither the default nor that of the type is a good one.
        variable: Its name, if it is not that of the field in upper case, after `DIALTONE_`.
        has_file: Whether `NAME_FILE` may name a file with the text although its type is not secret.
        has_lines: Whether the text may have several lines, also in a file, such as a key in PEM.
        is_logged: Whether the log of a start shows it.
        names: "providers" if its text names those of messages and calls, "vendors" if it names
            others, also by the scheme of a URL.
        vendor: Its variable is read only if a setting names this vendor, and has no prefix: other
            programs read it too.
        signed_with: The variable with the secret of the hooks that it names: required with a hook.
        unset: Its value without a text: None, or the empty one of its type.
        file_variable: The variable that can name a file with the text; empty if none can.
    """

    description: str
    default: str = ""
    derived: Callable[..., str] | None = None
    example: str = ""
    variable: str = ""
    has_file: bool = False
    has_lines: bool = False
    is_logged: bool = False
    names: str = ""
    vendor: str = ""
    signed_with: str = ""
    field: str = ""
    reader: Reader = Reader(str)
    unset: Any = None
    file_variable: str = ""

    def default_text(self, known: Mapping[str, Any]) -> str | None:
        """Return the text by default, empty if there is none; None if it cannot be known."""
        return self.default if self.derived is None else call_with(self.derived, known)

    @property
    def example_text(self) -> str:
        return self.example or self.default or self.reader.example


def setting(description: str, default: str = "", **rest: Any) -> Any:
    """Declare a field of a dataclass as a setting; see `Declaration`."""
    return dataclasses.field(metadata={_KEY: Declaration(description, default, **rest)})


def by_profile(*values: T) -> Mapping[str, T]:
    """Return the value of each of `LIMIT_PROFILES`."""
    return dict(zip(LIMIT_PROFILES, values, strict=True))


def limit(description: str, *texts: str) -> Any:
    """Declare a limit: its default in each of `LIMIT_PROFILES`, or one for all."""
    profiles = by_profile(*(texts if len(texts) > 1 else texts * 3))
    return setting(description, profiles["medium"], derived=lambda limits: profiles[limits])


def declared(settings: type[Any]) -> Mapping[str, Declaration]:
    """Return the settings of a dataclass by their variables.

    Raises:
        SettingsError: Two fields have one name or variable, or a default reads an unknown field.
    """
    found = dict[str, Declaration]()
    kinds = get_type_hints(settings, include_extras=True)
    names = Counter(name for each in settings.__mro__ for name in inspect.get_annotations(each))
    for field in dataclasses.fields(settings):
        declaration: Declaration | None = field.metadata.get(_KEY)
        if declaration is None:
            continue
        prefix = "" if declaration.vendor else PREFIX
        variable = declaration.variable or f"{prefix}{field.name.upper()}"
        if variable in found or names[field.name] > 1:
            raise SettingsError(f"{variable} is declared twice: give the field another name.")
        if declaration.derived:
            above = {"is_set", *(each.field for each in found.values())}
            check_names(variable, parameters_of(declaration.derived), above)
        kind = kinds[field.name]
        # The file of the keys is a setting, with rules of its own.
        has_file = declaration.has_file or _can_be_secret(kind)
        has_file = has_file and variable != f"{PREFIX}SECRETS"
        found[variable] = dataclasses.replace(
            declaration,
            variable=variable,
            field=field.name,
            reader=reader_of(kind),
            unset=_empty(kind),
            file_variable=f"{variable}_FILE" if has_file else "",
        )
    return found


def parameters_of(function: Callable[..., Any]) -> AbstractSet[str]:
    """Return the names of what a rule or a derived default reads."""
    return inspect.signature(function).parameters.keys()


def call_with(function: Callable[..., T], known: Mapping[str, Any]) -> T | None:
    """Call a rule or a derived default; None if something that it reads is not known."""
    names = parameters_of(function)
    return function(**{name: known[name] for name in names}) if names <= known.keys() else None


def check_names(reader: str, names: AbstractSet[str], known: AbstractSet[str]) -> None:
    """Check that a rule or a derived default reads fields only.

    Raises:
        SettingsError: A name is misspelled, or its field is declared below.
    """
    if wrong := sorted(names - known):
        raise SettingsError(f"{reader} reads {', '.join(wrong)}: there is no such field above.")


def _can_be_secret(kind: Any) -> bool:
    """Return whether a value of a type is hidden, or may be a URL with a secret."""
    if kind is Secret or (isinstance(kind, type) and issubclass(kind, PrivateUrl)):
        return True
    return get_origin(kind) is Secret or any(map(_can_be_secret, get_args(kind)))


def _empty(kind: Any) -> Any:
    """Return the empty value of a field's type, None if the type allows it or has no other."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _empty(arguments[0])
    if origin in (Union, UnionType) or isinstance(kind, EnumType):
        return None
    with suppress(TypeError):  # it has no empty value
        return Secret(_empty(*arguments)) if origin is Secret else kind()
    return None


def example_line(settings: type[Any], variable: str) -> str:
    """Return the line with the example of a variable."""
    return f"Example: {variable}={declared(settings)[variable].example_text}"
