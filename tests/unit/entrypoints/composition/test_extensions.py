"""What `DIALTONE_EXTENSIONS` names is checked when it is loaded: one line says what is wrong."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.databases.records.kind_checks import find_kind_problem
from adapters.databases.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from entrypoints.composition import extensions
from entrypoints.composition.extensions import VARIABLE, load_extensions, name_extensions
from entrypoints.features.feature import Feature
from entrypoints.settings.startup_error import SettingsError

VALID: Final = """
from adapters.databases.records.record_kind import Index, Record, RecordKind
from entrypoints.features.feature import Feature

class Note(Record, kw_only=True):
    id: str

class Own(Feature):
    name = "acme"
    kinds = (RecordKind("x_acme", Note),)

feature = Own()
"""


class Ours(Feature[None]):
    name = "ours"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the current folder, whose modules are forgotten afterwards.

    Modules of the same names may be there already, of a test that wrote its own.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(extensions, "_NAMED", [])
    for name in ("own", "other", "third"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield tmp_path
    for file in tmp_path.glob("*.py"):
        sys.modules.pop(file.stem, None)


def load(text: str) -> list[Feature[Any]]:
    name_extensions({VARIABLE: text})
    return [*load_extensions([Ours()])]


def write(folder: Path, text: str, name: str = "own") -> None:
    (folder / f"{name}.py").write_text(text)


def test_the_variable_may_be_in_the_file(folder: Path) -> None:
    write(folder, VALID)
    name_extensions({VARIABLE: " "})
    assert load_extensions([]) == []
    (folder / ".env").write_text(f"{VARIABLE}=own:feature\n")
    name_extensions({})
    assert [feature.name for feature in load_extensions([])] == ["acme"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("acme", "Must be package.module:factory. Example: DIALTONE_EXTENSIONS=acme"),
        ("own:feature,own:feature", "own:feature has a name that is taken, acme"),
        (
            "no_such:feature",
            "no_such:feature cannot be imported (No module named 'no_such'): insta",
        ),
        ("own:missing", "own:missing cannot be imported (module 'own' has no attribute 'missing')"),
        ("own:Own", "own:Own is the class Own: name an object of it."),
        (
            "own:__name__",
            "own:__name__ is no Feature (its type is str): name an object of a subclass of",
        ),
    ],
)
def test_a_wrong_value_is_one_line(folder: Path, text: str, problem: str) -> None:
    write(folder, VALID)
    with pytest.raises(SettingsError, match=re.escape(problem)) as raised:
        load(text)
    assert str(raised.value).startswith(f"{VARIABLE}: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("feature = Own()", "raise KeyError('hidden')", "its module raises KeyError (XX, line 12)"),
        (
            "feature = Own()",
            "feature = (",
            "cannot be imported ('(' was never closed (own.py, line 12)): mend that line",
        ),
        ('"acme"', '"Acme Notes"', "has no `name` of lower-case letters"),
        ('"acme"', '"ours"', "has a name that is taken, ours: give it a name of its own"),
        ('"acme"', '"acme"; needs = ("none",)', "needs the feature none, which is not there"),
        ('"acme"', '"acme"; open = dict', "has an `open` that is no coroutine"),
        ("(RecordKind(", "[RecordKind(", "has no tuple of RecordKind as its `kinds`"),
        ('"x_acme"', '"identities"', "the records identities: Its name must begin with x_"),
    ],
)
def test_a_wrong_extension_is_one_line_that_names_it(
    folder: Path, before: str, after: str, problem: str
) -> None:
    text = VALID.replace(before, after)
    write(folder, text.replace("Note),)", "Note)]") if after.startswith("[") else text)
    pattern = re.escape(problem).replace("XX", ".*")
    with pytest.raises(SettingsError, match=f"^{VARIABLE}: own:feature .*{pattern}") as raised:
        load("own:feature")
    assert "hidden" not in str(raised.value)
    assert "\n" not in str(raised.value)


# Kinds of records


class Note(Record, kw_only=True):
    id: str
    owner_id: str
    count: int = 0
    user: str = ""
    state: str = "new"
    expires_at: str = ""


class NoId(Record, kw_only=True):
    owner_id: str


NAME: Final = "x_acme_notes"


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (RecordKind(NAME, Note), None),
        (RecordKind(NAME, Note, Index(name=f"{NAME}_owner_id", equal=("owner_id",))), None),
        (RecordKind(NAME, NoId), "must have a field `id: str`"),
        (RecordKind(NAME, Note, Index(name="owner_id", equal=("owner_id",))), "begins with x_acme"),
        (RecordKind(NAME, Note, Index(name=f"{NAME}_{'n' * 51}")), "at most 60 characters"),
        (RecordKind(NAME, Note, Index(name=f"{NAME}_u", equal=("user",))), "user, whose name"),
        (
            RecordKind(NAME, Note, Index(name=f"{NAME}_c", equal=("count",))),
            "count of the type str",
        ),
        (RecordKind(NAME, Note, Index(name=f"{NAME}_s", equal=("state",))), "give it no default"),
        (RecordKind(NAME, Note, Index(name=f"{NAME}_e", order=EXPIRES_AT)), "of the type datetime"),
    ],
)
def test_a_kind_that_a_database_could_not_keep_is_refused(
    kind: RecordKind[Record], problem: str | None
) -> None:
    found = find_kind_problem(kind)
    assert found is problem is None or (problem is not None and problem in str(found))
