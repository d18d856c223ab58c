"""A TOML file with the templates of one language or country."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Any, Final

from adapters.messages.templates.template import (
    find_former_placeholder,
    parse_notice,
    parse_template,
)
from adapters.messages.templates.template_set import TemplateSet
from adapters.shared.files import read_toml_file
from domain.countries import ALL_COUNTRIES
from domain.errors import InvalidValue
from domain.identities.phone_change import PhoneNotice
from domain.otp.challenge import Purpose
from domain.otp.messages import Platform, parse_locale

SUFFIX: Final = ".toml"
TABLES: Final = (
    *(purpose for purpose in Purpose if purpose is not Purpose.SIGN_IN),
    *PhoneNotice,
)
"""The tables that a file may have. The messages to sign in are above all tables."""
_KNOWN_TABLES: Final = ", ".join(f"[{name}]" for name in TABLES)
_FORMER_TABLES: Final = re.compile(r"phone_\w+|\w+_phone_change|console_sign_in")
"""Messages about changes of the number, of which there were more, and the code of the console."""


class InvalidTemplateFile(Exception):
    """A file that cannot be used; each argument is a reason."""


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """The templates of one file.

    Attributes:
        name: The locale or country of the file's name.
        location: The path of an operator's file, the name of a built-in file.
        templates: The templates of messages with a code, with the defaults for platforms. There
            are always those to sign in.
        unused_tables: Why tables are not used, by their names.
    """

    name: str
    location: str
    is_builtin: bool
    templates: Mapping[Purpose, TemplateSet]
    notices: Mapping[PhoneNotice, str]
    unused_tables: Mapping[str, str]

    @property
    def is_for_country(self) -> bool:
        return self.name in ALL_COUNTRIES

    @property
    def locale(self) -> str | None:
        """The language of the templates; None if they are for a country."""
        return None if self.is_for_country else self.name

    @property
    def messages(self) -> tuple[Purpose | PhoneNotice, ...]:
        return (*self.templates, *self.notices)

    @property
    def missing_tables(self) -> list[str]:
        return [table for table in TABLES if table not in self.messages]


def read_template_file(file: Traversable, *, is_builtin: bool) -> TemplateFile:
    """Read a file.

    A table of a message that earlier versions sent about changes of the number, or of one whose
    text had other values then, is not used.

    Raises:
        InvalidTemplateFile: with all reasons.
    """
    name = _parse_name(file.name.removesuffix(SUFFIX))
    try:
        entries = read_toml_file(file)
    except ValueError as error:
        raise InvalidTemplateFile(str(error)) from error
    templates, notices, unused_tables = _parse_tables(entries)
    # A country's messages may be registered with its carriers word for word: nothing is added.
    if name not in ALL_COUNTRIES:
        templates = {key: texts.with_platform_defaults() for key, texts in templates.items()}
    location = file.name if is_builtin else str(file)
    return TemplateFile(name, location, is_builtin, templates, notices, unused_tables)


def _parse_name(stem: str) -> str:
    try:
        return stem if stem in ALL_COUNTRIES else parse_locale(stem)
    except InvalidValue as error:
        raise InvalidTemplateFile(
            "its name is neither a language (es.toml, pt-BR.toml) nor a country (IN.toml)"
        ) from error


def _parse_tables(
    entries: Mapping[str, Any],
) -> tuple[dict[Purpose, TemplateSet], dict[PhoneNotice, str], dict[str, str]]:
    tables = {
        key: entry for key, entry in entries.items() if key in TABLES or isinstance(entry, Mapping)
    }
    texts_to_sign_in = {key: text for key, text in entries.items() if key not in tables}
    templates: dict[Purpose, TemplateSet] = {}
    notices: dict[PhoneNotice, str] = {}
    unused_tables: dict[str, str] = {}
    reasons: list[str] = []
    try:
        templates[Purpose.SIGN_IN] = _parse_templates(texts_to_sign_in)
    except InvalidTemplateFile as error:
        reasons += error.args
    for key, table in tables.items():
        if why_unused := _find_what_is_former(key, table):
            unused_tables[key] = why_unused
            continue
        try:
            _check_table(key, table)
            if key in tuple(PhoneNotice):
                notices[PhoneNotice(key)] = _parse_notice(PhoneNotice(key), table)
            else:
                templates[Purpose(key)] = _parse_templates(table)
        except InvalidTemplateFile as error:
            reasons += (f"[{key}] {reason}" for reason in error.args)
    if reasons:
        raise InvalidTemplateFile(*reasons)
    return templates, notices, unused_tables


def _find_what_is_former(key: str, table: object) -> str:
    """Return why a table was good for earlier versions only, or an empty text."""
    if key not in TABLES and _FORMER_TABLES.fullmatch(key):
        return f"this message is no longer sent; there are {_KNOWN_TABLES}"
    text = table.get(Platform.GENERAL) if isinstance(table, Mapping) else None
    if key in tuple(PhoneNotice) and isinstance(text, str):
        placeholder = find_former_placeholder(text)
        return f"{placeholder} is no longer a placeholder" if placeholder else ""
    return ""


def _check_table(key: str, table: object) -> None:
    if key not in TABLES:
        raise InvalidTemplateFile(f"is not a table of this file; there are {_KNOWN_TABLES}")
    if not isinstance(table, Mapping):
        raise InvalidTemplateFile(f"is a table: write [{key}] above its texts")


def _parse_templates(entries: Mapping[str, Any]) -> TemplateSet:
    templates, reasons = {}, []
    for key, text in entries.items():
        if key not in tuple(Platform):
            reasons.append(f"{key!r} is not a platform; there are {', '.join(Platform)}")
        elif not isinstance(text, str):
            reasons.append(f"{key}: a template is a text in quotes")
        else:
            try:
                templates[Platform(key)] = parse_template(Platform(key), text)
            except InvalidValue as error:
                reasons.append(f"{key}: {error.message}")
    if Platform.GENERAL.value not in entries:
        reasons.append("it has no template for general, the default of all platforms")
    if reasons:
        raise InvalidTemplateFile(*reasons)
    return TemplateSet(templates)


def _parse_notice(notice: PhoneNotice, entries: Mapping[str, Any]) -> str:
    text = entries.get(Platform.GENERAL)
    if not isinstance(text, str) or len(entries) > 1:
        raise InvalidTemplateFile("has one template, a text in quotes for general, and no other")
    try:
        return parse_notice(notice, text)
    except InvalidValue as error:
        raise InvalidTemplateFile(f"general: {error.message}") from error
