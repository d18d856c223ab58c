"""Secrets in files: `TWILIO_AUTH_TOKEN_FILE` and the other variables that end with `_FILE`."""

from pathlib import Path
from typing import Final

import pytest

from entrypoints.composition.read_settings import describe_settings, read_settings
from entrypoints.composition.settings import FIELDS
from entrypoints.settings.values import MongoLocation, Secret
from tests.support.settings import problems
from tests.unit.entrypoints.settings.texts import SECRET, TWILIO

TOKEN: Final = "TWILIO_AUTH_TOKEN"
TOKEN_FILE: Final = f"{TOKEN}_FILE"
DATABASE_FILE: Final = "DIALTONE_DATABASE_FILE"


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    """A file with a secret that only its owner can read."""
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


def with_token(path: Path | str) -> dict[str, str]:
    return TWILIO | {TOKEN: " ", TOKEN_FILE: str(path)}


def test_each_secret_and_each_url_that_may_have_one_has_a_file_except_the_keys() -> None:
    secrets = {name for name, field in FIELDS.items() if isinstance(field.unset, Secret)}
    urls = {"DIALTONE_DATABASE", "DIALTONE_EVENTS", "DIALTONE_LOGIN_HOOK", "DIALTONE_SMS"}
    with_file = secrets - {"DIALTONE_SECRETS"} | urls | {"AWS_ACCESS_KEY_ID"}

    files = {name: field.file_variable for name, field in FIELDS.items() if field.file_variable}
    assert files == {name: f"{name}_FILE" for name in with_file}


@pytest.mark.parametrize("content", [SECRET, f"{SECRET}\r\n", f"\N{BYTE ORDER MARK}{SECRET}\n"])
def test_a_secret_is_the_line_of_its_file_with_or_without_a_newline(
    secret_file: Path, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret_file.write_bytes(content.encode())
    monkeypatch.chdir(secret_file.parent)  # a relative path starts there
    env_file = secret_file.with_name(".env")
    env_file.write_text(f"{TOKEN_FILE}=secret\n")

    read = read_settings(TWILIO | {TOKEN: " "}, env_file)

    assert read.twilio_auth_tokens.value == (SECRET,)
    # Own adapters get it under the name of the setting.
    assert read.variables.values[TOKEN] == SECRET
    assert SECRET not in repr(read)
    assert (read.variable_of(TOKEN), read.variable_of("DIALTONE_SMS")) == (
        *(TOKEN_FILE, "DIALTONE_SMS"),
    )
    (line,) = (line for line in describe_settings(read) if line.name == TOKEN)
    assert (line.shown, line.origin) == (f"(hidden) (file {secret_file})", ".env")


def test_links_are_followed_as_kubernetes_makes_them(secret_file: Path) -> None:
    versions, mounted = secret_file.with_name("..2026_05_01"), secret_file.with_name("mounted")
    versions.mkdir()
    secret_file.rename(versions / "secret")
    secret_file.with_name("..data").symlink_to(versions.name)
    mounted.symlink_to("..data/secret")

    assert read_settings(with_token(mounted), None).twilio_auth_tokens.value == (SECRET,)


def test_of_a_value_and_its_file_one_may_be_set(secret_file: Path) -> None:
    secret_file.write_text("mongodb://db.test/name\n")
    path, text = str(secret_file), "Must not be set together with"
    environ = {DATABASE_FILE: path, TOKEN_FILE: " "}
    assert read_settings(environ, None).database == MongoLocation("mongodb://db.test/name")
    both = {DATABASE_FILE: path, "DIALTONE_DATABASE": SECRET}
    lines = problems(both | TWILIO | {TOKEN_FILE: path})
    assert list(lines) == ["DIALTONE_DATABASE", TOKEN]
    assert f"{text} {DATABASE_FILE}." in lines["DIALTONE_DATABASE"]
    assert f"{text} {TOKEN_FILE}." in lines[TOKEN]
    assert SECRET not in str(lines)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b" \n", "is empty. Write"),
        (f"{SECRET}\n\n".encode(), "has several lines. It must"),
        (b"\xff\xfe" + SECRET.encode(), "is not text in UTF-8."),
        (f"{SECRET}\x00".encode(), "has unprintable characters."),
        (SECRET.encode() * 10_000, "has more than 64 KiB."),
        (None, "cannot be read (not a regular file). Name a file"),
    ],
)
def test_a_file_without_one_line_of_text_is_an_error_that_does_not_quote_it(
    secret_file: Path, content: bytes | None, problem: str
) -> None:
    secret_file.unlink()
    if content is None:
        secret_file.mkdir()
    else:
        secret_file.write_bytes(content)

    lines = problems(with_token(secret_file))

    assert list(lines) == [TOKEN_FILE]
    assert f"{secret_file} {problem}" in lines[TOKEN_FILE]
    assert SECRET not in str(lines)


@pytest.mark.parametrize(
    ("mode", "fix", "env"),
    [
        (0o602, "rw", "development"), (0o602, "rw", "production"), (0o604, "r", "production"),
        (0o604, "", "development"), (0o660, "", "development"), (0o660, "", "production"),
    ],
)  # fmt: skip
def test_only_its_owner_and_group_may_write_a_file_and_read_it_in_production(
    secret_file: Path, mode: int, fix: str, env: str
) -> None:
    secret_file.chmod(mode)
    name, text = "DIALTONE_SMS_HOOK_SECRET_FILE", f"Fix: chmod o-{fix} {secret_file}"
    secret_file.write_text("A" * 32)
    environ = {"DIALTONE_ENV": env, name: str(secret_file), "DIALTONE_WORKERS": "0"}
    lines = problems(environ)
    assert text in lines[name] if fix else name not in lines


def test_a_secret_in_the_place_of_the_path_is_not_quoted() -> None:
    for text in (f"postgresql://me:{SECRET}@db/x", f"{SECRET}\x1b", SECRET * 999):
        lines = problems(with_token(text))
        assert list(lines) == [TOKEN_FILE]
        assert SECRET not in lines[TOKEN_FILE]
