"""Run random operations on users and usernames on the service and on the model."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import timedelta
from itertools import count, permutations
from typing import Any, Final

import httpx
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from domain.identities.identity import Role
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.sliding_window import SlidingWindow
from tests.stateful.http_driver import HttpDriver, HttpRequest, open_http_driver
from tests.stateful.runs import ChooseDatabase, on_each_database, run_machine
from tests.stateful.users_model import USERNAME_RESERVATION, ModelIdentity, Outcome, UsersModel
from tests.support.policies import make_policy

PEOPLE: Final = st.integers(0, 3)
NAMES: Final = st.sampled_from(
    ["Rahul Sharma", "RAHUL Sharma", "Straße", "STRASSE", "Zoë", "Zoe", "\uff3aoë"]
)
SECONDS: Final = st.sampled_from(
    [0.25, 1, 3600, 86_400, 30 * 86_400 - 1, 30 * 86_400, 31 * 86_400, 90 * 86_400]
)

# The state machine for sign-in tests the limits for deliveries.
_UNLIMITED: Final = (SlidingWindow(1_000_000, timedelta(days=1)),)
POLICY: Final = make_policy(
    delivery_policy=DeliveryPolicy(
        _UNLIMITED, _UNLIMITED, own_quota=_UNLIMITED[0], cooldown=timedelta(0)
    )
)
_examples = count(1)

Change = tuple[HttpRequest, Callable[[UsersModel], Outcome]]
"""A request, and the same change of the model."""


class UsersMachine(RuleBasedStateMachine):
    """Four people with a phone each; `person` and `other` are indexes.

    Examples share a database: a username has the number of the example.
    """

    def __init__(self, http: HttpDriver) -> None:
        super().__init__()
        http.start_example()
        self.example = next(_examples)
        self.http = http
        self.model = UsersModel()
        self.phones = [http.new_phone() for _ in range(4)]
        self.tokens: dict[int, str] = {}
        self.issued_tokens = ["none.of.ours"]

    # Time and operators

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        self.http.wait(seconds)

    @rule()
    def cleanup(self) -> None:
        self.http.run(self.http.use_cases.operations.cleanup())

    @rule(person=PEOPLE)
    def promote_user(self, person: int) -> None:
        self.token_of(person)
        identity = self.identity_of(person)
        self.http.run(
            self.http.use_cases.identities.operator_actions.change_role(
                identity.phone, Role.ADMINISTRATOR
            )
        )
        if not identity.is_administrator:
            identity.sessions = {}
        identity.is_administrator = True

    @rule(person=PEOPLE)
    def block_phone(self, person: int) -> None:
        self.http.run(self.http.use_cases.identities.operator_actions.block(self.phones[person]))
        if identity := self.model.find_by_phone(self.phones[person]):
            identity.sessions = {}

    # Creating and renaming

    @rule(person=PEOPLE)
    def log_in(self, person: int) -> None:
        phone = self.phones[person]
        self.http.run(self.http.use_cases.identities.operator_actions.unblock(phone))
        body = {"phone": phone.e164}
        assert self.http.send(HttpRequest("POST", "/auth/request-otp", body)).status_code == 200
        body["otp"] = self.http.messenger.messages[-1].code
        response = self.http.send(HttpRequest("POST", "/auth/verify-otp", body))
        token = self.tokens[person] = response.json()["access_token"]
        self.issued_tokens.append(token)
        self.model.add_session(phone, token, self.http.now)

    @rule(person=PEOPLE, name=NAMES)
    def create_user(self, person: int, name: str) -> None:
        self.change(self.creation(person, name, person))

    @rule(person=PEOPLE, name=NAMES, other=PEOPLE, as_administrator=st.booleans())
    def create_user_of_other_phone(
        self, person: int, name: str, other: int, as_administrator: bool
    ) -> None:
        if as_administrator:
            person = 0
            self.promote_user(person)
        self.change(self.creation(person, name, other))

    @rule(person=PEOPLE, other=PEOPLE, name=NAMES, own_name=NAMES)
    def create_two_users_together(self, person: int, other: int, name: str, own_name: str) -> None:
        other_name = name if person != other else own_name
        creations = [self.creation(person, name, person), self.creation(other, other_name, other)]
        self.change(*creations)

    @rule(person=PEOPLE, name=NAMES, is_user=st.booleans())
    def rename_user(self, person: int, name: str, is_user: bool) -> None:
        if is_user:
            self.ensure_user(person)
        self.change(self.renaming(person, self.own(name)))

    @rule(person=PEOPLE, other=PEOPLE)
    def rename_user_to_current_or_former_name(self, person: int, other: int) -> None:
        identities = [each for each in self.model.identities if each.phone == self.phones[other]]
        for name in [each.username for each in identities if each.username][-1:]:
            self.ensure_user(person)
            self.change(self.renaming(person, name))

    @rule(person=PEOPLE, other=PEOPLE, name=NAMES)
    def rename_two_users_together(self, person: int, other: int, name: str) -> None:
        people = {person, other}
        for user in people:
            self.ensure_user(user)
        self.change(*[self.renaming(user, self.own(name)) for user in people])

    # Reading

    @rule(person=PEOPLE)
    def get_all_users(self, person: int) -> None:
        token = self.token_of(person)
        for identity in self.model.identities:
            if identity.id is not None:
                self.get_user(token, identity)

    @rule(data=st.data())
    def use_any_token(self, data: st.DataObject) -> None:
        self.get_me(data.draw(st.sampled_from(self.issued_tokens)))

    # Deleting

    @rule(person=PEOPLE, other=PEOPLE)
    def delete_user(self, person: int, other: int) -> None:
        token = self.token_of(person)
        assert self.http.send(HttpRequest("DELETE", "/users/me", None, token)).status_code == 204
        identity = self.identity_of(person)
        revoked_tokens = [*identity.sessions]
        self.model.delete_user(identity, self.http.now)
        for revoked_token in revoked_tokens:
            self.get_me(revoked_token)
        self.get_all_users(other)

    @rule(person=PEOPLE, other=PEOPLE, with_cleanup=st.booleans())
    def take_name_of_deleted_user(self, person: int, other: int, with_cleanup: bool) -> None:
        self.ensure_user(person)
        name = self.identity_of(person).username
        assert name is not None
        self.delete_user(person, other)
        self.ensure_user(other)
        for seconds in (USERNAME_RESERVATION - 1, 1):
            self.http.wait(seconds)
            if with_cleanup:
                self.cleanup()
            self.change(self.renaming(other, name))

    def teardown(self) -> None:
        for token in self.tokens.values():
            self.get_me(token)

    # Comparing

    def change(self, *changes: Change) -> None:
        """Send requests at the same time. The responses are those of some order."""
        responses = self.http.send_together(*(request for request, _ in changes))
        for order in permutations(zip(changes, responses, strict=True)):
            model = deepcopy(self.model)
            if all(apply(model) is outcome_of(response) for (_, apply), response in order):
                self.apply(order)
                return
        raise AssertionError("no order of the requests leads to these responses")

    def apply(self, order: Sequence[tuple[Change, httpx.Response]]) -> None:
        for (request, apply), response in order:
            outcome = apply(self.model)
            assert isinstance(request.body, dict)
            body = response.json()
            if outcome is Outcome.CREATED:
                phone = next(each for each in self.phones if each.e164 == request.body["number"])
                self.name_identity(self.model.find_or_add(phone), body["user_id"])
            elif outcome is Outcome.PHONE_IN_USE:
                assert request.token is not None
                principal = self.model.authenticate(request.token, self.http.now)
                assert principal is not None
                is_own = principal.phone.e164 == request.body["number"]
                expected = (principal.id, principal.username) if is_own else (None, None)
                assert (body.get("user_id"), body.get("username")) == expected
        for token in self.tokens.values():
            self.get_me(token)

    def get_me(self, token: str) -> None:
        response = self.http.send(HttpRequest("GET", "/users/me", token=token))
        principal = self.model.authenticate(token, self.http.now)
        if principal is None:
            assert response.status_code == 401
        elif principal.username is None:
            assert response.status_code == 404
        else:
            self.name_identity(principal, response.json()["_id"])
            assert shown(response) == (principal.username, principal.phone.e164)

    def get_user(self, token: str, identity: ModelIdentity) -> None:
        response = self.http.send(HttpRequest("GET", f"/users/{identity.id}", token=token))
        principal = self.model.authenticate(token, self.http.now)
        assert principal is not None
        if identity.deleted_at is not None:
            assert response.status_code == 404
            return
        number = identity.phone.e164
        if identity is not principal and not (
            principal.is_administrator and principal.has_recent_login(token, self.http.now)
        ):
            number = f"+1********{number[-2:]}"
        assert shown(response) == (identity.username, number)

    def name_identity(self, identity: ModelIdentity, user_id: str) -> None:
        if identity.id is None:
            assert user_id not in [other.id for other in self.model.identities]
            identity.id = user_id
        assert user_id == identity.id

    # People

    def own(self, name: str) -> str:
        return f"{name} {self.example}"

    def ensure_user(self, person: int) -> None:
        """Create a user with a name that no one else wants, unless there is one."""
        self.token_of(person)
        name = f"Nobody {person} {len(self.model.identities)}"
        self.change(self.creation(person, name, person))

    def token_of(self, person: int) -> str:
        """Return the latest token, a new one if that is not active."""
        if self.model.authenticate(self.tokens.get(person, ""), self.http.now) is None:
            self.log_in(person)
        return self.tokens[person]

    def identity_of(self, person: int) -> ModelIdentity:
        identity = self.model.find_by_phone(self.phones[person])
        assert identity is not None
        return identity

    def creation(self, person: int, name: str, other: int) -> Change:
        token, phone, now = self.token_of(person), self.phones[other], self.http.now
        body = {"username": self.own(name), "number": phone.e164, "admin": True}
        request = HttpRequest("POST", "/users", body, token)
        return request, lambda model: model.create_user(token, self.own(name), phone, now)

    def renaming(self, person: int, name: str) -> Change:
        token, now = self.token_of(person), self.http.now
        request = HttpRequest("PATCH", "/users/me", {"username": name}, token)
        return request, lambda model: model.rename_user(token, name, now)


def outcome_of(response: httpx.Response) -> Outcome:
    return Outcome((response.status_code, response.json().get("code")))


def shown(response: httpx.Response) -> tuple[Any, Any]:
    """Return the username and the number that a response shows."""
    assert response.status_code == 200
    return response.json()["username"], response.json()["number"]


@on_each_database(30, 8, 6, 6)
@pytest.mark.hypothesis
def test_users_and_usernames_behave_like_their_model(
    choose_database: ChooseDatabase, example_count: int, request: pytest.FixtureRequest
) -> None:
    with open_http_driver(choose_database(request), POLICY) as http:
        run_machine(lambda: UsersMachine(http), example_count)
