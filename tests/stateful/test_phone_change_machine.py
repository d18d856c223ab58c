"""Run random changes of phone numbers on the service, on each database.

This machine proves what only the service over a database shows, in any order and at the same time:
a number has one account at most, nobody but its own account changes it, the former number signs
nobody in while an undo is possible, a change ends the other sessions and an undo all of them. A
session that was opened by the number which an account got disowns the account: then the number is
free, and sessions from before the change go on where the account has its former number. All times
are seconds.
"""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber
from tests.stateful.http_driver import HttpDriver, HttpRequest, open_http_driver
from tests.stateful.runs import ChooseDatabase, on_each_database, run_machine
from tests.stateful.sessions import TOKEN_TTL
from tests.support.policies import make_policy

DAY: Final = 24 * 60 * 60
UNDO_PERIOD: Final = 7 * DAY
FRESH_LOGIN: Final = 15 * 60
NUMBERS: Final = st.integers(0, 4)
SECONDS: Final = st.sampled_from([1, 14 * 60, 3600, DAY, UNDO_PERIOD - 60, UNDO_PERIOD])
CONFLICTS: Final = {
    "phone_in_use",
    "number_was_changed",
    "undo_not_possible",
    "disown_not_possible",
}

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


@dataclass(eq=False)
class Account:
    """An account, its number, and its sessions: each token and when it was issued.

    `may_change_at` is when it may change its number again after an undo. `last_change` is None if
    another one may count, because the last one was undone.
    """

    id: str
    number: int
    sessions: dict[str, float] = field(default_factory=dict)
    may_change_at: float = 0
    last_change: "LastChange | None" = None


@dataclass(frozen=True)
class LastChange:
    """The last change of an account: the former number, when, and the token that went on."""

    former: int
    changed_at: float
    kept_token: str


@dataclass(frozen=True)
class PhoneAct:
    """A request of an account, the number that it is about, and how long it can be undone."""

    request: HttpRequest
    number: int
    account: Account | None = None
    undo_period: float = 0

    @property
    def kind(self) -> str:
        """Its method and path."""
        return f"{self.request.method} {self.request.path}"


SIGN_IN: Final = "POST /auth/verify-otp"
CHANGE: Final = "POST /users/me/phone"
UNDO: Final = "POST /auth/undo-phone-change"
DISOWN_PATH: Final = "/users/me/phone/disown"
DISOWN: Final = f"POST {DISOWN_PATH}"
DELETE: Final = "DELETE /users/me"


class PhoneChangeMachine(RuleBasedStateMachine):
    """Five numbers; `number` and `other` are indexes.

    `left_by` is the account that left a number last, `held_until` when the last undo of that is
    possible, and `ended` are tokens that ended for good. `disowned` are accounts without sessions:
    their number is unknown.
    """

    def __init__(self, http: HttpDriver) -> None:
        super().__init__()
        http.start_example()
        self.http = http
        self.phones = [http.new_phone() for _ in range(5)]
        self.accounts: dict[str, Account] = {}
        self.disowned: dict[str, Account] = {}
        self.rejection = 0
        self.left_by: dict[int, Account] = {}
        self.held_until: dict[int, float] = {}
        self.ended: list[str] = []

    # Time

    @rule(seconds=SECONDS, with_cleanup=st.booleans())
    def wait(self, seconds: int, with_cleanup: bool) -> None:
        self.http.wait(seconds)
        if with_cleanup:
            self.http.run(self.http.use_cases.operations.cleanup())

    # One at a time

    @rule(number=NUMBERS)
    def sign_in(self, number: int) -> None:
        self.act(self.signing_in(number))

    @rule(number=NUMBERS, other=NUMBERS, with_old=st.booleans())
    def change(self, number: int, other: int, with_old: bool) -> None:
        self.act(self.changing(number, other, with_old=with_old))

    @rule(number=NUMBERS)
    def change_to_a_number_that_nobody_had(self, number: int) -> None:
        self.phones.append(self.http.new_phone())
        new, act = len(self.phones) - 1, None
        if owner := self.fresh_owner(number):
            self.send(self.signing_in(number))  # so that there is a session that the change ends
            act = self.changing(number, new)
            is_forbidden = self.http.now < owner.may_change_at
            assert act is None if is_forbidden else act or self.rejection == 429
        self.act(act)
        if owner and act:
            assert owner.number == new

    # What is drawn does not depend on the state: which of two requests wins is not repeated.
    @rule(choice=st.integers(0, 99))
    def undo(self, choice: int) -> None:
        numbers = [*self.left_by] or [0]
        number = numbers[choice % len(numbers)]
        act = self.undoing(number)
        self.act(act)
        if act:  # there was a message
            assert self.left_by[number].number == number
        else:
            assert not self.is_held(number)

    @rule(number=NUMBERS)
    def disown(self, number: int) -> None:
        act = self.disowning(number)
        if act is None or act.account is None:
            return
        owner, change = act.account, act.account.last_change
        self.act(act)
        is_disowned = act.request.token in self.ended
        if change is not None:
            assert is_disowned == (self.http.now < change.changed_at + UNDO_PERIOD)
        if not is_disowned:
            return
        self.act(self.signing_in(number))
        assert owner.id not in {each.id for each in self.owners_of(number)}, "it is free"

    @rule(number=NUMBERS, with_old=st.booleans(), with_session=st.booleans(), seconds=SECONDS)
    def change_to_a_number_that_disowns(
        self, number: int, with_old: bool, with_session: bool, seconds: int
    ) -> None:
        self.phones.append(self.http.new_phone())
        new = len(self.phones) - 1
        self.act(self.changing(number, new, with_old=with_old))
        for owner in self.owners_of(new):
            if with_session:
                self.act(
                    PhoneAct(HttpRequest("POST", DISOWN_PATH, token=[*owner.sessions][-1]), new)
                )
                assert owner.number == new, "the session that made the change disowns nothing"
            self.wait(seconds, with_cleanup=False)
            self.disown(new)
            if seconds >= UNDO_PERIOD - 60:
                continue
            self.act(self.signing_in(number))
            is_restored = owner.id in {each.id for each in self.owners_of(number)}
            assert is_restored is not with_old

    def owners_of(self, number: int) -> list[Account]:
        return [account for account in self.accounts.values() if account.number == number]

    @rule(number=NUMBERS)
    def delete(self, number: int) -> None:
        self.act(self.deleting(number))

    # Two at the same time

    @rule(number=NUMBERS, other=NUMBERS, new=NUMBERS)
    def change_two_to_one_number_together(self, number: int, other: int, new: int) -> None:
        if number != other:
            self.act(self.changing(number, new), self.changing(other, new))

    @rule(number=NUMBERS, new=NUMBERS, with_old_number=st.booleans())
    def change_and_sign_in_together(self, number: int, new: int, with_old_number: bool) -> None:
        change = self.changing(number, new)
        self.act(change, self.signing_in(number if with_old_number else new))

    @rule(number=NUMBERS, new=NUMBERS)
    def change_and_delete_together(self, number: int, new: int) -> None:
        self.act(self.changing(number, new), self.deleting(number))

    @rule(number=NUMBERS, other=NUMBERS)
    def undo_and_disown_together(self, number: int, other: int) -> None:
        self.change(number, other, with_old=False)
        self.act(self.undoing(number), self.disowning(other))

    @rule(number=NUMBERS, other=NUMBERS)
    def disown_and_delete_together(self, number: int, other: int) -> None:
        self.change(number, other, with_old=False)
        self.act(self.disowning(other), self.deleting(other))

    @rule(number=NUMBERS, other=NUMBERS, new=NUMBERS)
    def disown_and_change_together(self, number: int, other: int, new: int) -> None:
        self.change(number, other, with_old=False)
        self.act(self.disowning(other), self.changing(other, new))

    @rule(number=NUMBERS, other=NUMBERS, new=NUMBERS)
    def undo_and_change_together(self, number: int, other: int, new: int) -> None:
        self.change(number, other, with_old=False)
        self.act(self.changing(other, new), self.undoing(number))

    # What is always true

    def act(self, *possible_acts: PhoneAct | None) -> None:
        """Send requests at the same time, and compare all accounts with what they may have done."""
        self.send(*possible_acts)
        self.check_accounts()

    def send(self, *possible_acts: PhoneAct | None) -> None:
        acts = [act for act in possible_acts if act]
        responses = self.http.send_together(*[act.request for act in acts])
        done = []
        for act, response in zip(acts, responses, strict=True):
            assert response.status_code in {200, 204, 401, 403, 409}, response.text
            body = response.json() if response.content else {}
            if response.status_code == 409:
                assert body["code"] in CONFLICTS
            # Only between two writes of a change a correct code signs nobody in.
            assert body.get("success") is not False or len(acts) > 1
            if response.status_code < 300 and body.get("success") is not False:
                done.append((act, body))
        changes = [act for act, _ in done if act.kind == CHANGE]
        assert len({act.number for act in changes}) == len(changes), "one account gets a number"
        for act in changes:
            assert act.account is not None
            assert act.request.token is not None
            former, self.left_by[act.account.number] = act.account.number, act.account
            self.held_until[act.account.number] = self.http.now + act.undo_period
            self.held_until.pop(act.number, None)
            act.account.number = act.number
            act.account.last_change = LastChange(former, self.http.now, act.request.token)
            self.end_sessions(act.account, but=act.request.token)
        for act in [act for act, _ in done if act.kind == UNDO]:
            account = self.left_by[act.number]
            account.number, account.may_change_at = act.number, self.http.now + UNDO_PERIOD
            account.last_change = None
            self.end_sessions(account)
            self.end_holds(account)
        for act in [act for act, _ in done if act.kind == DISOWN]:
            assert act.account is not None
            self.end_by_disown(act.account)
        for act in [act for act, _ in done if act.kind == DELETE]:
            assert act.account is not None
            self.end_sessions(act.account)
            self.end_holds(act.account)
            self.accounts.pop(act.account.id, None)
        for act, body in done:
            if act.kind == SIGN_IN:
                self.add_session(act, body, is_alone=len(acts) == 1)

    def check_accounts(self) -> None:
        """Each active token shows its account with its number, and each number has one account."""
        accounts = [*self.accounts.values()]
        assert len({account.number for account in accounts}) == len(accounts)
        for account in accounts:
            for token, issued_at in [*account.sessions.items()][-1:]:
                if self.http.now - issued_at < TOKEN_TTL:
                    assert self.show(token) == (account.id, self.phones[account.number].e164)
        for token in self.ended[-2:]:
            assert self.show(token) is None

    def teardown(self) -> None:
        self.check_accounts()

    def show(self, token: str) -> tuple[str, str] | None:
        """Return id and number of a token's user, None if the token is not active."""
        response = self.http.send(HttpRequest("GET", "/users/me", token=token))
        if response.status_code == 401:
            return None
        assert response.status_code == 200, response.text
        return response.json()["_id"], response.json()["number"]

    def add_session(self, act: PhoneAct, body: dict[str, str | None], *, is_alone: bool) -> None:
        """Make the account that signed in a user: only users have numbers to change."""
        assert not (is_alone and self.is_held(act.number))
        token = body["access_token"]
        assert token is not None
        if body["username"] is None:
            phone = self.phones[act.number].e164
            user = {"username": f"Somebody {next(_names)}", "number": phone}
            created = self.http.send(HttpRequest("POST", "/users", user, token))
            if created.status_code == 401 and not is_alone:  # the other request ended it
                return
            assert created.status_code == 201, created.text
        shown = self.show(token)
        if shown is None:
            assert not is_alone
            return
        user_id, _ = shown
        account = self.accounts.setdefault(
            user_id, self.disowned.pop(user_id, Account(user_id, act.number))
        )
        account.number = act.number if not account.sessions else account.number
        assert account.number == act.number or not is_alone
        account.sessions[token] = self.http.now

    def end_sessions(self, account: Account, but: str = "") -> None:
        self.ended += [token for token in account.sessions if token != but]
        account.sessions = {
            token: issued_at for token, issued_at in account.sessions.items() if token == but
        }

    def end_by_disown(self, account: Account) -> None:
        """End all sessions but the one that the change kept, if the account has that.

        An account without sessions is unknown until somebody signs in to it.
        """
        change, account.last_change = account.last_change, None
        shown = {token: self.show(token) for token in account.sessions}
        kept = [token for token, user in shown.items() if user is not None]
        assert len(kept) <= 1
        assert change is None or {*kept} <= {change.kept_token}
        self.end_sessions(account, but="".join(kept))
        account.may_change_at = self.http.now + UNDO_PERIOD
        self.end_holds(account)
        if self.accounts.pop(account.id, None) is not None:
            self.disowned[account.id] = account
        for token in kept:
            user = shown[token]
            assert user is not None
            phones = [phone.e164 for phone in self.phones]
            account.number = phones.index(user[1])
            assert change is None or account.number == change.former
            self.accounts[account.id] = self.disowned.pop(account.id, account)

    def is_held(self, number: int) -> bool:
        """Return whether an undo is possible. After another undo it may be, but this is unknown."""
        return self.http.now < self.held_until.get(number, 0)

    def end_holds(self, account: Account) -> None:
        for number, other in self.left_by.items():
            if other is account:
                self.held_until.pop(number, None)

    # Requests

    def signing_in(self, number: int) -> PhoneAct:
        code = self.request_code(number, "/auth/request-otp")
        assert code is not None
        return PhoneAct(HttpRequest("POST", "/auth/verify-otp", code), number)

    def changing(self, present: int, number: int, *, with_old: bool = False) -> PhoneAct | None:
        """Return a change with its codes; None where the service sends none for it."""
        owner = self.fresh_owner(present) if present != number else None
        if owner is None:
            return None
        token, path = [*owner.sessions][-1], "/users/me/phone/request-otp"
        codes = self.request_code(number, path, {}, token)
        if codes is None:
            return None
        if with_old:
            old = self.request_code(present, path, {"target": "old"}, token)
            if old is None:
                return None
            codes |= {"old_otp": old["otp"], "old_request_id": old["request_id"]}
        request = HttpRequest("POST", "/users/me/phone", codes, token)
        return PhoneAct(request, number, owner, 0 if with_old else UNDO_PERIOD)

    def undoing(self, number: int) -> PhoneAct | None:
        """Return an undo with its code; None where the number has nothing to undo."""
        code = self.request_code(number, "/auth/undo-phone-change/request-otp")
        return (
            PhoneAct(HttpRequest("POST", "/auth/undo-phone-change", code), number) if code else None
        )

    def disowning(self, number: int) -> PhoneAct | None:
        """Return a request by a new session; None where nobody has the number, or it is held."""
        owner = self.fresh_owner(number)
        if owner is None:
            return None
        self.send(self.signing_in(number))  # the last one may be what the change kept
        return PhoneAct(
            HttpRequest("POST", DISOWN_PATH, token=[*owner.sessions][-1]), number, owner
        )

    def deleting(self, number: int) -> PhoneAct | None:
        owner = self.fresh_owner(number)
        if owner is None:
            return None
        token = [*owner.sessions][-1]
        return PhoneAct(HttpRequest("DELETE", "/users/me", token=token), number, owner)

    def request_code(
        self, number: int, path: str, body: dict[str, str] | None = None, token: str | None = None
    ) -> dict[str, str] | None:
        """Request a code, and return what the next request sends; None if none was sent."""
        phone = self.phones[number]
        self.http.messenger.messages.clear()
        sent_body = body or {"phone": phone.e164}
        response = self.http.send(HttpRequest("POST", path, sent_body, token))
        if response.status_code in (403, 429):  # after an undo, or after five codes in a day
            assert token is not None
            self.rejection = response.status_code
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

    def fresh_owner(self, number: int) -> Account | None:
        """Return the account of a number, after a recent login; None if the number is held."""
        for _ in range(2):
            for account in self.accounts.values():
                for issued_at in [*account.sessions.values()][-1:]:
                    if account.number == number and self.http.now - issued_at < FRESH_LOGIN:
                        return account
            self.send(self.signing_in(number))
        return None


def find_code(phone: PhoneNumber, http: HttpDriver) -> str | None:
    """Return the code that a phone got last."""
    for message in reversed(http.messenger.messages):
        if message.phone == phone and (match := re.search(r"\d{6}", message.text)):
            return match[0]
    return None


@on_each_database(4, 3, 2, 2)
@pytest.mark.hypothesis
def test_numbers_change_hands_as_promised_in_any_order(
    choose_database: ChooseDatabase, example_count: int, request: pytest.FixtureRequest
) -> None:
    with open_http_driver(choose_database(request), POLICY) as http:
        run_machine(lambda: PhoneChangeMachine(http), example_count)
