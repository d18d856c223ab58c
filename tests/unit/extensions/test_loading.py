"""What an extension declares is checked before anything is opened: one sentence names it."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from adapters.records.extension_kinds import find_extension, find_kind_problem
from adapters.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from entrypoints.extensions import loading
from entrypoints.extensions.loading import load_named
from entrypoints.opening.extensions import EXTENSIONS, VARIABLE, load_extensions
from entrypoints.opening.startup_error import StartupError

VALID: Final = """
from dataclasses import dataclass
from entrypoints.extensions import Extension, RecordKind, Record, Secret, secret, setting

@dataclass
class Plain:
    city: str = ""

@dataclass
class TwoFiles:
    key: Secret = secret("A key.")
    key_file: str = setting("A file.")

class Own(Extension):
    name = "acme"
    api = 1

feature = Own()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the current folder, whose modules are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    for file in tmp_path.glob("*.py"):
        sys.modules.pop(file.stem, None)


def load(folder: Path, text: str, name: str = "own_extension") -> None:
    (folder / f"{name}.py").write_text(text)
    load_named(f"{name}:feature", VARIABLE)


def test_an_extension_of_the_current_folder_is_loaded(folder: Path) -> None:
    load(folder, VALID)


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("feature = Own()", "feature = Own", "is not an extension, but the class Own: name an obj"),
        ("feature = Own()", "feature = {}", "is not an extension, but a dict"),
        ("feature = Own()", "", "cannot be imported (module 'own_extension' has no attribute"),
        ("feature = Own()", "raise KeyError('hidden')", "its module raises KeyError (XX, line 18)"),
        ("feature = Own()", "raise SystemExit", "its module raises SystemExit"),
        ("feature = Own()", "feature = (", "cannot be imported ('(' was never closed"),
        ("api = 1", "api = 2", "was written for version 2 ofXX this program has version 1"),
        ("api = 1", "", "was written for version None"),
        ('"acme"', '"Acme"', "`name` must be lower-case letters"),
        ('"acme"', '"acme_"', "`name` must be lower-case letters"),
        ('"acme"', f'"{"a" * 33}"', "at most 32 characters"),
        ("api = 1", "api = 1; kinds = [1]", "`kinds` must be a tuple of RecordKind"),
        ("api = 1", 'api = 1; data = "profile"', "`data` must be a tuple of texts"),
        ("api = 1", "api = 1; settings = int", "`settings` must be a dataclass"),
        ("api = 1", "api = 1; settings = Plain", "must be setting(…) or secret(…)"),
        ("api = 1", "api = 1; settings = TwoFiles", "setting key_file has the name of the file"),
        ("api = 1", "api = 1; kinds = property(lambda _: 1 / 0)", "cannot be used (ZeroDivision"),
        (
            "api = 1",
            'api = 1; kinds = (RecordKind("identities", Record),)',
            "Its records identities: Its name must be x_acme_ and one word",
        ),
    ],
)
def test_a_wrong_extension_is_one_sentence_that_names_it(
    folder: Path, before: str, after: str, problem: str
) -> None:
    place = "^DIALTONE_EXTENSIONS: own_extension:feature"
    pattern = re.escape(problem).replace("XX", ".*")
    with pytest.raises(StartupError, match=f"{place}.*{pattern}") as raised:
        load(folder, VALID.replace(before, after))
    assert "hidden" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_is_made_of_all_extensions_is_imported_by_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "inside.py").write_text("")
    monkeypatch.setattr(loading, "_INSIDES", ("inside",))
    with pytest.raises(StartupError, match="imports inside of Dialtone, which is not for ext"):
        load(folder, f"import inside\n{VALID}")


@pytest.mark.parametrize(
    ("other", "problem"),
    [("acme", "two extensions have the name acme"), ("acme_shop", "acme and acme_shop cannot be")],
)
def test_two_extensions_whose_variables_could_be_the_same_are_refused(
    folder: Path, other: str, problem: str
) -> None:
    (folder / "one.py").write_text(VALID)
    (folder / "other.py").write_text(VALID.replace('"acme"', f'"{other}"'))
    with pytest.raises(StartupError, match=problem):
        load_named("one:feature, other:feature", VARIABLE)


def test_the_variable_may_be_in_the_file(folder: Path) -> None:
    load_extensions({VARIABLE: " "})
    (folder / ".env").write_text("DIALTONE_SMS=console\n")
    load_extensions({})
    assert EXTENSIONS == []
    (folder / ".env").write_text(f"{VARIABLE}=own_extension:feature\n")
    with pytest.raises(StartupError, match="own_extension:feature cannot be imported"):
        load_extensions({})


# Kinds of records


class Note(Record, kw_only=True):
    id: str
    owner_id: str
    city: int = 0
    user: str = ""
    state: str = "new"
    expires_at: str = ""


class Many(Record, kw_only=True):
    id: str
    one: str
    two: str
    three: str
    city: str


class NoId(Record, kw_only=True):
    owner_id: str


class WithPhone(Note):
    @property
    def encrypted_phones(self) -> list[bytes]:
        return []


NAME: Final = "x_acme_notes"


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (RecordKind(NAME, Note), None),
        (RecordKind(NAME, Note, Index(name=f"{NAME}_owner_id", equal=("owner_id",))), None),
        (RecordKind("x_acme_many_notes", Note), "x_acme_ and one word"),
        (RecordKind("x_other_notes", Note), "x_acme_ and one word"),
        (RecordKind(f"x_acme_{'n' * 57}", Note), "at most 60 characters"),
        (RecordKind(NAME, NoId), "must have a field `id: str`"),
        (RecordKind(NAME, WithPhone), "no encrypted phones"),
        (RecordKind(NAME, Note, Index(name="owner_id", equal=("owner_id",))), "begins with x_acme"),
        (RecordKind(NAME, Note, Index(name=f"{NAME}_{'n' * 51}")), "at most 60 characters"),
        (
            RecordKind(NAME, Many, Index(name=f"{NAME}_m", equal=("one", "two", "three", "city"))),
            "has too many fields",
        ),
        (RecordKind(NAME, Note, Index(name=f"{NAME}_u", equal=("user",))), "user, whose name"),
        (RecordKind(NAME, Note, Index(name=f"{NAME}_c", equal=("city",))), "city of the type str"),
        (RecordKind(NAME, Note, Index(name=f"{NAME}_n", equal=("none",))), "none of the type str"),
        (RecordKind(NAME, Note, Index(name=f"{NAME}_s", equal=("state",))), "give it no default"),
        (RecordKind(NAME, Note, Index(name=f"{NAME}_e", order=EXPIRES_AT)), "of the type datetime"),
    ],
)
def test_a_kind_that_a_database_could_not_keep_is_refused(
    kind: RecordKind[Record], problem: str | None
) -> None:
    found = find_kind_problem(kind, "acme")
    assert found is problem is None or (problem is not None and problem in str(found))


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        ("x_acme_profile_profiles", "acme_profile"),
        ("x_acme_notes", "acme"),
        ("x_notes", None),
        ("identities", None),
        ('x_acme_n"; DROP', None),
    ],
)
def test_the_name_of_a_kind_says_whose_it_is(name: str, extension: str | None) -> None:
    assert find_extension(name) == extension
