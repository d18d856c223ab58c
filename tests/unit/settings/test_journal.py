"""`DIALTONE_JOURNAL` and its secret."""

from pathlib import Path
from typing import Final

import pytest

from entrypoints.features.journal import JournalSettings
from entrypoints.settings.read import describe_settings, read_settings
from entrypoints.settings.values import HttpHook
from tests.support.settings import problems

SECRET: Final = f"whsec_{'A' * 32}"
URL: Final = "https://journal.test/lines?key=4711"


def read_journal(environ: dict[str, str]) -> JournalSettings:
    return read_settings(environ, None).of(JournalSettings)


def test_it_is_a_file_or_a_hook_whose_path_is_not_shown() -> None:
    assert read_journal({}).journal is None
    assert read_journal({"DIALTONE_JOURNAL": "a/journal.jsonl"}).journal == Path("a/journal.jsonl")
    settings = read_journal({"DIALTONE_JOURNAL": URL, "DIALTONE_JOURNAL_SECRET": SECRET})

    assert settings.journal == HttpHook(URL, "https://journal.test")
    shown = {row.name: row.shown for row in describe_settings(settings)}
    assert shown["DIALTONE_JOURNAL"] == "https://journal.test"
    assert shown["DIALTONE_JOURNAL_SECRET"] == "(hidden)"


@pytest.mark.parametrize("text", ["ftp://a/b", "folder/", "http://example.org/lines"])
def test_anything_else_is_an_error(text: str) -> None:
    assert list(problems({"DIALTONE_JOURNAL": text})) == ["DIALTONE_JOURNAL"]


def test_a_hook_needs_its_secret_and_https_in_production() -> None:
    assert list(problems({"DIALTONE_JOURNAL": URL})) == ["DIALTONE_JOURNAL_SECRET"]
    local = {"DIALTONE_JOURNAL": "http://127.0.0.1:1/", "DIALTONE_JOURNAL_SECRET": SECRET}
    assert read_journal(local).journal_hooks
    assert "https://" in problems(local | {"DIALTONE_ENV": "production"})["DIALTONE_JOURNAL"]
