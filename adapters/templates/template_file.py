"""A TOML file with the templates of one language or country."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Any, Final

from adapters.files import read_text_file
from adapters.templates.template import parse_template
from adapters.templates.template_set import TemplateSet
from domain.countries import ALL_COUNTRIES
from domain.errors import InvalidValue
from domain.otp.message_preferences import Platform, parse_locale

SUFFIX: Final = ".toml"


class InvalidTemplateFile(Exception):
    """A file that cannot be used; each argument is a reason."""


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """The templates of one file.

    Attributes:
        name: The locale or country of the file's name.
        location: The path of an operator's file, the name of a built-in file.
        is_builtin: Whether the file is part of the service.
        templates: The templates, with the defaults for platforms.
    """

    name: str
    location: str
    is_builtin: bool
    templates: TemplateSet


def read_template_file(file: Traversable, *, is_builtin: bool) -> TemplateFile:
    """Read a file.

    Raises:
        InvalidTemplateFile: with all reasons.
    """
    name = _parse_name(file.name.removesuffix(SUFFIX))
    templates = _parse_templates(_read_toml(file))
    # A country's messages may be registered with its carriers word for word: nothing is added.
    if name not in ALL_COUNTRIES:
        templates = templates.with_platform_defaults()
    return TemplateFile(name, file.name if is_builtin else str(file), is_builtin, templates)


def _parse_name(stem: str) -> str:
    try:
        return stem if stem in ALL_COUNTRIES else parse_locale(stem)
    except InvalidValue as error:
        raise InvalidTemplateFile(
            "its name is neither a language (es.toml, pt-BR.toml) nor a country (IN.toml)"
        ) from error


def _read_toml(file: Traversable) -> Mapping[str, Any]:
    try:
        return tomllib.loads(read_text_file(file))
    except OSError as error:
        raise InvalidTemplateFile(f"it cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InvalidTemplateFile("it is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidTemplateFile(f"it is not TOML: {error}") from error


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
