"""The codes of challenges: the pepper that each is derived with."""

import pytest

from application.otp_codes import CHALLENGE_BYTES, OtpCodes
from domain.errors import Unavailable
from domain.otp.test_otps import TestOtps
from tests.support.builders import NOW, a_challenge, a_phone
from tests.support.keys import FakeKeyRing

NEW, OLD = ("0000000b", b"n" * 32), ("0000000a", b"o" * 32)


@pytest.fixture
def codes() -> OtpCodes:
    return OtpCodes(FakeKeyRing(NEW, OLD), TestOtps())


def test_new_challenges_use_the_current_pepper_and_each_has_the_code_of_its_own(
    codes: OtpCodes,
) -> None:
    assert codes.make_challenge(NOW, bytes(CHALLENGE_BYTES)).key_id == NEW[0]
    assert [*codes.key_ids()] == [NEW[0], OLD[0]]
    for key_id, key in (NEW, OLD):
        challenge = a_challenge(key_id=key_id)
        code = codes.derive(challenge, a_phone()).digits
        assert code == challenge.derive_code(key, a_phone())


@pytest.mark.parametrize("key_id", ["", "0000000c"])
def test_a_code_of_a_removed_pepper_cannot_be_derived(codes: OtpCodes, key_id: str) -> None:
    with pytest.raises(Unavailable):
        codes.derive(a_challenge(key_id=key_id), a_phone())
