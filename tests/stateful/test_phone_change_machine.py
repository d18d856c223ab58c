"""Run random changes of phone numbers on the service and on the model."""

import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import timedelta
from itertools import count, permutations
from typing import Final

import httpx
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber
from tests.stateful.http_driver import HttpDriver, HttpRequest, open_http_driver
from tests.stateful.phone_change_model import DAY, UNDO_PERIOD, Outcome, PhoneChangeModel
from tests.stateful.runs import ChooseDatabase, on_each_database, run_machine
from tests.support.policies import make_policy

NUMBERS: Final = st.integers(0, 4)
SECONDS: Final = st.sampled_from([1, 14 * 60, 3600, DAY, UNDO_PERIOD - 60, UNDO_PERIOD])

# Other machines test the limits.
_MANY: Final = (SlidingWindow(1_000_000, timedelta(days=1)),)
_UNLIMITED: Final = SlidingWindow(20_000, timedelta(seconds=1))
POLICY: Final = make_policy(
    delivery_policy=DeliveryPolicy(_MANY, _MANY, own_quota=_MANY[0], cooldown=timedelta(0)),
    rate_limits=RateLimits(
        per_ip=_UNLIMITED,
        per_country=_UNLIMITED,
        total=_UNLIMITED,
        verifications_per_ip=_UNLIMITED,
        failed_attempts_per_country=_UNLIMITED,
        failed_attempts_total=_UNLIMITED,
    ),
)
_names = count(1)

Act = tuple[HttpRequest, Callable[[PhoneChangeModel, httpx.Response], Outcome]]
"""A request, and the same act on the model; it gets the response."""


class PhoneChangeMachine(RuleBasedStateMachine):
    """Five numbers; `number` and `other` are indexes. `tokens` are all that were ever issued."""

    def __init__(self, http: HttpDriver) -> None:
        super().__init__()
        http.start_example()
        self.http = http
        self.model = PhoneChangeModel()
        self.phones = [http.new_phone() for _ in range(5)]
        self.tokens: list[str] = []

    # Time

    @rule(seconds=SECONDS)
    def wait(self, seconds: int) -> None:
        self.http.wait(seconds)

    @rule()
    def cleanup(self) -> None:
        self.http.run(self.http.use_cases.operations.cleanup())

    # One at a time

    @rule(number=NUMBERS)
    def sign_in(self, number: int) -> None:
        self.act(self.signing_in(number))

    @rule(number=NUMBERS, other=NUMBERS, with_old=st.booleans())
    def change(self, number: int, other: int, with_old: bool) -> None:
        token = self.fresh_token(number)
        if token and number != other and (change := self.changing(token, other, with_old)):
            self.act(change)

    @rule(number=NUMBERS)
    def undo(self, number: int) -> None:
        if undo := self.undoing(number):
            self.act(undo)

    @rule(number=NUMBERS)
    def delete(self, number: int) -> None:
        if token := self.fresh_token(number):
            self.act(self.deleting(token))

    # Two at the same time

    @rule(number=NUMBERS, other=NUMBERS, new=NUMBERS)
    def change_two_to_one_number_together(self, number: int, other: int, new: int) -> None:
        tokens = [self.fresh_token(number), self.fresh_token(other)]
        changes = [
            self.changing(token, new, with_old=False)
            for token, present in zip(tokens, (number, other), strict=True)
            if token and present != new
        ]
        if number != other:
            self.act(*[change for change in changes if change])

    @rule(number=NUMBERS, new=NUMBERS, with_old_number=st.booleans())
    def change_and_sign_in_together(self, number: int, new: int, with_old_number: bool) -> None:
        token = self.fresh_token(number)
        if token and number != new and (change := self.changing(token, new, with_old=False)):
            self.act(change, self.signing_in(number if with_old_number else new))

    @rule(number=NUMBERS, new=NUMBERS)
    def change_and_delete_together(self, number: int, new: int) -> None:
        token = self.fresh_token(number)
        if token and number != new and (change := self.changing(token, new, with_old=False)):
            self.act(change, self.deleting(token))

    @rule(number=NUMBERS, other=NUMBERS, new=NUMBERS)
    def undo_and_change_together(self, number: int, other: int, new: int) -> None:
        self.change(number, other, with_old=False)
        token = self.fresh_token(other)
        change = None
        if token and new != other:
            change = self.changing(token, new, with_old=False)
        if change and (undo := self.undoing(number)):
            self.act(change, undo)

    @rule()
    def use_all_tokens(self) -> None:
        for token in self.tokens:
            response = self.http.send(HttpRequest("GET", "/users/me", token=token))
            index = self.model.find_session(token, self.http.now)
            if index is None:
                assert response.status_code == 401
                continue
            account = self.model.accounts[index]
            account.id = account.id or response.json()["_id"]
            shown = (response.json()["_id"], response.json()["number"])
            assert shown == (account.id, self.phones[account.number].e164)

    def teardown(self) -> None:
        self.use_all_tokens()

    # Comparing

    def act(self, *acts: Act) -> None:
        """Send requests at the same time. The responses are those of some order."""
        responses = self.http.send_together(*(request for request, _ in acts))
        for order in permutations(zip(acts, responses, strict=True)):
            model = deepcopy(self.model)
            outcomes = [apply(model, response) for (_, apply), response in order]
            # Between two writes of a change, a sign-in with one of its numbers is rejected.
            assert len(acts) > 1 or Outcome.REJECTED not in outcomes
            if outcomes == [outcome_of(response) for _, response in order]:
                self.model = model
                self.create_users(responses)
                return
        raise AssertionError(
            f"no order leads to {[(each.status_code, each.text) for each in responses]}"
        )

    def create_users(self, responses: Sequence[httpx.Response]) -> None:
        """Make each account that signed in a user: only users have numbers to change."""
        for response in responses:
            body = response.json() if response.content else {}
            if token := body.get("access_token"):
                self.tokens.append(token)
                index = self.model.find_session(token, self.http.now)
                if index is not None and body["username"] is None:
                    phone = self.phones[self.model.accounts[index].number]
                    user = {"username": f"Somebody {next(_names)}", "number": phone.e164}
                    created = self.http.send(HttpRequest("POST", "/users", user, token))
                    assert created.status_code == 201

    # Requests

    def signing_in(self, number: int) -> Act:
        code = self.request_code(number, "/auth/request-otp", {})
        assert code is not None

        def apply(model: PhoneChangeModel, response: httpx.Response) -> Outcome:
            token = response.json().get("access_token")
            return model.sign_in(number, token, self.http.now)

        return HttpRequest("POST", "/auth/verify-otp", code), apply

    def changing(self, token: str, number: int, with_old: bool) -> Act | None:
        """Return a change with its codes; None where the service sends none for it."""
        index = self.model.find_session(token, self.http.now)
        assert index is not None
        account = self.model.accounts[index]
        path = "/users/me/phone/request-otp"
        if self.http.now < account.allowed_at:
            body = {"phone": self.phones[number].e164}
            response = self.http.send(HttpRequest("POST", path, body, token))
            assert outcome_of(response) is Outcome.FORBIDDEN
            return None
        codes = self.request_code(number, path, {}, token)
        if codes is None:
            return None
        if with_old:
            old = self.request_code(account.number, path, {"target": "old"}, token)
            if old is None:
                return None
            codes |= {"old_otp": old["otp"], "old_request_id": old["request_id"]}

        def apply(model: PhoneChangeModel, _: httpx.Response) -> Outcome:
            return model.change(token, number, self.http.now, with_old=with_old)

        return HttpRequest("POST", "/users/me/phone", codes, token), apply

    def undoing(self, number: int) -> Act | None:
        """Return an undo with its code; None where the number has nothing to undo."""
        code = self.request_code(number, "/auth/undo-phone-change/request-otp", {})
        if code is None:
            assert self.model.find_hold(number, self.http.now) is None
            return None
        request = HttpRequest("POST", "/auth/undo-phone-change", code)
        return request, lambda model, _: model.undo(number, self.http.now)

    def deleting(self, token: str) -> Act:
        request = HttpRequest("DELETE", "/users/me", token=token)
        return request, lambda model, _: model.delete(token, self.http.now)

    def request_code(
        self, number: int, path: str, body: dict[str, str], token: str | None = None
    ) -> dict[str, str] | None:
        """Request a code, and return what the next request sends; None if none was sent."""
        phone = self.phones[number]
        self.http.messenger.messages.clear()
        sent_body = body or {"phone": phone.e164}
        response = self.http.send(HttpRequest("POST", path, sent_body, token))
        if response.status_code == 429:  # an identity gets five codes a day for changes
            assert token is not None
            return None
        assert response.status_code == 200, response.text
        code = find_code(phone, self.http)
        if code is None:
            return None
        return {
            "phone": phone.e164,
            "otp": code,
            "request_id": response.json()["request_id"],
        }

    def fresh_token(self, number: int) -> str | None:
        """Return the token of a recent login to the account of a number; None if it is held."""
        for token in reversed(self.tokens):
            index = self.model.find_session(token, self.http.now)
            is_owner = index is not None and self.model.accounts[index].number == number
            if is_owner and self.model.is_fresh(token, self.http.now):
                return token
        self.sign_in(number)
        if self.model.find_hold(number, self.http.now):
            return None
        return self.tokens[-1]


def find_code(phone: PhoneNumber, http: HttpDriver) -> str | None:
    """Return the code that a phone got last."""
    for message in reversed(http.messenger.messages):
        if message.phone == phone and (match := re.search(r"\d{6}", message.text)):
            return match[0]
    return None


def outcome_of(response: httpx.Response) -> Outcome:
    body = response.json() if response.content else {}
    code = "rejected" if body.get("success") is False else body.get("code")
    return Outcome((response.status_code, code))


@on_each_database(30, 8, 6, 6)
@pytest.mark.hypothesis
def test_numbers_change_hands_like_their_model(
    choose_database: ChooseDatabase, example_count: int, request: pytest.FixtureRequest
) -> None:
    with open_http_driver(choose_database(request), POLICY) as http:
        run_machine(lambda: PhoneChangeMachine(http), example_count)
