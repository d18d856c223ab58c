"""Reading variables from the environment and `.env`."""

import os
from pathlib import Path
from typing import Final

import pytest

from entrypoints.composition.read_settings import (
    REMOVED,
    find_exposed_secrets,
    find_unknown,
    list_mistakes,
    read_settings,
)
from entrypoints.composition.settings import VARIABLES
from entrypoints.settings.startup_error import SettingsError
from entrypoints.settings.values import Bind


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def problems(env_file: Path) -> list[str]:
    with pytest.raises(SettingsError) as error:
        read_settings({}, env_file)
    return str(error.value).splitlines()


MISSPELT: Final = {
    "DIALTONE_DATABSE": "DIALTONE_DATABASE",
    "dialtone_bind": "DIALTONE_BIND",
    "DIALTONE_XYZZY": None,
    "DIALTONE_TWILIO_AUTH_TOKEN_FILE": "TWILIO_AUTH_TOKEN_FILE",
    "DIALTONE_DATABASES_FILE": "DIALTONE_DATABASE_FILE",
    "DIALTONE_PUBLIC_URL_FILE": "DIALTONE_PUBLIC_URL",
    # What Kubernetes sets begins with DIALTONE_PORT_ and DIALTONE_SERVICE_.
    "DIALTONE_PORTS": None,
    "DIALTONE_SERVICES": None,
    "dialtone_port": None,
}
OF_OTHERS: Final = [
    *("PATH", "MONGO_PASSWORD", "LOG_LEVEL", "TWILIO_SID", "AWS_DEFAULT_REGION"),
    *("DIALTONE_PORT", "DIALTONE_PORT_8000_TCP_ADDR"),
    *("DIALTONE_SERVICE_HOST", "DIALTONE_SERVICE_PORT_HTTP"),
]


def test_a_misspelt_name_is_found_in_the_environment_and_in_the_file(env_file: Path) -> None:
    assert find_unknown([*MISSPELT, *VARIABLES, *OF_OTHERS]) == MISSPELT
    env_file.write_text("DIALTONE_DATABSE=tops3cret\nDIALTONE_EMPTY=\n")
    unknown = {"DIALTONE_XYZZY": "tops3cret"}
    # It is kept if all else is valid: then it causes a warning.
    lines = [
        "DIALTONE_DATABSE: This is not a setting. Did you mean DIALTONE_DATABASE?",
        "DIALTONE_XYZZY: This is not a setting. Remove it.",
    ]
    assert [*list_mistakes(read_settings(unknown, env_file).variables)] == lines
    with pytest.raises(SettingsError) as error:
        read_settings(unknown | {"DIALTONE_BIND": "x"}, env_file)
    assert str(error.value).splitlines()[1:] == lines


def test_secrets_of_a_file_that_every_user_can_read_are_named(env_file: Path) -> None:
    env_file.write_text(
        "DIALTONE_APP_NAME=Acme\nDIALTONE_SMS=twilio\nDIALTONE_VOICE=none\n"
        f"TWILIO_ACCOUNT_SID=AC{'0' * 32}\nTWILIO_AUTH_TOKEN=tops3cret\nTWILIO_FROM=+15005550006\n"
        "DIALTONE_DATABASE=mongodb://me:tops3cret@db.test/dialtone\nDIALTONE_COUNTRIES=US\n"
    )
    env_file.chmod(0o640)
    assert find_exposed_secrets(read_settings({}, env_file)) == []
    env_file.chmod(0o644)
    exposed = find_exposed_secrets(read_settings({}, env_file))
    assert set(exposed) == {"DIALTONE_DATABASE", "TWILIO_AUTH_TOKEN"}
    # The environment overrides them, and a URL without a password is no secret.
    others = {"TWILIO_AUTH_TOKEN": "another", "DIALTONE_DATABASE": "mongodb://db.test/dialtone"}
    assert find_exposed_secrets(read_settings(others, env_file)) == []


def test_a_setting_that_was_removed_is_an_error(env_file: Path) -> None:
    env_file.write_text("TWILIO_AUTH_TOKEN_SECONDARY=x\nDIALTONE_BUDGET_PER_DAY=500 USD\n")
    assert problems(env_file) == [
        "DIALTONE_BUDGET_PER_DAY (in .env): This setting was removed. Nothing is counted in money. "
        "The end of a bill is the limit of all messages, see DIALTONE_SMS_LIMIT_ALL_FACTOR, and "
        "the cap of your provider, see docs/messages.md.",
        "TWILIO_AUTH_TOKEN_SECONDARY (in .env): This setting was removed. "
        "Write both secrets in TWILIO_AUTH_TOKEN, with a comma between.",
    ]
    assert not REMOVED.keys() & set(VARIABLES)


def test_the_file_can_have_comments_quotes_exports_and_any_line_ends(env_file: Path) -> None:
    env_file.write_bytes(
        b"\xef\xbb\xbf# ours\r\n"
        b"export DIALTONE_BIND = '[::1]:8000' # local\r\n"
        b'\r\nDIALTONE_APP_NAME="L\xc3\xa4ut & Co ${HOME}"\r\n'
        b"DIALTONE_WORKERS=2 # two\r\n"
        b"DIALTONE_COUNTRIES=\r\nDIALTONE_OTP_LENGTH=7\r\n"
        b"MY_URL=of the file\r\nMY_NAME=x"
    )

    # The environment overrides it, unless it is empty.
    environ = {"MY_NAME": " environment\n", "MY_URL": " ", "DIALTONE_WORKERS": " "}
    read = read_settings(environ | {"DIALTONE_OTP_LENGTH": "8"}, env_file)

    assert (read.bind, read.app_name) == (Bind("::1", 8000), "Läut & Co ${HOME}")
    assert (read.workers, read.countries, read.otp_length) == (2, None, 8)
    # Own adapters get all variables, as they are written.
    assert read.variables.values["MY_NAME"] == " environment\n"
    assert read.variables.values["MY_URL"] == "of the file"


@pytest.mark.parametrize(
    "invalid",
    [
        "DIALTONE_ENV production", "DIALTONE_ENV", '"DIALTONE_ENV=x', "=x", "DIALTONE ENV=x",
        "A='b", 'B="c',
    ],
)  # fmt: skip
def test_an_invalid_line_is_reported_by_number_and_not_quoted(env_file: Path, invalid: str) -> None:
    env_file.write_text(f"# a comment\n\nDIALTONE_WORKERS=2\n\n\n{invalid}\n")

    (line,) = problems(env_file)

    assert line.startswith(f"{env_file}, line 6: ")
    assert invalid not in line


def test_a_file_that_is_not_safe_to_read_is_an_error(tmp_path: Path) -> None:
    latin, pipe, writable = (tmp_path / name for name in ("latin", "pipe", "all"))
    latin.write_bytes(b"DIALTONE_APP_NAME=\xff\n")
    os.mkfifo(pipe)
    writable.touch()
    writable.chmod(0o666)
    for path, problem in (
        (latin, "{0} is not encoded in UTF-8"),
        (pipe, "{0} cannot be read (not a regular file): fix or remove it"),
        (writable, "Fix: chmod o-w {0}"),
    ):
        (line,) = problems(path)
        assert problem.format(path) in line


def test_a_file_or_link_of_another_user_is_an_error_and_not_read(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = env_file.with_name("target")
    target.write_text("DIALTONE_WORKERS=0\n")
    env_file.symlink_to(target)
    link = env_file.lstat()
    user = link.st_uid + 2
    monkeypatch.setattr("entrypoints.settings.ownership._ROOT", link.st_uid + 1)
    monkeypatch.setattr("os.geteuid", lambda: user)
    own_link = os.stat_result((*link[:4], user, *link[5:]))

    for chown, link_of in (("chown -h", link), ("chown", own_link)):
        monkeypatch.setattr(Path, "lstat", lambda _, status=link_of: status)
        (line,) = problems(env_file)
        assert line.startswith(f"{env_file} belongs to ")
        assert f"uid {link.st_uid}" in line
        assert "It must belong to root or " in line
        assert line.endswith(f"run the command as that user, or {chown} {user} {env_file}")
