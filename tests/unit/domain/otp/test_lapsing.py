"""What holds counts expires; a record that holds nothing else goes."""

from datetime import timedelta

from domain.otp.attempts import UnboundAttempts
from domain.otp.phone_verification import TRUSTED_IP_TTL, PhoneVerification
from tests.support.builders import NOW, a_challenge
from tests.unit.domain.otp.desk import HOME, WORK, Desk, code_of

DAY = timedelta(days=1)


def test_an_empty_record_has_lapsed_long_ago() -> None:
    lapses_at = PhoneVerification().expires_at
    assert lapses_at is not None
    assert lapses_at < NOW


def test_a_record_that_names_an_identity_never_lapses() -> None:
    assert PhoneVerification().assign_identity("somebody").expires_at is None


def test_a_record_that_names_an_identity_no_more_lapses() -> None:
    desk = Desk()
    desk.send()
    owned = desk.record.assign_identity("somebody")
    assert owned.assign_identity(None).expires_at == desk.record.expires_at


def test_a_message_counts_for_a_day() -> None:
    desk = Desk()
    desk.send()
    assert desk.record.expires_at == NOW + DAY


def test_a_code_counts_until_it_is_over() -> None:
    challenge = a_challenge()
    assert PhoneVerification(challenges=(challenge,)).expires_at == challenge.expires_at


def test_a_try_counts_for_an_hour_against_its_address() -> None:
    tries = UnboundAttempts().count(WORK, NOW, is_shared=False)
    assert tries.expiry_times() == [NOW + timedelta(hours=1)]


def test_a_strangers_try_counts_for_a_day() -> None:
    desk = Desk()
    desk.tries(1, WORK)
    assert desk.record.expires_at == NOW + DAY


def test_an_address_is_known_for_ninety_days() -> None:
    desk = Desk()
    asked = desk.send(HOME)
    assert desk.answer(code_of(asked.challenge.id), HOME).is_correct
    assert desk.record.expires_at == NOW + TRUSTED_IP_TTL


def test_when_it_has_lapsed_it_answers_like_an_empty_one() -> None:
    desk = Desk()
    asked = desk.send(HOME)
    desk.tries(5, WORK)
    assert desk.answer(code_of(asked.challenge.id), HOME).is_correct
    lapses_at = desk.record.expires_at
    assert lapses_at is not None
    lapsed, empty = Desk(desk.record, now=lapses_at), Desk(now=lapses_at)
    lapsed.send(HOME)
    empty.send(HOME)
    assert lapsed.record == empty.record


def test_what_no_longer_counts_is_dropped_at_the_next_ask() -> None:
    desk = Desk()
    for _ in range(5):
        desk.send()
    desk.tries(5, WORK)
    desk.wait(days=1)
    desk.send()
    assert len(desk.record.deliveries) == 1
    assert len(desk.record.challenges) == 1
    assert desk.record.unbound_attempts.by_ip == ()
    assert desk.record.unbound_attempts.shared == ()


def test_a_code_that_is_over_is_dropped_at_the_next_answer() -> None:
    desk = Desk()
    desk.send()
    desk.wait(minutes=5)
    desk.tries(1, WORK)
    assert desk.record.challenges == ()


def test_an_hour_after_a_try_it_is_dropped_at_the_next_answer() -> None:
    desk = Desk()
    desk.tries(5, WORK)
    desk.wait(hours=1)
    desk.tries(1, WORK)
    assert [one.attempted_at for one in desk.record.unbound_attempts.by_ip] == [desk.now]


def test_what_no_longer_counts_is_dropped_at_the_next_answer() -> None:
    desk = Desk()
    for _ in range(5):
        desk.send()
    desk.wait(days=1)
    desk.tries(1, WORK)
    assert desk.record.deliveries == ()
    assert desk.record.challenges == ()
