"""Asking again sends the same code, until too little of its life is left."""

from tests.unit.domain.otp.desk import HOME, WORK, Desk, code_of


def test_a_resend_sends_the_same_code(desk: Desk) -> None:
    first = desk.ask()
    desk.wait(60)
    again = desk.ask()
    assert again.is_new
    assert again.challenge == first.challenge


def test_a_resend_from_elsewhere_sends_the_same_code(desk: Desk) -> None:
    first = desk.ask(HOME)
    desk.wait(60)
    assert desk.ask(WORK).challenge == first.challenge


def test_a_resend_does_not_lengthen_the_codes_life(desk: Desk) -> None:
    first = desk.ask()
    desk.wait(200)
    again = desk.ask()
    assert again.challenge.expires_at == first.challenge.expires_at
    desk.wait(99)
    assert desk.later(0).answer(code_of(first.challenge.id)).is_correct
    desk.wait(1)
    assert not desk.answer(code_of(first.challenge.id)).is_correct


def test_each_send_has_a_request_id_of_its_own(desk: Desk) -> None:
    ids = [desk.send().delivery.request_id for _ in range(3)]
    assert len(set(ids)) == 3


def test_with_a_minute_left_the_code_is_sent_once_more(desk: Desk) -> None:
    first = desk.ask()
    desk.wait(240)
    assert desk.ask().challenge == first.challenge


def test_with_less_than_a_minute_left_a_new_code_takes_over(desk: Desk) -> None:
    first = desk.ask()
    desk.wait(240.001)
    second = desk.ask()
    assert second.challenge.id != first.challenge.id
    assert (second.challenge.expires_at - desk.now).total_seconds() == 300


def test_the_code_taken_over_stays_good_to_its_end(desk: Desk) -> None:
    first = desk.ask()
    desk.wait(250)
    second = desk.ask()
    desk.wait(49)
    assert desk.later(0).answer(code_of(first.challenge.id)).is_correct
    assert desk.later(0).answer(code_of(second.challenge.id)).is_correct
    desk.wait(1)
    assert not desk.later(0).answer(code_of(first.challenge.id)).is_correct
    assert desk.later(0).answer(code_of(second.challenge.id)).is_correct


def test_the_code_taken_over_is_checked_with_the_id_that_it_came_with(desk: Desk) -> None:
    first = desk.ask()
    desk.wait(250)
    second = desk.ask()
    old_code = code_of(first.challenge.id)
    assert not desk.later(0).answer(old_code, request_id=second.delivery.request_id).is_correct
    assert desk.answer(old_code, request_id=first.delivery.request_id).is_correct


def test_a_resend_while_two_codes_live_sends_the_newer_one(desk: Desk) -> None:
    desk.ask()
    desk.wait(250)
    second = desk.ask()
    desk.wait(20)
    assert desk.ask().challenge == second.challenge


def test_a_code_that_was_used_is_not_sent_again(desk: Desk) -> None:
    first = desk.ask()
    assert desk.answer(code_of(first.challenge.id)).is_correct
    desk.wait(60)
    assert desk.ask().challenge.id != first.challenge.id


def test_never_are_more_than_two_codes_alive(desk: Desk) -> None:
    for seconds in (0, 241, 16, 225, 16, 241):
        desk.wait(seconds)
        desk.send()
        live = desk.record.active_challenges(desk.now)
        assert len(live) <= 2
        desk.answer(code_of(live[-1].id))
