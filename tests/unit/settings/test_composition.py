"""The settings of the core, with and without those of a feature."""

import pickle
from dataclasses import fields

import pytest

from entrypoints.features import FEATURES
from entrypoints.features.feature import Feature
from entrypoints.opening.startup_error import SettingsError
from entrypoints.settings.composition import FIELDS, INSTALLED, Composition, compose
from entrypoints.settings.declaration import declared, descriptions
from entrypoints.settings.read import read_settings
from entrypoints.settings.settings import Settings
from tests.unit.settings.texts import TWILIO

CORE = compose(())
WITH_SETTINGS = [feature for feature in FEATURES if feature.settings is not None]
NUMBER = {"TWILIO_FROM": "+15005550006"}


def settings_of(feature: Feature) -> type[Settings]:
    assert feature.settings is not None
    return feature.settings


def without(feature: Feature) -> Composition:
    return compose([other for other in FEATURES if other is not feature])


def variables_of(feature: Feature) -> set[str]:
    return set(declared(settings_of(feature))) - set(CORE.fields)


@pytest.mark.parametrize("feature", WITH_SETTINGS, ids=lambda feature: feature.name)
def test_without_a_feature_there_is_no_variable_of_it(feature: Feature) -> None:
    composition = without(feature)
    settings = read_settings({}, None, composition=composition)

    assert variables_of(feature)
    assert set(composition.fields) == set(FIELDS) - variables_of(feature)
    assert settings.find(settings_of(feature)) is None
    with pytest.raises(TypeError, match="not installed"):
        settings.of(settings_of(feature))
    installed = read_settings({}, None)
    assert installed.find(settings_of(feature)) is installed.of(settings_of(feature))


def test_no_two_features_declare_the_same_setting() -> None:
    declared_by = [name for feature in WITH_SETTINGS for name in variables_of(feature)]

    assert len(declared_by) == len(set(declared_by))
    assert {*declared_by, *CORE.fields} == set(FIELDS)


@pytest.mark.parametrize("feature", WITH_SETTINGS, ids=lambda feature: feature.name)
def test_without_a_feature_no_line_of_another_setting_names_its_variables(feature: Feature) -> None:
    composition = without(feature)
    described = descriptions(composition.settings)

    for field_name, _ in composition.fields.values():
        named = [name for name in variables_of(feature) if name in described[field_name]]
        assert named == [], field_name


def test_the_core_alone_sends_messages_by_twilio_and_places_no_calls() -> None:
    core = read_settings(TWILIO | NUMBER, None, composition=CORE)
    calls_off = read_settings(TWILIO | NUMBER | {"DIALTONE_VOICE": "none"}, None)

    assert not core.has_phone_line
    assert not core.has_voice_channel
    for are_messages_reported in (False, True):
        policies = [
            settings.otp_policy(are_messages_reported=are_messages_reported)
            for settings in (core, calls_off)
        ]
        assert policies[0] == policies[1]
    assert core.http_otp() == calls_off.http_otp()


def test_the_console_messenger_prints_codes_of_calls_in_the_core_alone_too() -> None:
    core = read_settings({}, None, composition=CORE)

    assert not core.has_phone_line
    assert core.http_otp().has_voice_channel
    installed = read_settings({}, None)
    assert core.otp_policy(are_messages_reported=False) == installed.otp_policy(
        are_messages_reported=False
    )


def test_the_core_alone_has_its_own_rules() -> None:
    with pytest.raises(SettingsError) as error:
        read_settings({"DIALTONE_SMS": "twilio"}, None, composition=CORE)

    named = [line.partition(":")[0] for line in str(error.value).splitlines()]
    sender = ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM"]
    assert named == [*sender, "DIALTONE_COUNTRIES"]
    assert "call" not in str(error.value)
    assert "VOICE" not in str(error.value)


def test_settings_are_sent_to_processes() -> None:
    settings = read_settings(TWILIO | NUMBER, None)

    sent = pickle.loads(pickle.dumps(settings))  # noqa: S301 -- from here

    assert sent == settings
    assert type(sent) is INSTALLED.settings
    assert {field.name for field in fields(sent)} >= {name for name, _ in FIELDS.values()}
