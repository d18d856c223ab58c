"""No answer shows whether a number is known or blocked: every byte that could is compared."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx
import pytest

from application.ports.messenger import DeliveryResult
from domain.phone import PhoneNumber
from tests.stateful.calls import AT_HOME, Call, from_afar
from tests.stateful.families import Family
from tests.stateful.main_family import MainFamily
from tests.stateful.older_family import OlderFamily
from tests.stateful.served import Served, serving
from tests.stateful.worlds import WORLDS, World
from tests.support.fakes.database import InMemoryDatabase
from tests.support.fakes.messenger import ACCEPTED, REJECTED, UNKNOWN

DAY: Final = 24 * 3600
_OWNER: Final = from_afar(99)
_OF_THE_ANSWER_ALONE: Final = re.compile(r"[0-9a-f]{32}")
"""Ids of requests: in bodies those that answers may name, in headers those of lines in the log."""

Told = tuple[int, list[tuple[str, str]], str]


@pytest.fixture(params=WORLDS, ids=lambda world: world.__name__)
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    world: World = request.param
    with serving(world(request)) as started:
        yield started


FAMILIES: Final = pytest.mark.parametrize(
    "family", [MainFamily(), OlderFamily()], ids=["main", "older"]
)


def told(answer: httpx.Response) -> Told:
    """All of an answer but the ids that are of this answer alone."""
    headers = [
        (name, "an id" if name == "x-request-id" else text)
        for name, text in answer.headers.multi_items()
    ]
    return answer.status_code, headers, _OF_THE_ANSWER_ALONE.sub("an id", answer.text)


def signed_in(served: Served, phone: PhoneNumber) -> str:
    """The token of somebody who signs in, and whose messages count no more afterwards."""
    family = MainFamily()
    assert served.answer(family.ask(phone, _OWNER, {})).status_code == 200
    code = served.messenger.messages[-1].code
    token = family.read_answer(served.answer(family.answer(phone, _OWNER, code, None))).token
    assert token
    return token


def block(served: Served, phone: PhoneNumber) -> None:
    """Block a phone, as an operator does."""
    served.run(served.use_cases.block_phone(phone))


def phones_of_each_kind(served: Served) -> dict[str, PhoneNumber]:
    """Phones that nobody has seen, that signed in, that are users, and those of them blocked."""
    kinds = ("unknown", "known", "user", "blocked", "known and blocked", "user and blocked")
    phones = {kind: served.a_fresh_phone() for kind in kinds}
    for kind, phone in phones.items():
        if "known" in kind.split() or "user" in kind.split():
            token = signed_in(served, phone)
            if "user" in kind.split():
                body = {"username": f"User {phone.e164}", "number": phone.e164}
                assert served.answer(Call("POST", "/users", body, token)).status_code == 201
        if "blocked" in kind.split():
            block(served, phone)
    served.wait(2 * DAY)
    return phones


@contextmanager
def sender_says(served: Served, result: DeliveryResult) -> Iterator[None]:
    """Have the sender answer so, and somebody else meet that first."""
    served.messenger.result = result
    served.answer(MainFamily().ask(served.a_fresh_phone(), _OWNER, {}))
    yield
    served.messenger.result = ACCEPTED


def asked_and_answered(served: Served, family: Family, phone: PhoneNumber) -> list[Told]:
    """What two addresses are told of asks and wrong answers until these are refused, and later."""
    story: list[Told] = []
    for pause in (0, 290):
        served.wait(pause)
        for principal in (AT_HOME, from_afar(1)):
            ask = family.ask(phone, principal, {})
            wrong = family.answer(phone, principal, "000000", None)
            other = family.answer(phone, principal, "000000", "unknown")
            calls = [ask, ask, *[wrong] * 6, other]
            story += [told(served.answer(call)) for call in calls]
    served.wait(-290)
    return story


def told_of_each_kind(served: Served, family: Family, result: DeliveryResult) -> list[Told]:
    """See that phones of all kinds are told the same, and give it."""
    phones = phones_of_each_kind(served)
    with sender_says(served, result):
        stories = {
            kind: asked_and_answered(served, family, phone) for kind, phone in phones.items()
        }
    for kind, story in stories.items():
        assert story == stories["unknown"], kind
    return stories["unknown"]


@FAMILIES
def test_asks_and_wrong_answers_are_answered_alike_for_any_phone(
    served: Served, family: Family
) -> None:
    story = told_of_each_kind(served, family, ACCEPTED)

    wrong = 200 if family.has_ids else 403
    assert {status for status, _, _ in story} == {200, wrong, 429}


@FAMILIES
@pytest.mark.parametrize("result", [REJECTED, UNKNOWN], ids=lambda one: one.status)
def test_they_are_whatever_the_sender_says(family: Family, result: DeliveryResult) -> None:
    with serving(InMemoryDatabase().open_repositories) as served:
        story = told_of_each_kind(served, family, result)

    assert (story[0][0] == 200) == (result == UNKNOWN)


@FAMILIES
def test_a_right_answer_for_a_blocked_phone_is_told_what_a_wrong_one_is(
    served: Served, family: Family
) -> None:
    stories = []
    for is_right in (True, False):
        phone = served.a_fresh_phone()
        served.answer(family.ask(phone, AT_HOME, {}))
        code = served.messenger.messages[-1].code
        block(served, phone)
        given = code if is_right else f"{(int(code) + 1) % 10**6:06d}"
        calls = [family.answer(phone, AT_HOME, given, None)] * 6
        stories.append([told(served.answer(call)) for call in calls])

    assert stories[0] == stories[1]


def test_a_user_of_somebody_elses_number_is_refused_alike_for_any(served: Served) -> None:
    phones = phones_of_each_kind(served)
    token = signed_in(served, served.a_fresh_phone())

    stories = {
        kind: told(
            served.answer(
                Call("POST", "/users", {"username": "Mallory", "number": phone.e164}, token)
            )
        )
        for kind, phone in phones.items()
    }

    assert set(map(repr, stories.values())) == {repr(stories["unknown"])}
    assert stories["unknown"][0] == 403


def test_an_identity_that_is_no_user_looks_like_none(served: Served) -> None:
    owner = signed_in(served, served.a_fresh_phone())
    identity_id = served.run(served.use_cases.authenticate(owner)).identity.id
    token = signed_in(served, served.a_fresh_phone())

    known, unknown = (
        told(served.answer(Call("GET", f"/users/{user_id}", token=token)))
        for user_id in (identity_id, "0" * 24)
    )

    assert known == unknown
    assert known[0] == 404


def test_a_blocked_user_is_shown_to_others_as_before(served: Served) -> None:
    phone = served.a_fresh_phone()
    owner = signed_in(served, phone)
    body = {"username": f"User {phone.e164}", "number": phone.e164}
    user_id = served.answer(Call("POST", "/users", body, owner)).json()["user_id"]
    token = signed_in(served, served.a_fresh_phone())
    before = told(served.answer(Call("GET", f"/users/{user_id}", token=token)))

    block(served, phone)

    assert told(served.answer(Call("GET", f"/users/{user_id}", token=token))) == before
