"""Answering with a code."""

from datetime import timedelta

import pytest

from application.identities.session_factory import TokenLifetimes
from application.otp.verify_otp import LoggedIn, OtpRejected
from application.wiring import Policy
from domain.errors import TooManyAttempts, Unauthenticated, Unavailable
from tests.support.builders import a_phone
from tests.unit.application.wiring import House, not_this

ELSEWHERE = "198.51.100.20"


@pytest.fixture
def house() -> House:
    return House()


async def asked(house: House) -> tuple[str, str]:
    """The code and the request id of a new message."""
    sent = await house.ask()
    return house.messenger.messages[-1].code, sent.request_id


async def test_the_right_code_gives_a_token_of_who_holds_the_phone(house: House) -> None:
    code, _ = await asked(house)
    signed_in = await house.answer(code, device="Pixel 9")
    assert isinstance(signed_in, LoggedIn)
    principal = await house.use_cases.authenticate(signed_in.tokens.access_token)
    assert principal.identity.phone == a_phone()
    assert principal.identity.user is None
    assert principal.session.device == "Pixel 9"


async def test_the_code_may_name_its_request(house: House) -> None:
    code, request_id = await asked(house)
    assert isinstance(await house.answer(code, request_id=request_id), LoggedIn)


async def test_without_its_request_the_code_is_good_from_anywhere(house: House) -> None:
    code, _ = await asked(house)
    assert isinstance(await house.answer(code, address=ELSEWHERE), LoggedIn)


async def test_a_code_is_spent_once(house: House) -> None:
    code, request_id = await asked(house)
    await house.answer(code)
    assert isinstance(await house.answer(code), OtpRejected)
    assert isinstance(await house.answer(code, request_id=request_id), OtpRejected)


async def test_wrong_late_used_and_never_sent_codes_get_one_answer() -> None:
    wrong, used, late, never_sent = House(), House(), House(), House()
    wrong_code, _ = await asked(wrong)
    used_code, used_id = await asked(used)
    await used.answer(used_code, request_id=used_id)
    late_code, _ = await asked(late)
    late.wait(300)
    answers = [
        await wrong.answer(not_this(wrong_code)),
        await used.answer(used_code, request_id=used_id),
        await late.answer(late_code),
        await never_sent.answer("012313"),
    ]
    assert answers == [OtpRejected(4)] * 4


async def test_another_phones_code_is_wrong(house: House) -> None:
    await house.ask(a_phone(1))
    await house.ask(a_phone(2))
    code = house.messenger.messages[0].code
    assert isinstance(await house.answer(code, a_phone(2)), OtpRejected)
    assert isinstance(await house.answer(code, a_phone(1)), LoggedIn)


async def test_another_phones_request_id_is_unknown(house: House) -> None:
    other = await house.ask(a_phone(2))
    code, _ = await asked(house)
    assert isinstance(await house.answer(code, request_id=other.request_id), OtpRejected)


@pytest.mark.parametrize("names_request", [True, False], ids=["with id", "without id"])
async def test_five_wrong_answers_count_down_and_then_the_right_one_is_refused(
    house: House, names_request: bool
) -> None:
    code, sent_id = await asked(house)
    request_id = sent_id if names_request else None
    rejected = [await house.answer(not_this(code), request_id=request_id) for _ in range(5)]
    assert rejected == [OtpRejected(left) for left in (4, 3, 2, 1, 0)]
    with pytest.raises(TooManyAttempts):
        await house.answer(code, request_id=request_id)


async def test_a_refused_answer_writes_nothing(house: House) -> None:
    code, _ = await asked(house)
    for _ in range(5):
        await house.answer(not_this(code))
    before = dict(house.database.phone_verifications)
    with pytest.raises(TooManyAttempts):
        await house.answer(code)
    assert house.database.phone_verifications == before


async def test_a_token_lives_as_long_as_the_operator_says() -> None:
    house = House(rules=Policy(lifetimes=TokenLifetimes(plain=timedelta(minutes=15))))
    await house.ask()
    signed_in = await house.answer(house.messenger.messages[0].code)
    assert isinstance(signed_in, LoggedIn)
    assert signed_in.tokens.expires_in == 900
    house.wait(899)
    await house.use_cases.authenticate(signed_in.tokens.access_token)
    house.wait(1)
    with pytest.raises(Unauthenticated):
        await house.use_cases.authenticate(signed_in.tokens.access_token)


async def test_somebody_who_signs_in_again_is_the_same(house: House) -> None:
    first, second = await house.sign_in(), await house.sign_in()
    assert first.identity.id == second.identity.id
    assert first.session.id != second.session.id


async def test_signing_in_makes_an_identity_of_24_hex_digits(house: House) -> None:
    principal = await house.sign_in()
    assert len(principal.identity.id) == 24
    assert int(principal.identity.id[:8], 16) == int(house.clock.now().timestamp())


async def test_a_wrong_answer_makes_nobody(house: House) -> None:
    code, _ = await asked(house)
    await house.answer(not_this(code))
    assert house.database.identities == {}
    assert house.database.phone_verifications[a_phone()].value.identity_id is None


async def test_whoever_signs_in_after_the_identity_was_deleted_is_somebody_new(
    house: House,
) -> None:
    before = await house.user()
    await house.use_cases.delete_user(before)
    after = await house.sign_in()
    assert after.identity.id != before.identity.id
    assert after.identity.user is None
    again = await house.sign_in()
    assert again.identity.id == after.identity.id


async def test_an_identity_has_twenty_sessions_and_the_oldest_ends(house: House) -> None:
    tokens = [await house.token() for _ in range(21)]
    with pytest.raises(Unauthenticated):
        await house.use_cases.authenticate(tokens[0])
    callers = [await house.use_cases.authenticate(token) for token in tokens[1:]]
    assert len({principal.session.id for principal in callers}) == 20


async def test_a_code_made_with_a_pepper_that_is_gone_is_wrong(house: House) -> None:
    code, _ = await asked(house)
    house.otp_keys.keys = {"second": bytes(range(32))}
    assert await house.answer(code) == OtpRejected(4)


async def test_without_the_database_nobody_is_judged(house: House) -> None:
    code, _ = await asked(house)
    house.database.is_down = True
    with pytest.raises(Unavailable):
        await house.answer(code)
    house.database.is_down = False
    assert isinstance(await house.answer(code), LoggedIn)
