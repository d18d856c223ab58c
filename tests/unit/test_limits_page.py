"""docs/limits.md has the values of settings and constants, and responses of the API."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from importlib import import_module
from pkgutil import walk_packages
from typing import Any, Final, NamedTuple

import application.limits
import domain
from domain.otp.sliding_window import SlidingWindow
from entrypoints.composition.settings import FIELDS
from entrypoints.http.app import make_error_table
from entrypoints.settings.declaration import LIMIT_PROFILES
from tests.support.http_settings import make_http_settings, make_plugins
from tests.support.markdown import codes, page, rows

_VALUE: Final = re.compile(r"`(\d[\w/,]*)`")
_RESPONSE: Final = re.compile(r"(\d{3}) `(\w+)`")
_SETTING: Final = re.compile(r"(fixed: )?`[A-Z_]+`")
_UNITS: Final = {
    timedelta(days=1): "1d",
    timedelta(hours=1): "1h",
    timedelta(minutes=15): "15m",
    timedelta(minutes=1): "1m",
}
_OUTSIDE_OF_THE_DOMAIN: Final = (
    "adapters.hooks.login_hook",
    "adapters.security.attestation.siteverify",
    "application.features.media.limits",
    "entrypoints.features.voice.feature",
)


class Row(NamedTuple):
    limit: str
    values: list[str]
    setting: str
    responses: list[tuple[str, str]]


def _read_rows() -> Iterator[Row]:
    for limit, *cells in rows(page("docs/limits.md")):
        *_, values, setting, above = ("", "", *cells)
        if _SETTING.fullmatch(setting):
            yield Row(limit, _VALUE.findall(values), setting, _RESPONSE.findall(above))


ROWS: Final = [*_read_rows()]


def _find_constants() -> Iterator[tuple[str, Any]]:
    """Yield the public constants; of several with one name it is the last one."""
    for package in (domain, application.limits):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            yield from vars(import_module(module.name)).items()
    for name in _OUTSIDE_OF_THE_DOMAIN:
        yield from vars(import_module(name)).items()


CONSTANTS: Final = {name: value for name, value in _find_constants() if name[0].isupper()}


def _show(value: Any) -> str:
    windows = value if isinstance(value, tuple) else (value,)
    if isinstance(windows[0], SlidingWindow):
        return ",".join(f"{window.limit}/{_UNITS[window.period]}" for window in windows)
    return str(value)


def _values_of(row: Row) -> list[str]:
    """Return the values of the setting or constant of a row."""
    [named] = codes(row.setting)
    if row.setting.startswith("fixed: "):
        constant = CONSTANTS[named]
        return [*map(_show, constant.values() if isinstance(constant, Mapping) else [constant])]
    values = [str(FIELDS[named].default_text({"limits": name})) for name in LIMIT_PROFILES]
    return values[:1] if len({*values}) == 1 else values


def test_a_row_has_the_values_of_its_setting_or_constant() -> None:
    assert [row for row in ROWS if row.values not in ([], _values_of(row))] == []


def test_a_response_is_one_of_the_api() -> None:
    known = {
        (str(row.status), str(row.code))
        for row in make_error_table(make_plugins(make_http_settings())).rows.values()
    }
    assert {response for row in ROWS for response in row.responses} <= known
