"""Two instances of the service that reload a rotated secrets file at different times."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import jwt
import pytest

from adapters.jwt import JwtAccessTokens
from adapters.key_file.document import KeyPurpose
from adapters.key_file.keys import RELOAD_INTERVAL, ReloadingKeys
from adapters.key_file.rotation import ROTATED_PURPOSES, rotate_secrets_file
from application.ports.errors import InvalidToken
from application.ports.keys import TokenClaims
from tests.support.builders import an_id
from tests.support.fakes.clock import MovableClock
from tests.support.keys import load_keys

STEP: Final = timedelta(seconds=5)
LIFETIMES: Final = dict.fromkeys(ROTATED_PURPOSES, timedelta(days=90))


class KeysOfInstance:
    """The keys of an instance, as the service uses them."""

    def __init__(self, secrets_path: Path, clock: MovableClock) -> None:
        self._clock = clock
        keys = ReloadingKeys(secrets_path, clock)
        self.peppers = keys.key_set(KeyPurpose.OTP_PEPPER)
        self.refresh_keys = keys.key_set(KeyPurpose.REFRESH)
        self.tokens = JwtAccessTokens(
            keys.key_set(KeyPurpose.SIGNING),
            keys.key_set(KeyPurpose.REFRESH),
            issuer="dialtone",
            audience="app",
        )

    def issue(self, generation: int | None = 1) -> str:
        now = self._clock.now()
        return self.tokens.issue(
            TokenClaims(an_id(), an_id(), now, now + timedelta(days=90), generation)
        )

    def accepts(self, token: str) -> bool:
        try:
            self.tokens.verify(token, self._clock.now())
        except InvalidToken:
            return False
        return True

    def published_key_ids(self) -> list[str]:
        return [key.id for key in self.tokens.list_published()]


@pytest.fixture
def clock() -> MovableClock:
    """Return a clock that is later than the `not_before` of the created keys."""
    return MovableClock(datetime.now(UTC).replace(microsecond=0) + timedelta(days=1))


def read_key_id(token: str) -> str:
    key_id: str = jwt.get_unverified_header(token)["kid"]
    return key_id


def test_two_instances_accept_each_others_codes_and_tokens_during_a_rotation(
    secrets_path: Path, clock: MovableClock
) -> None:
    first = KeysOfInstance(secrets_path, clock)
    clock.advance(2 * STEP)
    second = KeysOfInstance(secrets_path, clock)
    old_key_id = read_key_id(first.issue())
    tokens, steps_known_to_first_only = [first.issue()], 0

    clock.advance(STEP)
    not_before = rotate_secrets_file(secrets_path, clock.now(), LIFETIMES)[0].not_before
    new_key_id = load_keys(secrets_path)[KeyPurpose.SIGNING][0].id
    while clock.now() < not_before + 2 * RELOAD_INTERVAL:
        steps_known_to_first_only += len(first.published_key_ids()) > len(
            second.published_key_ids()
        )
        for issuer, verifier in ((first, second), (second, first)):
            assert issuer.peppers.signing() in verifier.peppers.accepted()
            assert issuer.refresh_keys.signing() in verifier.refresh_keys.accepted()
            tokens += [issuer.issue(), issuer.issue(generation=None)]
            expected = old_key_id if clock.now() < not_before else new_key_id
            assert read_key_id(tokens[-2]) == expected
        assert all(first.accepts(token) and second.accepts(token) for token in tokens)
        clock.advance(STEP)

    assert steps_known_to_first_only > 0
    assert first.published_key_ids() == second.published_key_ids() == [new_key_id, old_key_id]
