"""Settings of an extension, which only that extension sees."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from domain.errors import InvalidValue
from entrypoints.settings.declaration import (
    Declaration,
    SettingGroup,
    declare,
    declared,
    optional,
)
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Secret

S = TypeVar("S")
T = TypeVar("T")


def setting(
    description: str,
    parse: Callable[[str], Any] = str,
    *,
    default: str = "",
    unset: Any = None,
    example: str = "",
) -> Any:
    """Declare a field of a dataclass as a setting: `DIALTONE_X_<EXTENSION>_<FIELD>`.

    Args:
        description: One sentence for the operator.
        parse: Returns the value of a text that is not empty, or raises `InvalidValue` with one
            sentence that says what is valid, and does not quote the text.
        default: The text that is parsed if the variable is not set; empty if there is none.
        unset: The value if the variable is not set and has no default.
        example: A valid text for error messages; by default the default.
    """
    return optional(description, parse, default=default, unset=unset, example=example)


def secret(description: str, *, example: str = "a-secret") -> Any:
    """Declare a field as a secret: a `Secret[str]`, empty if it is not set.

    It may be in a file, which the variable with `_FILE` at its end names. Nothing shows it.
    """
    return optional(description, Secret, unset=Secret(""), example=example)


def make_settings_class(name: str, fields_of: type[Any] | None) -> type[Settings] | None:
    """Return the class by which the settings of an extension are read with all others.

    Args:
        name: The name of the extension.
        fields_of: Its dataclass.
    """
    if fields_of is None:
        return None
    prefix = f"DIALTONE_X_{name.upper()}_"
    fields = [
        (_stored_name(name, field), Any, declare(declaration))
        for field, declaration in _own_declarations(name, fields_of, prefix).items()
    ]
    return dataclasses.make_dataclass(
        f"SettingsOf{name}", fields, bases=(Settings,), frozen=True, kw_only=True
    )


def own_settings(name: str, fields_of: type[S], settings: Settings) -> S:
    """Return the settings of an extension, as an object of its dataclass."""
    fields = dataclasses.fields(fields_of)  # type: ignore[arg-type]  # it was checked at the start
    return fields_of(
        **{field.name: getattr(settings, _stored_name(name, field.name)) for field in fields}
    )


def _own_declarations(name: str, fields_of: type[Any], prefix: str) -> Mapping[str, Declaration]:
    return {
        field: dataclasses.replace(
            declaration,
            name=field.upper(),
            prefix=prefix,
            group=SettingGroup.OPTIONAL,
            parse=_guard(name, declaration.parse),
        )
        for field, declaration in declared(fields_of).values()
    }


def _guard(name: str, parse: Callable[[str], T]) -> Callable[[str], T]:
    """Return a parser that raises nothing but `InvalidValue`."""

    def parse_guarded(text: str) -> T:
        try:
            return parse(text)
        except InvalidValue:
            raise
        except Exception as error:  # noqa: BLE001 -- somebody else's code, and a text of the operator
            reason = type(error).__name__
            raise InvalidValue(f"The extension {name} cannot use this value ({reason}).") from None

    return parse_guarded


def _stored_name(name: str, field: str) -> str:
    return f"x_{name}_{field}"
