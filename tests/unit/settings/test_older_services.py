"""Variables of the services that Dialtone replaces."""

import pytest

from entrypoints.settings.composition import FIELDS
from entrypoints.settings.older_services import find_older, older_line
from entrypoints.settings.read import SettingsError, read_settings

OLDER = {
    "MONGO_URI": "DIALTONE_DATABASE=mongodb://",
    "JWT_SECRET_KEY": "DIALTONE_SECRETS_FILE=",
    "SECRET_KEY": "DIALTONE_SECRETS_FILE=",
    "FLASK_ENV": "DIALTONE_ENV=",
    "SMS_PROVIDER": "DIALTONE_SMS=",
    "TWILIO_PHONE_NUMBER": "TWILIO_FROM",
    "TWILIO_MAIN_PHONE_NUMBER": "TWILIO_FROM",
    "DATABASE_URL": "DIALTONE_DATABASE=postgresql://",
}


def test_each_variable_of_an_older_service_is_answered_with_ours() -> None:
    variables = dict.fromkeys(OLDER, "mongodb://user:the-password@host/name")
    settings = read_settings(variables, None)

    found = dict(find_older(settings.variables.values))

    assert found.keys() == OLDER.keys()
    for name, expected in OLDER.items():
        assert expected in found[name]
        assert "the-password" not in older_line(name, found[name])


def test_variables_that_both_read_are_not_mentioned() -> None:
    assert not list(find_older(FIELDS))
    assert not list(find_older({"TWILIO_ACCOUNT_SID": "x", "AWS_ACCESS_KEY_ID": "x"}))


def test_an_error_of_the_settings_mentions_them_too() -> None:
    variables = {"DIALTONE_ENV": "production", "MONGO_URI": "mongodb://host/name"}
    with pytest.raises(SettingsError, match="MONGO_URI: This is not used"):
        read_settings(variables, None)
