"""The `.env` file, and the example of one."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from entrypoints.settings import SettingsInvalid, read_settings
from entrypoints.settings.example import example_file
from entrypoints.settings.kinds import Bind
from entrypoints.settings.table import VARIABLES

PROJECT = Path(__file__).parents[2]
ENTRY = re.compile(r"^#(?P<name>[A-Z][A-Z0-9_]*)=", re.MULTILINE)


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def problems(env_file: Path) -> tuple[str, ...]:
    with pytest.raises(SettingsInvalid) as refusal:
        read_settings({}, env_file)
    return refusal.value.problems


def test_a_file_that_is_not_there_sets_nothing(env_file: Path) -> None:
    assert read_settings({}, env_file) == read_settings({}, None)


def test_the_environment_wins_over_the_file(env_file: Path) -> None:
    env_file.write_text("DIALTONE_BIND=127.0.0.1:1\nDIALTONE_WORKERS=2\n")

    settings = read_settings({"DIALTONE_BIND": "127.0.0.1:2"}, env_file)

    assert settings.bind.port == 2
    assert settings.workers == 2


def test_an_empty_variable_of_the_environment_does_not_hide_the_file(env_file: Path) -> None:
    env_file.write_text("DIALTONE_WORKERS=2\n")

    assert read_settings({"DIALTONE_WORKERS": ""}, env_file).workers == 2


def test_a_file_may_be_written_in_the_usual_ways(env_file: Path) -> None:
    env_file.write_bytes(
        b"\xef\xbb\xbf# ours\r\n"
        b"export DIALTONE_BIND = '[::1]:8000' # local\r\n"
        b'\r\nDIALTONE_APP_NAME="L\xc3\xa4ut & Co"\r\n'
        b"DIALTONE_WORKERS=2 # two\r\n"
        b"DIALTONE_COUNTRIES=\r\n"
        b"SOMETHING_ELSE=5"
    )

    settings = read_settings({}, env_file)

    assert (settings.bind, settings.app_name) == (Bind("::1", 8000), "Läut & Co")
    assert (settings.workers, settings.countries, settings.unknown) == (2, None, ())


def test_a_value_is_taken_as_written(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "somewhere")
    env_file.write_text("DIALTONE_APP_NAME=${HOME}\n")

    assert read_settings({}, env_file).app_name == "${HOME}"


def test_adapters_of_ones_own_find_their_variables_in_the_file_too(env_file: Path) -> None:
    env_file.write_text("MY_ADDRESS=theirs\nMY_NAME=file\nMY_KEY=k\n")

    read = read_settings({"MY_NAME": " environment\n", "MY_KEY": " ", "HOME": "/"}, env_file)

    assert read.environ == {
        "MY_ADDRESS": "theirs", "MY_NAME": " environment\n", "MY_KEY": "k", "HOME": "/",
    }  # fmt: skip


def test_what_a_chosen_adapter_lacks_in_the_file_is_told(env_file: Path) -> None:
    env_file.write_text("DIALTONE_MEDIA=s3://pictures\nAWS_ACCESS_KEY_ID=a/b\n")

    bad, missing = problems(env_file)

    assert bad.startswith("AWS_ACCESS_KEY_ID (in .env): Takes ")
    assert missing.startswith("AWS_SECRET_ACCESS_KEY: It is not set")


@pytest.mark.parametrize(
    "broken",
    [
        "DIALTONE_ENV production",
        "DIALTONE_ENV",
        '"DIALTONE_ENV=x',
        "=x",
        "DIALTONE ENV=x",
        "A='b",
        'B="c',
    ],
)
def test_a_broken_line_is_named_and_not_quoted(env_file: Path, broken: str) -> None:
    env_file.write_text(f"# a comment\n\nDIALTONE_WORKERS=2\n\n\n{broken}\n")

    (line,) = problems(env_file)

    assert line.startswith(f"{env_file}, line 6: ")
    assert broken not in line


def test_every_broken_line_is_told_with_every_bad_value_and_where_it_is(env_file: Path) -> None:
    env_file.write_text("what?\nDIALTONE_WORKERS=0\nand this?\nDIALTONE_OPERATOR=x\n")

    first, second, value, not_yet = problems(env_file)

    assert (first.split(":")[0], second.split(":")[0]) == (
        f"{env_file}, line 1",
        f"{env_file}, line 3",
    )
    assert value.startswith("DIALTONE_WORKERS (in .env): ")
    assert not_yet.startswith("DIALTONE_OPERATOR (in .env): ")


def test_a_file_that_is_not_text_is_refused(env_file: Path) -> None:
    env_file.write_bytes(b"DIALTONE_APP_NAME=\xff\n")

    assert problems(env_file) == (f"{env_file} is not text in UTF-8; save it as that.",)


def test_a_folder_in_its_place_is_refused(env_file: Path) -> None:
    env_file.mkdir()

    (line,) = problems(env_file)

    assert line.startswith(f"{env_file} cannot be read (Is a directory)")


def test_the_example_lists_every_variable_with_its_default_and_its_line() -> None:
    lines = (PROJECT / ".env.example").read_text().splitlines()

    entries = [(line, lines[at - 1]) for at, line in enumerate(lines) if ENTRY.match(line)]
    assert entries == [(f"#{one.name}={one.default}", f"# {one.line}") for one in VARIABLES]


def test_the_example_is_what_the_table_makes() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "entrypoints.settings"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert printed.stdout == example_file() == (PROJECT / ".env.example").read_text()


def test_the_example_with_every_line_made_active_changes_nothing(env_file: Path) -> None:
    active, count = ENTRY.subn(r"\g<name>=", example_file())
    env_file.write_text(active)

    assert count == len(VARIABLES)
    assert read_settings({}, env_file) == read_settings({}, None)


def test_every_example_in_the_table_is_a_value_that_is_taken() -> None:
    for variable in VARIABLES:
        for example in (variable.example, *variable.more_examples):
            assert variable.read(example) is not None


def test_every_variable_is_described_in_one_line_of_the_width_of_a_page() -> None:
    assert [one.name for one in VARIABLES if "\n" in one.line or len(one.line) > 98] == []
