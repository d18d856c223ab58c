"""Run random operations on users and usernames on the service and on the model."""

from datetime import timedelta
from itertools import count
from typing import Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from application.wiring import Policy
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber
from tests.stateful.backends import Backend, on_each_backend, run_machine
from tests.stateful.http_driver import HttpDriver, HttpRequest, open_http_driver
from tests.stateful.users_driver import CreateUser, UsersDriver
from tests.stateful.users_model import (
    USERNAME_RESERVATION,
    USERNAMES,
    ModelIdentity,
    ModelUsername,
    spellings_of,
)

PEOPLE: Final = st.integers(0, 3)
NAMES: Final = st.sampled_from(USERNAMES)
INVALID_NAMES: Final = st.sampled_from(
    ["", " ", "x", " x ", "x" * 65, "a\nb", "a\u0000b", "\u202eabc", "\u3164\u3164", 7, None]
)
INVALID_NUMBERS: Final = st.sampled_from(["", "nobody", "+1415", "+19005550100", "415555", 7, None])
INVALID_IDS: Final = st.sampled_from(
    ["x", "0" * 23, "0" * 25, "g" * 24, "me ", "%00", "0" * 23 + "é"]
)
NUMBER_FORMATS: Final = st.sampled_from(
    ["+1{0}{1}", "{0}{1}", "+1 ({0}) {1}", "1-{0}-{1}", "+1.{0}.{1}"]
)
SECONDS: Final = st.sampled_from(
    [0.25, 1, 3600, 86_400, 30 * 86_400 - 1, 30 * 86_400, 31 * 86_400, 90 * 86_400]
)

# The state machine for sign-in tests the limits for deliveries.
_UNLIMITED: Final = (SlidingWindow(1_000_000, timedelta(days=1)),)
POLICY: Final = Policy(
    delivery_policy=DeliveryPolicy(
        _UNLIMITED, _UNLIMITED, own_quota=_UNLIMITED[0], cooldown=timedelta(0)
    )
)

_examples = count(1)


class UsersMachine(RuleBasedStateMachine):
    """Four people with a phone each; `person` and `other` are indexes."""

    def __init__(self, http: HttpDriver) -> None:
        super().__init__()
        http.start_example()
        self.example = next(_examples)
        self.driver = UsersDriver(http)
        self.phones = [http.new_phone() for _ in range(4)]
        self.tokens: dict[int, str] = {}

    # Rules for time and operators

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        self.driver.http.wait(seconds)

    @rule()
    def cleanup(self) -> None:
        self.driver.cleanup()

    @rule(person=PEOPLE)
    def promote_user(self, person: int) -> None:
        self.token_of(person)
        self.driver.promote(self.identity_of(person))

    @rule(person=PEOPLE)
    def block_phone(self, person: int) -> None:
        self.driver.block(self.phones[person])

    # Rules for logging in and creating users

    @rule(person=PEOPLE)
    def log_in(self, person: int) -> None:
        self.driver.unblock(self.phones[person])
        self.tokens[person] = self.driver.log_in(self.phones[person])

    @rule(person=PEOPLE, name=NAMES, number_format=NUMBER_FORMATS)
    def create_user(self, person: int, name: ModelUsername, number_format: str) -> None:
        self.driver.create_user(self.creation(person, name, person, number_format))

    @rule(person=PEOPLE, name=NAMES, other=PEOPLE, number_format=NUMBER_FORMATS)
    def create_user_of_other_phone(
        self, person: int, name: ModelUsername, other: int, number_format: str
    ) -> None:
        self.driver.create_user(self.creation(person, name, other, number_format))

    @rule(person=st.just(0), name=NAMES, other=PEOPLE, number_format=NUMBER_FORMATS)
    def create_user_as_administrator(
        self, person: int, name: ModelUsername, other: int, number_format: str
    ) -> None:
        self.promote_user(person)
        self.create_user_of_other_phone(person, name, other, number_format)

    @rule(person=PEOPLE, number_format=NUMBER_FORMATS)
    def create_same_user_again(self, person: int, number_format: str) -> None:
        token, name = self.token_of(person), self.identity_of(person).username
        for spelling in spellings_of(name, self.example) if name else []:
            phone = self.phones[person]
            number = format_number(phone, number_format)
            self.driver.create_user(CreateUser(token, spelling, phone, number))
            self.driver.get_me(token)

    @rule(person=PEOPLE, other=PEOPLE, name=NAMES, own_name=NAMES)
    def create_two_users_together(
        self, person: int, other: int, name: ModelUsername, own_name: ModelUsername
    ) -> None:
        other_name = name if person != other else own_name
        self.driver.create_users_together(
            [self.creation(person, name, person), self.creation(other, other_name, other)]
        )
        self.get_all_own_users()

    @rule(person=PEOPLE, name=INVALID_NAMES, number=INVALID_NUMBERS)
    def send_invalid_fields(self, person: int, name: object, number: object) -> None:
        token, own_number = self.token_of(person), self.phones[person].e164
        for body, field in (
            ({"username": name, "number": own_number}, "username"),
            ({"username": f"Fine {self.example}", "number": number}, "number"),
        ):
            self.driver.send_invalid(HttpRequest("POST", "/users", body, token), field)
        renaming = HttpRequest("PATCH", "/users/me", {"username": name}, token)
        self.driver.send_invalid(renaming, "username")

    # Rules for renaming

    @rule(person=PEOPLE, name=NAMES, is_user=st.booleans())
    def rename_user(self, person: int, name: ModelUsername, is_user: bool) -> None:
        if is_user:
            self.ensure_user(person)
        self.driver.rename_user(self.token_of(person), name.for_example(self.example))

    @rule(person=PEOPLE, other=PEOPLE)
    def rename_user_to_current_or_former_name(self, person: int, other: int) -> None:
        names = [
            identity.username
            for identity in self.driver.model.identities
            if identity.phone == self.phones[other] and identity.username
        ]
        if names:
            self.ensure_user(person)
            for spelling in spellings_of(names[-1], self.example):
                self.driver.rename_user(self.token_of(person), spelling)

    @rule(person=PEOPLE, other=PEOPLE, name=NAMES)
    def rename_two_users_together(self, person: int, other: int, name: ModelUsername) -> None:
        people = {person, other}
        for user in people:
            self.ensure_user(user)
        tokens = [self.token_of(user) for user in people]
        self.driver.rename_users_together(tokens, name.for_example(self.example))
        self.get_all_own_users()

    # Rules for reading

    @rule(person=PEOPLE)
    def get_all_users(self, person: int) -> None:
        token = self.token_of(person)
        for identity in self.driver.model.identities:
            if identity.id is not None:
                self.driver.get_user(token, identity.id)
                self.driver.get_user(token, identity.id.upper())

    @rule(person=PEOPLE, text=INVALID_IDS)
    def get_invalid_and_unknown_id(self, person: int, text: str) -> None:
        self.driver.get_user_with_invalid_id(self.token_of(person), text)
        self.driver.get_user(self.token_of(person), "0" * 24)

    @rule(data=st.data())
    def use_any_token(self, data: st.DataObject) -> None:
        tokens = ["none.of.ours", *self.driver.issued_tokens]
        self.driver.get_me(data.draw(st.sampled_from(tokens)))

    # Rules for deleting

    @rule(person=PEOPLE, other=PEOPLE)
    def delete_user(self, person: int, other: int) -> None:
        self.driver.delete_user(self.token_of(person))
        self.get_all_users(other)

    @rule(person=PEOPLE, other=PEOPLE, with_cleanup=st.booleans())
    def take_name_of_deleted_user(self, person: int, other: int, with_cleanup: bool) -> None:
        self.ensure_user(person)
        name = self.identity_of(person).username
        assert name is not None
        self.delete_user(person, other)
        self.ensure_user(other)
        for seconds in (USERNAME_RESERVATION - 1, 1):
            self.driver.http.wait(seconds)
            if with_cleanup:
                self.driver.cleanup()
            self.driver.rename_user(self.token_of(other), name)

    def teardown(self) -> None:
        self.get_all_own_users()

    # People

    def ensure_user(self, person: int) -> None:
        """Create a user with a name that no one else wants, unless there is one."""
        self.token_of(person)
        text = f"Nobody {person} {len(self.driver.model.identities)} {self.example}"
        self.driver.create_user(self.creation(person, ModelUsername(text, text, text), person))

    def token_of(self, person: int) -> str:
        """Return the latest token, a new one if that is not active."""
        token = self.tokens.get(person)
        now = self.driver.http.now
        if token is None or self.driver.model.authenticate(token, now) is None:
            self.log_in(person)
        return self.tokens[person]

    def identity_of(self, person: int) -> ModelIdentity:
        identity = self.driver.model.find_by_phone(self.phones[person])
        assert identity is not None
        return identity

    def creation(
        self, person: int, name: ModelUsername, other: int, number_format: str = "+1{0}{1}"
    ) -> CreateUser:
        phone = self.phones[other]
        token, username = self.token_of(person), name.for_example(self.example)
        return CreateUser(token, username, phone, format_number(phone, number_format))

    def get_all_own_users(self) -> None:
        for token in self.tokens.values():
            self.driver.get_me(token)


def format_number(phone: PhoneNumber, number_format: str) -> str:
    """Return the number of a phone as people write it."""
    return number_format.format(phone.e164[2:5], phone.e164[5:])


@on_each_backend(memory=30, sqlite=8, mongo=6)
@pytest.mark.hypothesis
def test_users_and_usernames_behave_like_their_model(
    backend: Backend, example_count: int, request: pytest.FixtureRequest
) -> None:
    with open_http_driver(backend(request), POLICY) as http:
        run_machine(lambda: UsersMachine(http), example_count)
