"""What holds counts expires; a record that holds nothing else goes."""

from datetime import timedelta

from domain.sign_in.phone_record import KNOWN_ADDRESS_LIFETIME, PhoneRecord
from domain.sign_in.tries import UnboundTries
from tests.builders import NOW, a_challenge
from tests.unit.domain.sign_in.desk import HOME, WORK, Desk, code_of

DAY = timedelta(days=1)


def test_an_empty_record_has_lapsed_long_ago() -> None:
    lapses_at = PhoneRecord().lapses_at()
    assert lapses_at is not None
    assert lapses_at < NOW


def test_a_record_that_names_an_identity_never_lapses() -> None:
    assert PhoneRecord().owned_by("somebody").lapses_at() is None


def test_a_record_that_names_an_identity_no_more_lapses() -> None:
    desk = Desk()
    desk.send()
    owned = desk.record.owned_by("somebody")
    assert owned.owned_by(None).lapses_at() == desk.record.lapses_at()


def test_a_message_counts_for_a_day() -> None:
    desk = Desk()
    desk.send()
    assert desk.record.lapses_at() == NOW + DAY


def test_a_code_counts_until_it_is_over() -> None:
    challenge = a_challenge()
    assert PhoneRecord(challenges=(challenge,)).lapses_at() == challenge.expires


def test_a_try_counts_for_an_hour_against_its_address() -> None:
    tries = UnboundTries().counted(WORK, NOW, from_pool=False)
    assert tries.lapse_at() == [NOW + timedelta(hours=1)]


def test_a_strangers_try_counts_for_a_day() -> None:
    desk = Desk()
    desk.tries(1, WORK)
    assert desk.record.lapses_at() == NOW + DAY


def test_an_address_is_known_for_ninety_days() -> None:
    desk = Desk()
    asked = desk.send(HOME)
    assert desk.answer(code_of(asked.challenge.id), HOME).is_right
    assert desk.record.lapses_at() == NOW + KNOWN_ADDRESS_LIFETIME


def test_when_it_has_lapsed_it_answers_like_an_empty_one() -> None:
    desk = Desk()
    asked = desk.send(HOME)
    desk.tries(5, WORK)
    assert desk.answer(code_of(asked.challenge.id), HOME).is_right
    lapses_at = desk.record.lapses_at()
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
    assert len(desk.record.sends) == 1
    assert len(desk.record.challenges) == 1
    assert desk.record.unbound_tries.of_addresses == ()
    assert desk.record.unbound_tries.of_pool == ()


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
    assert [one.at for one in desk.record.unbound_tries.of_addresses] == [desk.now]


def test_what_no_longer_counts_is_dropped_at_the_next_answer() -> None:
    desk = Desk()
    for _ in range(5):
        desk.send()
    desk.wait(days=1)
    desk.tries(1, WORK)
    assert desk.record.sends == ()
    assert desk.record.challenges == ()
