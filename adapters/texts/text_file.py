"""One file: a language or a country, and its text for each platform."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Any, Final

from domain.countries import ALL_COUNTRIES
from domain.errors import InvalidValue
from domain.otp.texts.form import Platform
from domain.otp.texts.locales import parse_locale
from domain.otp.texts.text_set import TextSet, parse_text

SUFFIX: Final = ".toml"


class FileRefused(Exception):
    """A file cannot be used; each of its arguments is a reason."""


@dataclass(frozen=True, slots=True)
class TextFile:
    """The texts of a file; `place` is how the operator finds it."""

    name: str
    place: str
    is_shipped: bool
    texts: TextSet

    @property
    def is_of_country(self) -> bool:
        """Whether it is a country's, which is sent as it stands there."""
        return self.name in ALL_COUNTRIES


def read_text_file(file: Traversable, *, is_shipped: bool) -> TextFile:
    """Read a file.

    Raises:
        FileRefused: with everything that is wrong with its form.
    """
    name = _name(file.name.removesuffix(SUFFIX))
    texts = _texts(_parsed(file))
    place = file.name if is_shipped else str(file)
    read = TextFile(name, place, is_shipped, texts)
    # What a country has registered is neither added to nor made up.
    return (
        read if read.is_of_country else TextFile(name, place, is_shipped, texts.with_last_lines())
    )


def _name(stem: str) -> str:
    try:
        return stem if stem in ALL_COUNTRIES else parse_locale(stem)
    except InvalidValue as error:
        raise FileRefused(
            "it is named neither like a language (es.toml, pt-BR.toml) nor like a country (IN.toml)"
        ) from error


def _parsed(file: Traversable) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise FileRefused(f"it cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise FileRefused("it is not text in UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise FileRefused(f"it is not TOML: {error}") from error


def _texts(entries: Mapping[str, Any]) -> TextSet:
    texts, reasons = {}, []
    for key, words in entries.items():
        try:
            platform = Platform(key)
            texts[platform] = parse_text(platform, str(words))
        except InvalidValue as error:
            reasons.append(f"{key}: {error.message}")
        except ValueError:
            reasons.append(f"{key!r} is no platform; it takes {', '.join(Platform)}")
        if not isinstance(words, str):
            reasons.append(f"{key}: a text stands in quotes")
    if Platform.GENERAL.value not in entries:
        reasons.append("it has no text for general, which is for everybody else")
    if reasons:
        raise FileRefused(*reasons)
    return TextSet(texts)
