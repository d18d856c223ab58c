"""The suite of key sources finds the promise that one breaks, and shows no key."""

import inspect
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from application.ports.keys import KeyPurpose
from pytest_dialtone.examples.vault_keys.server import VaultServer
from pytest_dialtone.provider_driver import HANGS, answers
from pytest_dialtone.suites.secrets import test_key_source as suite
from pytest_dialtone.suites.secrets.driver import KeySourceDriver
from tests.support import wrong_key_sources as wrong
from tests.support.adapter_runs import run_contract_tests

EXAMPLE = "pytest_dialtone.examples.vault_keys:open_vault_keys"
FACTORY = "tests.support.wrong_key_sources:open_keys"
AWAY = "without_the_provider_keys_are_an_error_until_it_is_back"


def test_right_sources_pass() -> None:
    with VaultServer() as vault:
        example = run_contract_tests(EXAMPLE, "secrets", environ={**vault.environ})
    right = run_contract_tests(FACTORY, "secrets")

    for run in (example, right):
        assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("source", "test", "words"),
    [
        (wrong.CachedForEver, "what_changes_is_in_the_next_result", "after a key was added"),
        (wrong.LastKeysWhenAway, AWAY, "load returned something, but has to raise"),
        (wrong.FormerKeysOfAPurpose, "a_purpose_without_keys_gets_none_from_elsewhere", "none are"),
        (
            wrong.NewKeysForAnEmptyPurpose,
            "a_purpose_without_keys_gets_none_from_elsewhere",
            'load returned keys of "signing", but none are stored',
        ),
        (wrong.OwnErrors, AWAY, "load raised ConnectionError"),
        (wrong.Exits, AWAY, "load raised SystemExit"),
        (wrong.KeyInError, "no_error_has_a_secret", 'Its error shows a key of "otp_pepper"'),
        (
            wrong.KeyInRepr,
            "no_repr_and_no_output_has_a_secret",
            'Its repr shows a key of "otp_pepper"',
        ),
        (wrong.TokenInError, "no_error_has_a_secret", "Its error shows the value of ACME_TOKEN"),
        (
            wrong.NewKeysEachTime,
            "the_same_keys_come_again_also_in_another_process",
            "load does not return the ids",
        ),
        (
            wrong.NowAsNotBefore,
            "the_same_keys_come_again_also_in_another_process",
            "load does not return the ids",
        ),
        (wrong.IdByPosition, "what_changes_is_in_the_next_result", "does not return the keys"),
        (wrong.FirstPage, "all_keys_of_a_purpose_are_returned", "does not return all 12 keys"),
        (wrong.WithoutSpaces, "each_byte_of_a_key_is_returned", "all bytes|wrong keys"),
        (
            wrong.Printed,
            "no_repr_and_no_output_has_a_secret",
            'Its output shows a key of "refresh"',
        ),
        (
            wrong.NaiveTimes,
            "each_purpose_has_keys_that_the_service_accepts",
            'otp_pepper.*not_before" is not a time',
        ),
        (
            wrong.LastKeysWhenAway,
            "a_provider_that_fails_is_an_error_in_time",
            "load returned something, but has to raise",
        ),
        (
            wrong.TokenInError,
            "a_provider_that_fails_is_an_error_in_time",
            "Its error shows the value of ACME_TOKEN",
        ),
        (wrong.NewKeysWithoutAccess, "a_provider_that_fails_is_an_error_in_time", "something, but"),
        (wrong.NoTimeLimit, "a_provider_that_fails_is_an_error_in_time", "did not end within 0.1"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_a_promise_that_a_source_breaks_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    source: type[wrong.RightKeys],
    test: str,
    words: str,
) -> None:
    monkeypatch.setenv("ACME_TOKEN", "acme-token-123")
    if source is wrong.NoTimeLimit:
        monkeypatch.setattr(suite, "LOAD_SECONDS", 0.1)

    @asynccontextmanager
    async def reopen() -> AsyncIterator[wrong.RightKeys]:
        yield source(tmp_path / "keys")

    given: dict[str, Any] = {
        "key_source_driver": KeySourceDriver(source(tmp_path / "keys"), reopen),
        "purpose": KeyPurpose.SIGNING,
        "failure": HANGS if source is wrong.NoTimeLimit else answers(403),
        "logged": [],
        "capfd": capfd,
    }
    promise = getattr(suite, f"test_{test}")
    with pytest.raises((AssertionError, pytest.fail.Exception)) as raised:
        await promise(**{name: given[name] for name in inspect.signature(promise).parameters})

    assert re.search(words, str(raised.value))
