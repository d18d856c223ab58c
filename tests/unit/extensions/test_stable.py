"""What is stable for extensions changes only with its version, and the page lists it."""

import sys
from pathlib import Path
from typing import Final

import pytest

from entrypoints.extensions import EXTENSION_API
from entrypoints.extensions.loading import load_named
from entrypoints.http.extensions.plugin import make_extension_plugin
from entrypoints.opening.extensions import VARIABLE
from tests.support.extension_api import MODULES, describe, stable_names
from tests.support.markdown import blocks_in, codes, page, tables

GOLDEN: Final = Path(__file__).parents[1] / f"golden/extension_api_{EXTENSION_API}.txt"


def test_what_is_stable_is_what_the_version_promises() -> None:
    assert [*describe()] == GOLDEN.read_text(encoding="utf-8").splitlines(), (
        "An extension could notice this change. If one that works would fail, raise EXTENSION_API. "
        f"Otherwise write {GOLDEN.name} with `python -m tests.support.extension_api`, and add a "
        "line to CHANGELOG.md."
    )


def test_the_page_lists_all_that_is_stable() -> None:
    listed = [name for row in tables(page("docs/extensions.md"))[1] for name in codes(row[0])]

    assert sorted(listed) == sorted(stable_names())
    assert all(module.__all__ == sorted(module.__all__, key=_isort_key) for module in MODULES)


def test_the_example_of_the_page_is_an_extension(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    (text,) = blocks_in("python", page("docs/extensions.md"))
    (tmp_path / "acme_note.py").write_text(text, encoding="utf-8")
    try:
        (extension,) = load_named("acme_note:feature", VARIABLE)
        parts = extension.http()
        assert parts is not None
        assert make_extension_plugin(extension.name, parts).methods == ["GET", "PUT"]
    finally:
        sys.modules.pop("acme_note", None)


def _isort_key(name: str) -> tuple[bool, bool, str]:
    return not name.isupper(), name[0].islower(), name
