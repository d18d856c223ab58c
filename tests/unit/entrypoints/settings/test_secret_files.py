"""Secrets in files: `TWILIO_AUTH_TOKEN_FILE` and the other variables that end with `_FILE`."""

from pathlib import Path
from typing import Final

import pytest

from entrypoints.bootstrap import open_use_cases
from entrypoints.opening.startup_error import SettingsError, StartupError
from entrypoints.settings.composition import FIELDS, VARIABLES
from entrypoints.settings.read import (
    describe_settings,
    find_text,
    find_unknown,
    read_settings,
)
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import MongoLocation, PostgresLocation, Secret, Variables
from tests.support.settings import problems
from tests.unit.entrypoints.settings.texts import SECRET, TWILIO, only_installed

TOKEN_FILE: Final = "TWILIO_AUTH_TOKEN_FILE"
WITHOUT_TOKEN: Final = {name: text for name, text in TWILIO.items() if name != "TWILIO_AUTH_TOKEN"}


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    """A file with a secret that only its owner can read."""
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


def with_token(path: Path | str) -> dict[str, str]:
    return WITHOUT_TOKEN | {TOKEN_FILE: str(path)}


def test_each_secret_and_each_url_that_may_have_one_has_a_file_except_the_keys() -> None:
    secrets = {name for name, field in FIELDS.items() if isinstance(field.unset, Secret)}
    urls = {"DIALTONE_EVENTS", "DIALTONE_LOGIN_HOOK", "DIALTONE_SMS", "AWS_ACCESS_KEY_ID"}
    regular = secrets - {"DIALTONE_SECRETS"} | {*only_installed([*urls])}

    assert {
        name: field.file_variables for name, field in FIELDS.items() if field.file_variables
    } == {
        **{name: (f"{name}_FILE",) for name in regular},
        "DIALTONE_DATABASE": ("DIALTONE_DATABASE_FILE", "DIALTONE_DATABASE_URL_FILE"),
    }
    assert len({*VARIABLES}) == len(VARIABLES)


@pytest.mark.parametrize("content", [SECRET, f"{SECRET}\r\n", f"\N{BYTE ORDER MARK}{SECRET}\n"])
def test_a_secret_is_the_line_of_its_file_with_or_without_a_newline(
    secret_file: Path, content: str
) -> None:
    secret_file.write_bytes(content.encode())

    read = read_settings(with_token(secret_file), None)

    assert read.twilio_auth_tokens.value == (SECRET,)
    # Own adapters get it under the name of the setting.
    assert read.variables.values["TWILIO_AUTH_TOKEN"] == SECRET
    assert SECRET not in repr(read)
    (line,) = (line for line in describe_settings(read) if line.name == "TWILIO_AUTH_TOKEN")
    assert (line.shown, line.origin) == (f"(hidden) (file {secret_file})", "environment")


def test_a_file_is_found_from_the_current_folder_and_named_in_the_env_file(
    secret_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(secret_file.parent)
    url = f"postgresql://dialtone:{SECRET}@db.test/dialtone"
    secret_file.write_text(url)
    env_file = secret_file.with_name(".env")
    env_file.write_text("DIALTONE_DATABASE_URL_FILE=secret\n")

    read = read_settings({}, env_file)

    assert read.database == PostgresLocation(url)
    assert read.variable_of("DIALTONE_DATABASE") == "DIALTONE_DATABASE_URL_FILE"
    assert read.variable_of("DIALTONE_SMS") == "DIALTONE_SMS"
    (line,) = (line for line in describe_settings(read) if line.name == "DIALTONE_DATABASE")
    shown = f"postgresql://db.test (file {secret_file})"
    assert (line.shown, line.origin) == (shown, ".env")


@pytest.fixture
def below_a_file(secret_file: Path) -> Settings:
    """The URL of a database that cannot be opened, in a file."""
    secret_file.write_text(f"sqlite:///{secret_file}/dialtone.db")
    keys = str(secret_file.with_name("keys.json"))
    environ = {"DIALTONE_DATABASE_URL_FILE": str(secret_file), "DIALTONE_SECRETS_FILE": keys}
    return read_settings(environ, None)


async def test_an_error_of_the_database_names_the_variable_of_its_file(
    below_a_file: Settings,
) -> None:
    with pytest.raises(StartupError, match=r"^DIALTONE_DATABASE_URL_FILE: "):
        async with open_use_cases(below_a_file):
            pass


def test_the_url_of_the_database_is_in_the_file_of_either_name_and_not_of_both(
    secret_file: Path,
) -> None:
    secret_file.write_text("mongodb://db.test/name\n")
    both = {f"DIALTONE_DATABASE{end}": str(secret_file) for end in ("_FILE", "_URL_FILE")}

    for name, path in both.items():
        assert read_settings({name: path}, None).database == MongoLocation("mongodb://db.test/name")
    (line,) = problems(both).values()
    assert line.startswith(
        "DIALTONE_DATABASE_URL_FILE: Must not be set together with DIALTONE_DATABASE_FILE."
    )


def test_links_are_followed_as_kubernetes_makes_them(secret_file: Path) -> None:
    versions, mounted = secret_file.with_name("..2026_05_01"), secret_file.with_name("mounted")
    versions.mkdir()
    secret_file.rename(versions / "secret")
    secret_file.with_name("..data").symlink_to(versions.name)
    mounted.symlink_to("..data/secret")

    assert read_settings(with_token(mounted), None).twilio_auth_tokens.value == (SECRET,)


def test_the_providers_and_vendors_of_a_file_are_used(secret_file: Path) -> None:
    hook = f"https://hook.test/{SECRET}"
    secret_file.write_text(f"twilio,{hook}\n")
    environ = {**TWILIO, "DIALTONE_SMS_HOOK_SECRET": f"whsec_{'A' * 32}"}
    del environ["DIALTONE_SMS"]

    read = read_settings(environ | {"DIALTONE_SMS_FILE": str(secret_file)}, None)

    assert [used.url for used in read.sms_hooks] == [hook]
    (line,) = (line for line in describe_settings(read) if line.name == "DIALTONE_SMS")
    assert line.shown == f"twilio,https://hook.test (file {secret_file})"
    assert read.twilio_auth_tokens.value == (TWILIO["TWILIO_AUTH_TOKEN"],)


def test_the_file_of_a_vendor_that_is_not_used_is_not_read() -> None:
    environ = {"TWILIO_AUTH_TOKEN": "x", TOKEN_FILE: SECRET, "AWS_SESSION_TOKEN_FILE": SECRET}

    read = read_settings(environ, None)

    assert read.variables.files == {}
    assert SECRET not in "".join(line.shown for line in describe_settings(read))


def test_an_empty_variable_is_not_set_beside_the_other_one(secret_file: Path) -> None:
    for environ in (
        with_token(secret_file) | {"TWILIO_AUTH_TOKEN": " "},
        TWILIO | {"TWILIO_AUTH_TOKEN": SECRET, TOKEN_FILE: ""},
    ):
        assert read_settings(environ, None).twilio_auth_tokens.value == (SECRET,)
    assert "TWILIO_AUTH_TOKEN" in problems(TWILIO | {"TWILIO_AUTH_TOKEN": "", TOKEN_FILE: ""})


def test_a_value_and_a_file_together_are_an_error_that_names_both(secret_file: Path) -> None:
    lines = problems(TWILIO | {TOKEN_FILE: str(secret_file)})

    (line,) = lines.values()
    assert f"TWILIO_AUTH_TOKEN: Must not be set together with {TOKEN_FILE}." in line
    assert SECRET not in str(lines)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b" \n", "is empty. Write"),
        (f"{SECRET}\n\n".encode(), "has several lines. It must"),
        (b"\xff\xfe" + SECRET.encode(), "is not text in UTF-8."),
        (f"{SECRET}\x00".encode(), "has unprintable characters."),
        (SECRET.encode() * 10_000, "has more than 64 KiB."),
    ],
)
def test_a_file_without_one_line_of_text_is_an_error_that_does_not_quote_it(
    secret_file: Path, content: bytes, problem: str
) -> None:
    secret_file.write_bytes(content)

    lines = problems(with_token(secret_file))

    assert list(lines) == [TOKEN_FILE]
    assert f"{secret_file} {problem}" in lines[TOKEN_FILE]
    assert SECRET not in str(lines)


def test_a_secret_is_read_from_a_regular_file_only(tmp_path: Path) -> None:
    problem = f"{tmp_path} cannot be read (not a regular file). Name a file"
    assert problem in problems(with_token(tmp_path))[TOKEN_FILE]


@pytest.mark.parametrize(("mode", "verb", "fix"), [(0o602, "write to", "rw"), (0o604, "read", "r")])
def test_only_its_owner_and_group_may_use_a_file_in_production(
    secret_file: Path, mode: int, verb: str, fix: str
) -> None:
    production = with_token(secret_file) | {"DIALTONE_ENV": "production"}
    secret_file.chmod(mode)
    line = problems(production)[TOKEN_FILE]
    assert f"Every user of the machine can {verb} {secret_file} (mode {mode:04o})" in line
    assert f"Fix: chmod o-{fix} {secret_file}" in line
    secret_file.chmod(0o660)
    assert TOKEN_FILE not in problems(production)


def test_elsewhere_only_a_file_that_others_can_write_is_an_error(secret_file: Path) -> None:
    environ = with_token(secret_file)
    secret_file.chmod(0o602)
    assert list(problems(environ)) == [TOKEN_FILE]
    secret_file.chmod(0o604)
    read_settings(environ, None)


def test_a_secret_in_the_place_of_the_path_is_not_quoted() -> None:
    for text in (f"postgresql://me:{SECRET}@db/x", f"{SECRET}\x1b", SECRET * 999):
        lines = problems(with_token(text))
        assert list(lines) == [TOKEN_FILE]
        assert SECRET not in lines[TOKEN_FILE]


def test_an_invalid_text_names_the_variable_of_its_file(secret_file: Path) -> None:
    path = str(secret_file)
    environ = {"DIALTONE_TEST_OTPS_FILE": path, "DIALTONE_SMS": "https://sms.test"}

    lines = problems(environ | {"DIALTONE_COUNTRIES": "*", "DIALTONE_SMS_HOOK_SECRET_FILE": path})

    assert sorted(lines) == ["DIALTONE_SMS_HOOK_SECRET_FILE", "DIALTONE_TEST_OTPS_FILE"]
    for line in lines.values():
        assert f"In {path}: Must be " in line
        assert SECRET not in line
    assert " Example of its text: +1" in lines["DIALTONE_TEST_OTPS_FILE"]
    # It is a command, which a file must not contain.
    assert ' Example: echo "whsec_$(' in lines["DIALTONE_SMS_HOOK_SECRET_FILE"]


def test_a_misspelt_variable_of_a_file_is_found() -> None:
    misspelt = {
        "DIALTONE_TWILIO_AUTH_TOKEN_FILE": TOKEN_FILE,
        "DIALTONE_SMS_HOOK_SECRETS_FILE": "DIALTONE_SMS_HOOK_SECRET_FILE",
        "DIALTONE_DATABASES_FILE": "DIALTONE_DATABASE_FILE",
        "DIALTONE_PUBLIC_URL_FILE": "DIALTONE_PUBLIC_URL",
    }

    assert find_unknown([*misspelt, *VARIABLES]) == misspelt


def test_a_variable_of_a_command_may_be_in_a_file_too(secret_file: Path) -> None:
    environ = {"OLD_URL_FILE": f" {secret_file} ", "BOTH": SECRET, "BOTH_FILE": "x", "HERE": SECRET}
    variables = read_settings(environ | {"GONE_FILE": "/nowhere"} | TWILIO, None).variables

    assert [find_text(variables, name) for name in ("OLD_URL", "HERE", "NONE")] == [
        *(SECRET, SECRET, "")
    ]
    for name, problem in (
        ("BOTH", "BOTH: Must not be set together with BOTH_FILE."),
        ("GONE", "GONE_FILE: This path leads to no file"),
    ):
        with pytest.raises(SettingsError, match=f"^{problem}"):
            find_text(variables, name)
    secret_file.chmod(0o644)
    variables = Variables({"OLD_URL_FILE": str(secret_file), "DIALTONE_ENV": "production"})
    with pytest.raises(SettingsError, match="Every user of the machine can read"):
        find_text(variables, "OLD_URL")


def test_a_command_finds_the_text_of_a_setting_that_is_in_a_file(secret_file: Path) -> None:
    url = f"postgresql://dialtone:{SECRET}@db.test/dialtone"
    secret_file.write_text(url)
    # The keys of S3 are not read at the start, if there is no bucket.
    names = ["DIALTONE_DATABASE_URL_FILE", "AWS_SECRET_ACCESS_KEY_FILE"]
    variables = read_settings(dict.fromkeys(names, str(secret_file)), None).variables

    assert find_text(variables, "DIALTONE_DATABASE") == url
    assert find_text(variables, "AWS_SECRET_ACCESS_KEY") == url
