"""Run random sign-in operations of two phones on the service, on each database.

What is true of any phone is in `PhoneHistory`; exact rules have unit tests. This machine proves
what only the service over a database shows: state survives each write, both APIs use one state, a
failed message counts as none, waits in responses are true, and tokens are active exactly as long
as their sessions. All times are seconds.
"""

from dataclasses import dataclass, field
from itertools import count
from typing import Final

import httpx
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from application.ports.otp import DeliveryResult, DeliveryStatus
from domain.phone import PhoneNumber
from tests.stateful.http_driver import HttpDriver, HttpRequest, open_http_driver
from tests.stateful.runs import ChooseDatabase, on_each_database, run_machine
from tests.stateful.sessions import TOKEN_TTL, add_session
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, REJECTED, UNKNOWN
from tests.unit.domain.otp.phone_history import CODE_TTL, Client, CodeUse, Message, PhoneHistory
from tests.unit.domain.otp.verification_driver import HOME_IP, WORK_IP, unknown_ip

CLIENT_IPS: Final = st.sampled_from([HOME_IP, HOME_IP, WORK_IP, unknown_ip(1), unknown_ip(2)])
PHONES: Final = st.integers(0, 1)
IS_LEGACY: Final = st.sampled_from([False, False, True])
FAILING_RESULTS: Final = st.sampled_from([UNKNOWN, REJECTED, INVALID_NUMBER])
FAILURES: Final = {
    DeliveryStatus.REJECTED: (503, 500),
    DeliveryStatus.INVALID_NUMBER: (400, 400),
}
"""The statuses of both APIs when no message can have been sent."""
SECONDS: Final = st.sampled_from([1, 15, 59, 60, 240, 299, 300])
MINUTES: Final = st.sampled_from([15, 60, 1425, 1440, 129_600])


@dataclass
class Phone:
    """A phone, and its sessions: each access token and when it was issued.

    `unsent` are the codes of messages that every provider rejected.
    """

    number: PhoneNumber
    history: PhoneHistory = field(default_factory=PhoneHistory)
    unsent: list[str] = field(default_factory=list)
    sessions: dict[str, float] = field(default_factory=dict)

    def is_active(self, token: str, now: float) -> bool:
        """Return whether the session of a token is active."""
        return token in self.sessions and now - self.sessions[token] < TOKEN_TTL


class SignInMachine(RuleBasedStateMachine):
    """Two phones; `phone` is the index of one. `tokens` are all that were ever issued."""

    def __init__(self, http: HttpDriver) -> None:
        super().__init__()
        http.start_example()
        self.http = http
        self.phones = [Phone(http.new_phone()), Phone(http.new_phone())]
        self.tokens: list[tuple[Phone, str]] = []
        self.request_ids: set[str] = set()
        self.unused_codes = (f"{number:06d}" for number in count())

    # Time and operators

    @rule(seconds=SECONDS | MINUTES.map(lambda minutes: minutes * 60), with_cleanup=st.booleans())
    def wait(self, seconds: int, with_cleanup: bool) -> None:
        self.http.wait(seconds)
        if with_cleanup:
            self.http.run(self.http.use_cases.operations.cleanup())

    @precondition(lambda self: len(self.tokens) > 2)
    @rule(phone=PHONES, client_ip=CLIENT_IPS)
    def block_phone(self, phone: int, client_ip: str) -> None:
        model = self.phones[phone]
        self.http.run(self.http.use_cases.identities.operator_actions.block(model.number))
        model.history.is_blocked, model.sessions = True, {}
        self.use_all_tokens()
        self.log_in(phone, client_ip, is_legacy=False)

    @precondition(lambda self: any(phone.history.is_blocked for phone in self.phones))
    @rule()
    def unblock_phones(self) -> None:
        for model in self.phones:
            self.http.run(self.http.use_cases.identities.operator_actions.unblock(model.number))
            model.history.is_blocked = False

    # Requests

    @initialize(client_ip=CLIENT_IPS, other_ip=CLIENT_IPS)
    def log_in_with_both_phones(self, client_ip: str, other_ip: str) -> None:
        self.log_in(0, client_ip, is_legacy=False)
        self.log_in(1, other_ip, is_legacy=False)

    @rule(phone=PHONES, client_ip=CLIENT_IPS, is_legacy=IS_LEGACY)
    def log_in(self, phone: int, client_ip: str, is_legacy: bool) -> None:
        self.request_otp_as_soon_as_allowed(phone, client_ip, is_legacy)
        for latest in self.phones[phone].history.messages[-1:]:
            self.verify(phone, client_ip, is_legacy, latest.code, latest.request_id)

    @rule(phone=PHONES, client_ip=CLIENT_IPS, is_legacy=IS_LEGACY, result=FAILING_RESULTS)
    def request_otp_while_the_provider_fails(
        self, phone: int, client_ip: str, is_legacy: bool, result: DeliveryResult
    ) -> None:
        self.http.wait(900)
        self.request({phone: client_ip}, is_legacy, result)
        for code in self.phones[phone].unsent[-1:]:
            self.verify(phone, client_ip, is_legacy, code, None)
        # It works again. Until a message shows that, blocked phones get responses as if it failed.
        self.http.messenger.result = ACCEPTED
        body = {"phone": self.http.new_phone().e164}
        assert self.http.send(HttpRequest("POST", "/auth/request-otp", body)).status_code == 200

    @rule(phone=PHONES, client_ip=CLIENT_IPS, is_legacy=IS_LEGACY)
    def request_otp_as_soon_as_allowed(self, phone: int, client_ip: str, is_legacy: bool) -> None:
        if seconds := self.request({phone: client_ip}, is_legacy):
            self.http.wait(seconds - 1)
            assert self.request({phone: client_ip}, is_legacy) <= 1
            self.http.wait(1)
            assert self.request({phone: client_ip}, is_legacy) == 0

    @rule(phone=PHONES, first=st.integers(10, 500), clients=st.integers(2, 5))
    def strangers_request_as_soon_as_allowed(self, phone: int, first: int, clients: int) -> None:
        for number in range(first, first + clients):
            self.request_otp_as_soon_as_allowed(phone, unknown_ip(number), is_legacy=False)

    @rule(client_ip=CLIENT_IPS, other_ip=CLIENT_IPS, is_legacy=IS_LEGACY)
    def request_otps_for_both_phones_together(
        self, client_ip: str, other_ip: str, is_legacy: bool
    ) -> None:
        self.request({0: client_ip, 1: other_ip}, is_legacy)

    def request(
        self, client_ips: dict[int, str], is_legacy: bool, result: DeliveryResult = ACCEPTED
    ) -> int:
        """Request a code for each phone at the same time, with this result of the provider.

        Returns:
            The seconds until the next request of the last phone is allowed; 0 after a delivery,
            or if the API does not say it.
        """
        self.http.messenger.result = result
        self.http.messenger.messages.clear()
        path = "/authenticate/get_otp" if is_legacy else "/auth/request-otp"
        requests = [
            HttpRequest("POST", path, {"phone": self.phones[phone].number.e164}, None, client_ip)
            for phone, client_ip in client_ips.items()
        ]
        responses = self.http.send_together(*requests)
        return [
            self.check_request(self.phones[phone], client_ip, is_legacy, response)
            for (phone, client_ip), response in zip(client_ips.items(), responses, strict=True)
        ][-1]

    def check_request(
        self, phone: Phone, client_ip: str, is_legacy: bool, response: httpx.Response
    ) -> int:
        codes = [text.code for text in self.http.messenger.messages if text.phone == phone.number]
        assert len(codes) <= 1
        body, status = response.json(), self.http.messenger.result.status
        if codes and status in FAILURES:
            assert response.status_code == FAILURES[status][is_legacy]
            phone.unsent += codes
            return int(response.headers.get("retry-after", 0))
        if response.status_code == 429:
            assert not codes
            return int(response.headers["retry-after"])
        assert response.status_code == 200, response.text
        request_id = None
        if not is_legacy:
            assert body["request_id"] not in self.request_ids  # each response has a new one
            self.request_ids.add(body["request_id"])
            phone.history.ids.add(body["request_id"])
            assert bool(codes) == (body["sent"] and not phone.history.is_blocked)
            assert 0 < body["expires_in"] <= CODE_TTL
            request_id = body["request_id"] if codes else None
        for code in codes:
            client = Client(client_ip)
            is_owner = phone.history.is_owner(client)
            phone.history.add_message(Message(code, self.http.now, client, is_owner, request_id))
        return 0 if is_legacy or body["sent"] else int(body["resend_in"])

    # Attempts

    @rule(
        data=st.data(),
        phone=PHONES,
        client_ip=CLIENT_IPS,
        is_legacy=IS_LEGACY,
        times=st.integers(1, 6),
    )
    def guess(
        self, data: st.DataObject, phone: int, client_ip: str, is_legacy: bool, times: int
    ) -> None:
        request_id = self.draw_request_id(data)
        for _ in range(times):
            self.verify(phone, client_ip, is_legacy, self.wrong_code(), request_id)

    @rule(phone=PHONES, client_ip=CLIENT_IPS, is_legacy=IS_LEGACY)
    def guess_until_refused_and_as_soon_as_allowed(
        self, phone: int, client_ip: str, is_legacy: bool
    ) -> None:
        waits = (
            self.verify(phone, client_ip, is_legacy, self.wrong_code(), None) for _ in range(7)
        )
        seconds = next(wait for wait in waits if wait)
        self.http.wait(seconds - 1)
        assert self.verify(phone, client_ip, is_legacy, self.wrong_code(), None) <= 1
        self.http.wait(1)
        assert self.verify(phone, client_ip, is_legacy, self.wrong_code(), None) == 0

    @rule(phone=PHONES, first=st.integers(10, 500), clients=st.integers(3, 16))
    def strangers_guess(self, phone: int, first: int, clients: int) -> None:
        for number in range(first, first + clients):
            self.verify(phone, unknown_ip(number), False, self.wrong_code(), None)

    @rule(data=st.data(), phone=PHONES, client_ip=CLIENT_IPS, is_legacy=IS_LEGACY)
    def verify_any_code(
        self, data: st.DataObject, phone: int, client_ip: str, is_legacy: bool
    ) -> None:
        codes = [code for each in self.phones for code in each.history.codes]
        code = data.draw(st.sampled_from(codes)) if codes else self.wrong_code()
        self.verify(phone, client_ip, is_legacy, code, self.draw_request_id(data))

    def verify(
        self, phone: int, client_ip: str, is_legacy: bool, code: str, request_id: str | None
    ) -> int:
        """Verify a code, and return the seconds until it is looked at, 0 if it was."""
        model, now = self.phones[phone], self.http.now
        path, body = "/authenticate/validate_otp", {"phone": model.number.e164, "otp": code}
        if is_legacy:
            request_id = None
        else:
            path = "/auth/verify-otp"
            body |= {} if request_id is None else {"request_id": request_id}
        response = self.http.send(HttpRequest("POST", path, body, None, client_ip))
        attempt = CodeUse(code, now, Client(client_ip), request_id)
        if response.status_code == 429:
            return int(response.headers["retry-after"])
        token = response.json().get("access_token")
        if token is None:
            assert response.status_code == (403 if is_legacy else 200)
            model.history.add_failure(attempt)
        elif token in model.sessions or not model.history.is_active(code, now):
            model.history.check_repeated_login(attempt)
        else:
            model.history.add_login(attempt)
            assert token not in [issued for _, issued in self.tokens]
            self.tokens.append((model, token))
            model.sessions = add_session(model.sessions, token, now)
        return 0

    # Sessions

    @precondition(lambda self: self.tokens)
    @rule(data=st.data())
    def log_out(self, data: st.DataObject) -> None:
        phone, token = data.draw(st.sampled_from(self.tokens))
        if self.is_accepted(HttpRequest("POST", "/auth/logout", token=token), phone):
            del phone.sessions[token]
        self.use_all_tokens()

    @precondition(lambda self: len(self.tokens) > 3)
    @rule(data=st.data())
    def delete_user(self, data: st.DataObject) -> None:
        phone, token = data.draw(st.sampled_from(self.tokens))
        if self.is_accepted(HttpRequest("DELETE", "/users/me", token=token), phone):
            phone.sessions = {}
        self.use_all_tokens()

    def use_all_tokens(self) -> None:
        for phone, token in self.tokens:
            response = self.http.send(HttpRequest("GET", "/users/me", token=token))
            expected = 404 if phone.is_active(token, self.http.now) else 401
            assert response.status_code == expected

    def teardown(self) -> None:
        self.use_all_tokens()

    def is_accepted(self, request: HttpRequest, phone: Phone) -> bool:
        assert request.token is not None
        is_active = phone.is_active(request.token, self.http.now)
        assert self.http.send(request).status_code == (204 if is_active else 401)
        return is_active

    # Drawing

    def draw_request_id(self, data: st.DataObject) -> str | None:
        messages = [message for phone in self.phones for message in phone.history.messages[-3:]]
        known = [message.request_id for message in messages if message.request_id]
        return data.draw(st.sampled_from([None, None, "unknown", *known]))

    def wrong_code(self) -> str:
        """Return another code each time, that was in no message."""
        used = {message.code for phone in self.phones for message in phone.history.messages}
        return next(code for code in self.unused_codes if code not in used)


@on_each_database(10, 4, 2, 2)
@pytest.mark.hypothesis
def test_the_promises_about_sign_ins_hold_in_any_order_of_requests(
    choose_database: ChooseDatabase, example_count: int, request: pytest.FixtureRequest
) -> None:
    with open_http_driver(choose_database(request)) as http:
        run_machine(lambda: SignInMachine(http), example_count)
