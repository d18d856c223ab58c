"""The `.env` file, spelled as anybody may, or as nobody should."""

from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrypoints.settings import SettingsInvalid, read_settings
from entrypoints.settings.env_file import read_env_file
from tests.support.examples import examples
from tests.unit.settings_texts import MARK, NAMES

PRINTABLE: Final = st.text(
    st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" #'\"\\$={}`"), min_size=1
).map(str.strip).filter(bool)  # fmt: skip
ENDS: Final = st.sampled_from(["\n", "\r\n", "\r"])
BROKEN: Final = st.lists(
    st.sampled_from(
        [
            *"AB=#'\"\\ \t\n\r\0\x1b\u2028{}$",
            *("export ", "DIALTONE_WORKERS", "=2", "\r\n", "\\N{"),
            *(MARK, "DIALTONE_DATABASE=mongodb://me:"),
        ]
    ),
    max_size=12,
).map("".join)


@pytest.fixture(scope="module")
def env_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("settings") / ".env"


def _quoted(quote: str, text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    return f"{quote}{escaped}{quote}"


@st.composite
def spelled(draw: st.DrawFn) -> tuple[str, str]:
    """A value, and one of the ways to write it in the file."""
    value = draw(PRINTABLE)
    ways = [_quoted("'", value), _quoted('"', value)]
    if value[0] not in "'\"#" and " #" not in value:
        ways.append(value)
    return value, draw(st.sampled_from(ways))


@given(
    st.lists(spelled(), min_size=1, max_size=3),
    st.sampled_from(["", "export ", "  ", "export\t"]),
    st.sampled_from(["=", " = ", "= "]),
    st.sampled_from(["", " ", " # why", "\t# why not = '"]),
    ENDS,
    st.sampled_from(["", "\ufeff"]),
)
@settings(max_examples=examples(10))
def test_a_value_is_read_from_the_file_in_every_usual_spelling(
    env_file: Path,
    values: list[tuple[str, str]],
    before: str,
    equals: str,
    after: str,
    end: str,
    mark: str,
) -> None:
    lines = [f"{before}NAME_{at}{equals}{way}{after}" for at, (_, way) in enumerate(values)]
    env_file.write_bytes(f"{mark}# ours{end}{end}{end.join(lines)}{end}".encode())
    file = read_env_file(env_file)
    assert file.problems == []
    assert file.values == {f"NAME_{at}": value for at, (value, _) in enumerate(values)}


@given(BROKEN.map(str.encode) | st.binary(max_size=40))
@settings(max_examples=examples(10))
def test_any_file_is_read_or_refused_line_by_line(env_file: Path, content: bytes) -> None:
    env_file.write_bytes(content)
    try:
        read_settings({}, env_file)
    except SettingsInvalid as refusal:
        lines = refusal.problems
    else:
        return
    for line in lines:
        assert line.isprintable()
        assert MARK not in line
        assert line.startswith((str(env_file), *NAMES))
