"""The suite of key sources finds the promise that one breaks, and shows no key."""

import re

import pytest

from pytest_dialtone.examples.vault_keys.server import VaultServer
from tests.support import wrong_key_sources as wrong
from tests.support.adapter_runs import run_contract_tests

EXAMPLE = "pytest_dialtone.examples.vault_keys:open_vault_keys"
FACTORY = "tests.support.wrong_key_sources:open_keys"


def test_right_sources_pass() -> None:
    with VaultServer() as vault:
        example = run_contract_tests(
            EXAMPLE,
            "secrets",
            environ={**vault.environ},
        )
    right = run_contract_tests(FACTORY, "secrets", environ={"WRONG_ADAPTER": "RightKeys"})

    for run in (example, right):
        assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("source", "test", "words"),
    [
        (wrong.CachedForEver, "what_changes", "after a key was added, load does not return"),
        (wrong.LastKeysWhenAway, "until_it_is_back", "load returned something, but has to raise"),
        (wrong.FormerKeysOfAPurpose, "from_elsewhere", "but none are stored"),
        (wrong.NewKeysForAnEmptyPurpose, "from_elsewhere", "but none are stored"),
        (wrong.OwnErrors, "until_it_is_back", "load raised ConnectionError"),
        (wrong.KeyInError, "no_error", 'Its error shows a key of "otp_pepper"'),
        (wrong.KeyInRepr, "no_repr", 'Its repr shows a key of "otp_pepper"'),
        (wrong.TokenInError, "no_error", "Its error shows the value of ACME_TOKEN"),
        (wrong.NewKeysEachTime, "come_again", "load does not return the ids"),
        (wrong.NowAsNotBefore, "come_again", "load does not return the ids"),
        (wrong.IdByPosition, "what_changes", "load does not return the keys that are stored"),
        (wrong.FirstPage, "all_keys", "load does not return all 12 keys"),
        (wrong.WithoutSpaces, "each_byte", "load does not return all bytes|wrong keys"),
        (wrong.Printed, "no_repr", 'Its output shows a key of "refresh"'),
        (wrong.NewKeysWithoutAccess, "fails_is_an_error and 403", "load returned something, but"),
        (wrong.NaiveTimes, "accepts", 'otp_pepper.*not_before" is not a time'),
        (wrong.NoTimeLimit, "fails_is_an_error and never", "load did not end within 13 seconds"),
        (wrong.Blocking, "accepts", "The event loop was blocked"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_promise_that_a_source_breaks_is_named(source: type, test: str, words: str) -> None:
    environ = {"WRONG_ADAPTER": source.__name__, "ACME_TOKEN": "acme-token-123"}
    run = run_contract_tests(FACTORY, "secrets", "-k", test, environ=environ)

    assert run.returncode == 1, run.stdout + run.stderr
    assert re.search(words, run.stdout)
