"""What a run of the contract suites shows of a failure."""

import pytest

from tests.contract.suites.failure_text import hide_secrets


def test_each_secret_of_a_list_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_TOKEN", "new-secret, former-secret")
    assert hide_secrets("sent new-secret, then former-secret") == "sent ***, then ***"
    assert hide_secrets("with new-secret, former-secret") == "with ***"
