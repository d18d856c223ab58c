"""The settings of the core and of all features together."""

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pytest

from entrypoints.features import FEATURES
from entrypoints.features.feature import Feature
from entrypoints.opening.startup_error import SettingsError
from entrypoints.settings import checks
from entrypoints.settings.composition import FIELDS, AllSettings
from entrypoints.settings.declaration import declared, setting
from entrypoints.settings.read import read_settings
from entrypoints.settings.rules import Problem
from entrypoints.settings.settings import Settings
from tests.unit.entrypoints.settings.texts import TWILIO

CORE: Final = declared(Settings)
WITH_SETTINGS: Final = {
    feature: feature.settings for feature in FEATURES if feature.settings is not None
}


def variables_of(feature: Feature) -> set[str]:
    return set(declared(WITH_SETTINGS[feature])) - set(CORE)


def test_each_setting_is_declared_once_by_the_core_or_a_feature() -> None:
    of_features = {name for feature in WITH_SETTINGS for name in variables_of(feature)}

    assert {*of_features, *CORE} == set(FIELDS)
    assert len(declared(AllSettings)) == len({each.field for each in FIELDS.values()})


@pytest.mark.parametrize("feature", WITH_SETTINGS, ids=lambda feature: feature.name)
def test_no_line_of_another_setting_names_the_variables_of_a_feature(feature: Feature) -> None:
    own = variables_of(feature)
    others = [declaration for name, declaration in FIELDS.items() if name in CORE]

    assert own
    assert [each for each in others if any(name in each.description for name in own)] == []


def test_a_misspelled_name_of_a_field_is_an_error_of_valid_settings_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def rule(worker_count: int) -> Iterator[Problem]:
        yield Problem("DIALTONE_WORKERS", f"{worker_count}")

    @dataclass(frozen=True, kw_only=True)
    class Below(Settings):
        one: str = setting("One.", derived=lambda two: two)
        two: str = setting("Two.")

    def about_another(workers: int) -> Iterator[Problem]:
        yield Problem("DIALTONE_WORKER", f"{workers}")

    for wrong, text in (
        (rule, "rule reads worker_count: there is no such field above"),
        (about_another, "about_another names DIALTONE_WORKER, which is no setting"),
    ):
        monkeypatch.setattr(checks, "_RULES", (wrong,))
        with pytest.raises(SettingsError, match=text):
            read_settings({}, None)
    with pytest.raises(SettingsError, match="DIALTONE_ONE reads two: there is no such field above"):
        declared(Below)


def test_two_fields_of_one_name_or_variable_are_an_error() -> None:
    @dataclass(frozen=True, kw_only=True)
    class SameVariable(Settings):
        processes: int = setting("Processes.", variable="DIALTONE_WORKERS")

    @dataclass(frozen=True, kw_only=True)
    class SameName(Settings):
        workers: int = setting("Workers.", variable="DIALTONE_PROCESSES")

    for twice in (SameVariable, SameName):
        with pytest.raises(SettingsError, match=r"^DIALTONE_\w+ is declared twice"):
            declared(twice)


def test_a_type_may_be_written_as_a_text() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Postponed(Settings):
        one: "tuple[int, ...]" = setting("One.")

    assert declared(Postponed)["DIALTONE_ONE"].reader.read("1,2") == (1, 2)


def test_a_vendor_that_a_default_names_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Acme(Settings):
        one: str = setting("One.", "acme", names="vendors")
        two: str = setting("Two.", vendor="acme")

    monkeypatch.setattr(checks, "FIELDS", declared(Acme))

    assert "TWO" not in checks.unused_variables({})
    assert "TWO" in checks.unused_variables({"DIALTONE_ONE": "other"})


def test_settings_are_sent_to_processes() -> None:
    settings = read_settings(TWILIO, None)

    sent = pickle.loads(pickle.dumps(settings))  # noqa: S301 -- from here

    assert sent == settings
    assert type(sent) is AllSettings
