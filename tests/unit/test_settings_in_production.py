"""What production refuses. This version has no sender that it takes, so it refuses it all."""

from pathlib import Path

import pytest

from entrypoints.settings import SettingsInvalid, read_settings


@pytest.fixture
def good(tmp_path: Path) -> dict[str, str]:
    """Settings with which nothing is wrong but the sender."""
    secrets = tmp_path / "secrets.json"
    secrets.touch()
    return {
        "DIALTONE_ENV": "production",
        "DIALTONE_PUBLIC_URL": "https://dialtone.test",
        "DIALTONE_SECRETS": str(secrets),
        "DIALTONE_COUNTRIES": "IN,US",
        "DIALTONE_SINGLE_HOST": "yes",
    }


def refused(environ: dict[str, str]) -> dict[str, str]:
    """What is refused: the name of each variable, and its line."""
    with pytest.raises(SettingsInvalid) as refusal:
        read_settings(environ, None)
    return {line.partition(":")[0]: line for line in refusal.value.problems}


def test_it_takes_no_console_and_says_that_there_is_no_other_sender(good: dict[str, str]) -> None:
    for environ in (good, good | {"DIALTONE_SMS": "console"}):
        lines = refused(environ)

        assert list(lines) == ["DIALTONE_SMS"]
        assert "this version has no other sender yet" in lines["DIALTONE_SMS"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DIALTONE_PUBLIC_URL", ""),
        ("DIALTONE_PUBLIC_URL", "http://dialtone.test"),
        ("DIALTONE_SECRETS", ""),
        ("DIALTONE_SECRETS", "/nowhere/secrets.json"),
        ("DIALTONE_SECRETS", "/"),
        ("DIALTONE_COUNTRIES", ""),
        ("DIALTONE_COUNTRIES", "*"),
    ],
)
def test_it_needs_a_value_that_is_fit_for_people(
    good: dict[str, str], name: str, text: str
) -> None:
    assert set(refused(good | {name: text})) == {"DIALTONE_SMS", name}


def test_it_takes_sqlite_and_disk_on_a_single_host_only(good: dict[str, str]) -> None:
    for alone in ("", "no"):
        lines = refused(good | {"DIALTONE_SINGLE_HOST": alone})

        assert set(lines) == {"DIALTONE_SMS", "DIALTONE_DATABASE", "DIALTONE_MEDIA"}
        assert "DIALTONE_SINGLE_HOST=yes" in lines["DIALTONE_DATABASE"]


def test_a_capital_scheme_is_https_too(good: dict[str, str]) -> None:
    assert "DIALTONE_PUBLIC_URL" not in refused(
        good | {"DIALTONE_PUBLIC_URL": "HTTPS://dialtone.test"}
    )


def test_it_tells_everything_together_with_what_is_wrong_anywhere() -> None:
    lines = refused({"DIALTONE_ENV": "production", "DIALTONE_BIND": "here"})

    assert set(lines) == {
        "DIALTONE_BIND",
        "DIALTONE_PUBLIC_URL",
        "DIALTONE_SECRETS",
        "DIALTONE_SMS",
        "DIALTONE_COUNTRIES",
        "DIALTONE_DATABASE",
        "DIALTONE_MEDIA",
    }


def test_a_variable_that_cannot_be_read_is_told_of_once(good: dict[str, str]) -> None:
    lines = refused(good | {"DIALTONE_PUBLIC_URL": "dialtone.test"})

    assert "Takes an address" in lines["DIALTONE_PUBLIC_URL"]


def test_development_refuses_none_of_this(good: dict[str, str]) -> None:
    settings = read_settings({"DIALTONE_SECRETS": "/nowhere/secrets.json"}, None)

    assert settings.secrets.may_make
