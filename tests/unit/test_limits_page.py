"""docs/limits.md has the defaults of the settings of limits, and responses of the API."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import pytest

from entrypoints.http.app import make_error_table
from entrypoints.settings.composition import FIELDS
from entrypoints.settings.declaration import LIMIT_PROFILES
from entrypoints.settings.read import read_settings
from tests.support.http_settings import make_http_settings, make_plugins
from tests.support.markdown import codes, page, rows

PROFILES: Final = [read_settings({"DIALTONE_LIMITS": name}, None) for name in LIMIT_PROFILES]
_ALL_LIMITS: Final = page("docs/limits.md").partition("## All limits")[2]
_VALUE: Final = re.compile(r"`(\d[\w/,]*)`")
_RESPONSE: Final = re.compile(r"(\d{3}) `(\w+)`")


class Row(NamedTuple):
    limit: str
    values: list[str]
    setting: str
    responses: list[tuple[str, str]]


def _read_rows() -> Iterator[Row]:
    for limit, *_, values, setting, above in rows(_ALL_LIMITS):
        yield Row(limit, _VALUE.findall(values), setting, _RESPONSE.findall(above))


ROWS: Final = [*_read_rows()]


@pytest.mark.parametrize(
    "row", [row for row in ROWS if "fixed" not in row.setting], ids=lambda row: row.limit
)
def test_a_row_has_the_values_of_its_setting(row: Row) -> None:
    _, declaration = FIELDS[codes(row.setting)[0]]
    in_profiles = [declaration.default_text(settings) for settings in PROFILES]
    values = [*dict.fromkeys(in_profiles)] if len(set(in_profiles)) == 1 else in_profiles
    assert row.values in ([], values)


def test_a_response_is_one_of_the_api() -> None:
    known = {
        (str(row.status), str(row.code))
        for row in make_error_table(make_plugins(make_http_settings())).rows.values()
    }
    assert {response for row in ROWS for response in row.responses} <= known
