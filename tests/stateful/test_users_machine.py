"""Run random operations on users and usernames on the service, on each database.

This machine proves what only the service over a database shows, in any order and at the same time:
a username has one owner, it is free for others at once after a change and reserved after a
deletion, and a deleted user is gone for every token. All times are seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Final

import httpx
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber
from tests.stateful.http_driver import HttpDriver, HttpRequest, open_http_driver
from tests.stateful.runs import ChooseDatabase, on_each_database, run_machine
from tests.stateful.sessions import TOKEN_TTL, add_session
from tests.support.policies import make_policy

DAY: Final = 86_400
USERNAME_RESERVATION: Final = 30 * DAY
PEOPLE: Final = st.integers(0, 3)
SPELLINGS: Final = (("Rahul Sharma", "RAHUL Sharma"), ("Zo\xeb", "\uff3ao\xeb"), ("Zoe", "zoe"))
"""Names, each in two spellings that are one name."""
NAMES: Final = st.sampled_from(SPELLINGS)
SECONDS: Final = st.sampled_from([1, 3600, DAY, 30 * DAY - 1, 30 * DAY, 90 * DAY])

# The state machine for sign-in tests the limits for deliveries.
_UNLIMITED: Final = (SlidingWindow(1_000_000, timedelta(days=1)),)
POLICY: Final = make_policy(
    delivery_policy=DeliveryPolicy(
        _UNLIMITED, _UNLIMITED, own_quota=_UNLIMITED[0], cooldown=timedelta(0)
    )
)
_examples = count(1)


@dataclass(eq=False)
class Person:
    """A phone and its identity. The id is unknown until a response has it."""

    phone: PhoneNumber
    id: str | None = None
    name: str | None = None
    sessions: dict[str, float] = field(default_factory=dict)


class UsersMachine(RuleBasedStateMachine):
    """Four people; `person` and `other` are indexes. `deleted` are names with their last time.

    Examples share a database: a username has the number of the example.
    """

    def __init__(self, http: HttpDriver) -> None:
        super().__init__()
        http.start_example()
        self.example = next(_examples)
        self.http = http
        self.people = [Person(http.new_phone()) for _ in range(4)]
        self.deleted: dict[str, float] = {}
        self.former_ids = set[str]()
        self.former_tokens = ["none.of.ours"]

    # Time and operators

    @rule(seconds=SECONDS, with_cleanup=st.booleans())
    def wait(self, seconds: int, with_cleanup: bool) -> None:
        self.http.wait(seconds)
        if with_cleanup:
            self.http.run(self.http.use_cases.operations.cleanup())

    @rule(person=PEOPLE)
    def block_phone(self, person: int) -> None:
        actions = self.http.use_cases.identities.operator_actions
        self.http.run(actions.block(self.people[person].phone))
        self.end_sessions(self.people[person])
        self.get_all()
        self.http.run(actions.unblock(self.people[person].phone))

    # Users

    @rule(person=PEOPLE)
    def log_in(self, person: int) -> None:
        someone = self.people[person]
        body = {"phone": someone.phone.e164}
        assert self.http.send(HttpRequest("POST", "/auth/request-otp", body)).status_code == 200
        body["otp"] = self.http.messenger.messages[-1].code
        response = self.http.send(HttpRequest("POST", "/auth/verify-otp", body))
        token = response.json()["access_token"]
        someone.sessions = add_session(someone.sessions, token, self.http.now)

    @rule(person=PEOPLE, name=NAMES)
    def take_name(self, person: int, name: Sequence[str]) -> None:
        """Create a user with this name, or rename it."""
        self.take([self.people[person]], name)

    @rule(person=PEOPLE, other=PEOPLE, name=NAMES)
    def take_name_together(self, person: int, other: int, name: Sequence[str]) -> None:
        people = [self.people[person], self.people[other]]
        self.take(people if person != other else people[:1], name)

    @rule(person=PEOPLE, other=PEOPLE)
    def take_name_of_other(self, person: int, other: int) -> None:
        if name := self.people[other].name:
            self.take([self.people[person]], [name.removesuffix(f" {self.example}")])

    @rule(person=PEOPLE)
    def delete_user(self, person: int) -> None:
        someone = self.people[person]
        token = self.token_of(someone)
        assert self.http.send(HttpRequest("DELETE", "/users/me", None, token)).status_code == 204
        if someone.name and someone.id:
            self.deleted[key_of(someone.name)] = self.http.now
            self.former_ids.add(someone.id)
        self.end_sessions(someone)
        someone.id = someone.name = None
        self.get_all()

    @rule(person=PEOPLE)
    def get_users(self, person: int) -> None:
        """Everybody sees all users, and no deleted one."""
        token = self.token_of(self.people[person])
        for other in self.people:
            if other.id is not None:
                response = self.http.send(HttpRequest("GET", f"/users/{other.id}", token=token))
                assert response.json()["username"] == other.name
        for user_id in self.former_ids:
            response = self.http.send(HttpRequest("GET", f"/users/{user_id}", token=token))
            assert response.status_code == 404

    def teardown(self) -> None:
        self.get_all()

    # What is always true

    def take(self, people: Sequence[Person], spellings: Sequence[str]) -> None:
        """Give people the same name at the same time. One gets it, if nobody else has it."""
        requests = [
            self.make_request(person, f"{name} {self.example}")
            for person, name in zip(people, spellings, strict=False)
        ]
        key = key_of(f"{spellings[0]} {self.example}")
        had_it = [person for person in self.people if key_of(person.name or "") == key]
        deleted_at = self.deleted.get(key, -USERNAME_RESERVATION)
        is_reserved = self.http.now - deleted_at < USERNAME_RESERVATION
        responses = self.http.send_together(*requests)
        have_it = [
            person
            for person, response in zip(people, responses, strict=False)
            if is_success(response)
        ]
        for request, person in zip(requests, people, strict=False):
            if person in have_it:
                assert isinstance(request.body, dict)
                person.name = request.body["username"]
        if had_it or is_reserved:
            assert have_it == [person for person in people if person in had_it]
        else:
            assert len(have_it) == 1
        self.get_all()

    def make_request(self, person: Person, name: str) -> HttpRequest:
        token, body = self.token_of(person), {"username": name}
        if person.name is None:
            return HttpRequest("POST", "/users", body | {"number": person.phone.e164}, token)
        return HttpRequest("PATCH", "/users/me", body, token)

    def get_all(self) -> None:
        """Each token shows the user of its identity until it ends, and then nothing."""
        for person in self.people:
            for token in [*person.sessions][-2:]:
                is_active = self.http.now - person.sessions[token] < TOKEN_TTL
                response = self.http.send(HttpRequest("GET", "/users/me", token=token))
                expected = (404 if person.name is None else 200) if is_active else 401
                assert response.status_code == expected
                if expected == 200:
                    body = response.json()
                    person.id = person.id or body["_id"]
                    assert person.id not in self.former_ids
                    shown = (body["_id"], body["username"], body["number"])
                    assert shown == (person.id, person.name, person.phone.e164)
        for token in self.former_tokens[-3:]:
            response = self.http.send(HttpRequest("GET", "/users/me", token=token))
            assert response.status_code == 401

    def token_of(self, person: Person) -> str:
        """Return the latest token, a new one if that is not active."""
        for token, issued_at in [*person.sessions.items()][-1:]:
            if self.http.now - issued_at < TOKEN_TTL:
                return token
        self.log_in(self.people.index(person))
        return [*person.sessions][-1]

    def end_sessions(self, person: Person) -> None:
        self.former_tokens += person.sessions
        person.sessions = {}


def key_of(name: str) -> str:
    """Return the same text for both spellings of a name."""
    return name.replace("\uff3a", "Z").lower()


def is_success(response: httpx.Response) -> bool:
    if response.status_code == 409:
        assert response.json()["code"] == "username_in_use"
        return False
    assert response.status_code in (200, 201), response.text
    return True


@on_each_database(6, 4, 2, 2)
@pytest.mark.hypothesis
def test_users_and_usernames_keep_their_promises_in_any_order(
    choose_database: ChooseDatabase, example_count: int, request: pytest.FixtureRequest
) -> None:
    with open_http_driver(choose_database(request), POLICY) as http:
        run_machine(lambda: UsersMachine(http), example_count)
