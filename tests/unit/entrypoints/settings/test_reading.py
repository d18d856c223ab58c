"""Reading variables from the environment and `.env`."""

import os
from pathlib import Path
from typing import Final

import pytest

from entrypoints.opening.startup_error import SettingsError
from entrypoints.settings.bind import Bind
from entrypoints.settings.composition import VARIABLES
from entrypoints.settings.read import find_unknown, list_mistakes, read_settings
from entrypoints.settings.removed import REMOVED
from tests.support.settings import settings
from tests.unit.entrypoints.settings.texts import S3, TWILIO, only_installed


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def problems(env_file: Path) -> list[str]:
    with pytest.raises(SettingsError) as error:
        read_settings({}, env_file)
    return str(error.value).splitlines()


def test_an_empty_variable_is_not_set() -> None:
    assert settings(ENV="", BIND=" ", COUNTRIES="\t", WORKERS="") == settings()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("DIALTONE_DATABSE", "DIALTONE_DATABASE"),
        ("dialtone_bind", "DIALTONE_BIND"),
        ("DIALTONE_XYZZY", None),
    ],
)
def test_a_misspelt_name_is_found_in_the_environment_and_in_the_file(
    env_file: Path, name: str, meant: str | None
) -> None:
    env_file.write_text(f"{name}=x\n")
    advice = f"Did you mean {meant}?" if meant else "Remove it."
    for environ, file in (({name: "x"}, None), ({}, env_file)):
        # It is kept if all else is valid: then it causes a warning.
        variables = read_settings(environ, file).variables
        assert find_unknown(variables.values) == {name: meant}
        with pytest.raises(SettingsError) as error:
            read_settings(environ | {"DIALTONE_BIND": "x"}, file)
        assert f"\n{name}: This is not a setting. {advice}" in str(error.value)


def test_a_setting_that_was_removed_is_an_error(env_file: Path) -> None:
    env_file.write_text("TWILIO_AUTH_TOKEN_SECONDARY=x\nDIALTONE_BUDGET_PER_DAY=500 USD\n")
    assert problems(env_file) == [
        "DIALTONE_BUDGET_PER_DAY (in .env): This setting was removed. Nothing is counted in money. "
        "The end of a bill is the limit of all messages, see DIALTONE_SMS_LIMIT_ALL_FACTOR, and "
        "the cap of your provider, see docs/providers.md.",
        "TWILIO_AUTH_TOKEN_SECONDARY (in .env): This setting was removed. "
        "Write both secrets in TWILIO_AUTH_TOKEN, with a comma between.",
    ]
    assert not REMOVED.keys() & set(VARIABLES)


def test_names_of_other_programs_are_ignored() -> None:
    names = ("PATH", "MONGO_PASSWORD", "LOG_LEVEL", "TWILIO_SID", "AWS_DEFAULT_REGION")

    read = read_settings(S3 | TWILIO | dict.fromkeys(names, "x") | {"DIALTONE_EMPTY": ""}, None)

    assert not find_unknown(read.variables.values)


def test_what_kubernetes_sets_beside_a_service_of_our_name_is_no_mistake() -> None:
    service = ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP")
    ports = ("PORT", "PORT_8000_TCP", "PORT_8000_TCP_ADDR", "PORT_8000_TCP_PROTO")
    set_by_kubernetes = {f"DIALTONE_{name}": "tcp://10.0.0.7:8000" for name in service + ports}
    ours = {"DIALTONE_PORTS": None, "DIALTONE_SERVICES": None, "dialtone_port": None}

    read = read_settings(set_by_kubernetes | dict.fromkeys(ours, "x"), None)

    assert find_unknown(read.variables.values) == ours


def test_two_lines_of_one_variable_are_named_by_their_numbers(env_file: Path) -> None:
    text = "# ours\nDIALTONE_APP_NAME=tops3cret\n\nexport MY_KEY='a\nb'\nDIALTONE_WORKERS=2\n"
    env_file.write_text(f"{text}DIALTONE_APP_NAME=\nMY_KEY=tops3cret\nDIALTONE_APP_NAME=Acme\n")

    read = read_settings({"DIALTONE_APP_NAME": "Environment"}, env_file)

    assert [*list_mistakes(read.variables)] == [
        "DIALTONE_APP_NAME (in .env): The lines 2, 7 and 9 set it, and the last one counts.",
        "MY_KEY (in .env): The lines 4 and 8 set it, and the last one counts.",
    ]
    assert read_settings({}, env_file).app_name == "Acme"
    env_file.write_text("DIALTONE_WORKERS=2\nDIALTONE_WORKERS=x\n")
    of_value, of_lines = problems(env_file)
    assert of_value.startswith("DIALTONE_WORKERS (in .env): Must be")
    assert of_lines.startswith("DIALTONE_WORKERS (in .env): The lines 1 and 2 set it")


def test_the_environment_overrides_the_file_unless_it_is_empty(env_file: Path) -> None:
    assert read_settings({}, env_file) == read_settings({}, None)
    env_file.write_text("DIALTONE_BIND=127.0.0.1:1\nDIALTONE_WORKERS=2\n")

    read = read_settings({"DIALTONE_BIND": "127.0.0.1:2", "DIALTONE_WORKERS": " "}, env_file)

    assert (read.bind.port, read.workers) == (2, 2)


def test_the_file_can_have_comments_quotes_exports_and_any_line_ends(env_file: Path) -> None:
    env_file.write_bytes(
        b"\xef\xbb\xbf# ours\r\n"
        b"export DIALTONE_BIND = '[::1]:8000' # local\r\n"
        b'\r\nDIALTONE_APP_NAME="L\xc3\xa4ut & Co ${HOME}"\r\n'
        b"DIALTONE_WORKERS=2 # two\r\n"
        b"DIALTONE_COUNTRIES=\r\n"
        b"MY_URL=of the file\r\nMY_NAME=x"
    )

    read = read_settings({"MY_NAME": " environment\n", "MY_URL": " "}, env_file)

    assert (read.bind, read.app_name) == (Bind("::1", 8000), "Läut & Co ${HOME}")
    assert (read.workers, read.countries) == (2, None)
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


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('"127.0.0.1:8000"', "Must not be in quotes"),
        ("None", "Must not be the null or None of another program"),
    ],
)
def test_what_another_program_made_of_a_value_is_an_error(
    env_file: Path, text: str, problem: str
) -> None:
    name = "DIALTONE_TRUSTED_PROXIES"
    with pytest.raises(SettingsError, match=f"^{name}: {problem}.* Example: {name}="):
        read_settings({name: text}, None)
    env_file.write_text(f"{name}='{text}'\n" if '"' in text else f'{name}="{text}"\n')
    assert problems(env_file)[0].startswith(f"{name} (in .env): {problem}")


def test_invalid_lines_and_invalid_values_are_reported_together(env_file: Path) -> None:
    env_file.write_text(
        "what?\nDIALTONE_WORKERS=0\nand this?\nDIALTONE_OTP_LENGTH=x\n"
        "DIALTONE_SMS=twilio\nTWILIO_ACCOUNT_SID=a/b\nTWILIO_FROM=Acme\nDIALTONE_COUNTRIES=US\n"
    )

    starts = (
        f"{env_file}, line 1: ",
        f"{env_file}, line 3: ",
        "TWILIO_ACCOUNT_SID (in .env): Must be ",
        "TWILIO_AUTH_TOKEN: Must be set",
        "DIALTONE_OTP_LENGTH (in .env): ",
        "DIALTONE_WORKERS (in .env): ",
    )
    for line, start in zip(problems(env_file), starts, strict=True):
        assert line.startswith(start)


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
    monkeypatch.setattr("entrypoints.opening.ownership._ROOT", link.st_uid + 1)
    monkeypatch.setattr("os.geteuid", lambda: user)
    own_link = os.stat_result((*link[:4], user, *link[5:]))

    for chown, link_of in (("chown -h", link), ("chown", own_link)):
        monkeypatch.setattr(Path, "lstat", lambda _, status=link_of: status)
        (line,) = problems(env_file)
        assert line.startswith(f"{env_file} belongs to ")
        assert f"uid {link.st_uid}" in line
        assert "It must belong to root or " in line
        assert line.endswith(f"run the command as that user, or {chown} {user} {env_file}")


TWILIO_CALLS: Final = TWILIO | {"TWILIO_VOICE_FROM": "+14155550006"}


def test_files_that_settings_name_are_reported_with_the_other_problems() -> None:
    named = ["DIALTONE_SMS_TEMPLATES_DIR", "DIALTONE_CALL_TEXTS"]
    files = dict.fromkeys(only_installed(named), "/nowhere")

    with pytest.raises(SettingsError) as error:
        read_settings(TWILIO_CALLS | files | {"DIALTONE_WORKERS": "0"}, None, checks_files=True)

    lines = str(error.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["DIALTONE_WORKERS", *files]
    assert all(" Example: DIALTONE_" in line for line in lines)


def test_a_url_is_not_the_path_of_a_file_and_is_not_quoted() -> None:
    with pytest.raises(SettingsError) as error:
        read_settings({"DIALTONE_SECRETS_FILE": "https://me:tops3cret@db.test/keys"}, None)

    assert "DIALTONE_SECRETS_FILE: Must be a path, not a URL." in str(error.value)
    assert "tops3cret" not in str(error.value)
