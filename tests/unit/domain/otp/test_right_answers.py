"""What a right answer clears, and what it does not."""

import pytest

from domain.errors import TooManyAttempts
from tests.unit.domain.otp.desk import HOME, WORK, Desk, code_of


def test_a_code_is_spent_once(desk: Desk) -> None:
    asked = desk.ask()
    code = code_of(asked.challenge.id)
    assert desk.answer(code).is_correct
    assert not desk.answer(code).is_correct
    assert not desk.answer(code, WORK).is_correct
    assert not desk.answer(code, request_id=asked.delivery.request_id).is_correct


def test_it_clears_the_tries_of_its_own_id(desk: Desk) -> None:
    asked = desk.ask()
    request_id = asked.delivery.request_id
    desk.tries(4, request_id=request_id)
    assert desk.answer(code_of(asked.challenge.id), request_id=request_id).is_correct
    assert desk.tries(5, request_id=request_id) == [4, 3, 2, 1, 0]


def test_it_clears_the_tries_of_its_own_address(desk: Desk) -> None:
    asked = desk.ask()
    desk.tries(4)
    assert desk.answer(code_of(asked.challenge.id)).is_correct
    desk.wait(60)
    desk.send()
    assert desk.tries(5) == [4, 3, 2, 1, 0]


def test_with_an_id_it_clears_the_tries_of_its_own_address_too(desk: Desk) -> None:
    desk.ask()
    desk.tries(5)
    desk.wait(60)
    again = desk.ask()
    code, request_id = code_of(again.challenge.id), again.delivery.request_id
    assert desk.answer(code, request_id=request_id).is_correct
    desk.wait(60)
    desk.send()
    assert desk.tries(1) == [4]


def test_it_clears_no_other_addresss_tries(desk: Desk) -> None:
    asked = desk.ask(HOME)
    desk.tries(5, WORK)
    assert desk.answer(code_of(asked.challenge.id), HOME).is_correct
    with pytest.raises(TooManyAttempts):
        desk.tries(1, WORK)


def test_it_clears_no_other_ids_tries(desk: Desk) -> None:
    first = desk.ask()
    desk.tries(5, request_id=first.delivery.request_id)
    desk.wait(60)
    again = desk.ask()
    code = code_of(again.challenge.id)
    assert desk.answer(code, request_id=again.delivery.request_id).is_correct
    with pytest.raises(TooManyAttempts):
        desk.tries(1, request_id=first.delivery.request_id)


def test_it_spends_no_other_live_code(desk: Desk) -> None:
    first = desk.ask()
    desk.wait(250)
    second = desk.ask()
    assert desk.answer(code_of(second.challenge.id)).is_correct
    assert desk.answer(code_of(first.challenge.id)).is_correct


def test_it_makes_the_address_known(desk: Desk) -> None:
    asked = desk.ask(HOME)
    desk.wait(30)
    assert desk.answer(code_of(asked.challenge.id), WORK).is_correct
    assert [(one.client_ip, one.last_login_at) for one in desk.record.trusted_ips] == [
        (WORK, desk.now)
    ]


def test_it_leaves_the_owner_as_it_was(desk: Desk) -> None:
    desk.record = desk.record.assign_identity("somebody")
    asked = desk.ask()
    assert desk.answer(code_of(asked.challenge.id)).is_correct
    assert desk.record.identity_id == "somebody"
