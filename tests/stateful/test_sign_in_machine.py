"""Run random sign-in operations of two phones on the service and on a model of it.

The model of the codes of a phone is that of the domain. All times are seconds.
"""

import math
from collections.abc import Sequence
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
from tests.stateful.users_model import TOKEN_TTL, add_session
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, REJECTED, UNKNOWN
from tests.unit.domain.otp.phone_verification_model import (
    ModelAttempt,
    ModelDelivery,
    PhoneVerificationModel,
    becomes_true_after,
)
from tests.unit.domain.otp.verification_driver import HOME_IP, WORK_IP, unknown_ip

PENDING: Final = "pending"
"""How request ids and codes begin that were in no response and no message yet."""

CLIENT_IPS: Final = st.sampled_from([HOME_IP, HOME_IP, WORK_IP, unknown_ip(1), unknown_ip(2)])
PHONES: Final = st.integers(0, 1)
IS_LEGACY: Final = st.sampled_from([False, False, True])
DELIVERY_RESULTS: Final = st.sampled_from([ACCEPTED, ACCEPTED, UNKNOWN, REJECTED, INVALID_NUMBER])
SECONDS: Final = st.sampled_from([1, 4, 14, 15, 30, 59, 60, 239, 240, 299, 300, 600])
MINUTES: Final = st.sampled_from([15, 59, 60, 61, 240, 1425, 1440, 1441, 129_600])
FIRST_UNKNOWN_IPS: Final = st.integers(10, 500)


@dataclass
class Phone:
    """A phone with its codes, and its sessions: each access token and when it was issued."""

    number: PhoneNumber
    codes: PhoneVerificationModel = field(default_factory=PhoneVerificationModel)
    sessions: dict[str, float] = field(default_factory=dict)
    is_deleted: bool = False

    def is_active(self, token: str, now: float) -> bool:
        """Return whether the session of a token is active."""
        return token in self.sessions and now - self.sessions[token] < TOKEN_TTL

    def add_session(self, token: str, now: float) -> None:
        """Add a session, and revoke the oldest of more than twenty."""
        self.sessions = add_session(self.sessions, token, now)

    def change_owner(self, *client_ips: str) -> None:
        """Forget the IPs of a deleted owner, but for those of the next one."""
        if self.is_deleted:
            logins = self.codes.last_login_by_ip
            self.codes.last_login_by_ip = {ip: logins[ip] for ip in client_ips}
        self.is_deleted = False


class SignInMachine(RuleBasedStateMachine):
    """Two phones; `phone` is the index of one. `tokens` are all that were ever issued."""

    def __init__(self, http: HttpDriver) -> None:
        super().__init__()
        http.start_example()
        self.http = http
        self.phones = [Phone(http.new_phone()), Phone(http.new_phone())]
        self.tokens: list[tuple[Phone, str]] = []
        self.request_ids: set[str] = set()
        self.pending = (f"{PENDING} {number}" for number in count())
        self.unused_codes = (f"{number:06d}" for number in count())

    # Time and operators

    @rule(seconds=SECONDS)
    def wait(self, seconds: int) -> None:
        self.http.wait(seconds)

    @rule(minutes=MINUTES)
    def wait_long(self, minutes: int) -> None:
        self.http.wait(minutes * 60)

    @precondition(lambda self: len(self.tokens) > 2)
    @rule(phone=PHONES)
    def block_phone(self, phone: int) -> None:
        model = self.phones[phone]
        self.http.run(self.http.use_cases.identities.operator_actions.block(model.number))
        model.codes.is_blocked, model.sessions = True, {}
        self.use_all_tokens()

    @rule(phone=PHONES)
    def unblock_phone(self, phone: int) -> None:
        self.http.run(
            self.http.use_cases.identities.operator_actions.unblock(self.phones[phone].number)
        )
        self.phones[phone].codes.is_blocked = False
        self.use_all_tokens()

    @rule()
    def cleanup(self) -> None:
        self.http.run(self.http.use_cases.operations.cleanup())
        for phone in self.phones:
            phone.change_owner()

    # Requests

    @initialize(client_ip=CLIENT_IPS, other_ip=CLIENT_IPS)
    def log_in_with_both_phones(self, client_ip: str, other_ip: str) -> None:
        self.log_in(0, client_ip, is_legacy=False)
        self.log_in(1, other_ip, is_legacy=False)

    @rule(phone=PHONES, client_ip=CLIENT_IPS, is_legacy=IS_LEGACY)
    def log_in(self, phone: int, client_ip: str, is_legacy: bool) -> None:
        self.request_otp_as_soon_as_allowed(phone, client_ip, is_legacy)
        self.verify_latest_delivery(phone, client_ip, is_legacy)

    @rule(phone=PHONES, client_ip=CLIENT_IPS, is_legacy=IS_LEGACY, result=DELIVERY_RESULTS)
    def request_otp(
        self, phone: int, client_ip: str, is_legacy: bool, result: DeliveryResult
    ) -> None:
        self.compare_requests([phone], [client_ip], is_legacy, result)

    @rule(phone=PHONES, client_ip=CLIENT_IPS, is_legacy=IS_LEGACY)
    def request_otp_as_soon_as_allowed(self, phone: int, client_ip: str, is_legacy: bool) -> None:
        if seconds := self.compare_requests([phone], [client_ip], is_legacy):
            self.http.wait(seconds - 1)
            assert self.compare_requests([phone], [client_ip], is_legacy) <= 1
            self.http.wait(1)
            assert self.compare_requests([phone], [client_ip], is_legacy) == 0

    @rule(phone=PHONES, first=FIRST_UNKNOWN_IPS, ips=st.integers(2, 5))
    def unknown_ips_request_otps_as_soon_as_allowed(self, phone: int, first: int, ips: int) -> None:
        for number in range(first, first + ips):
            self.request_otp_as_soon_as_allowed(phone, unknown_ip(number), is_legacy=False)

    @rule(client_ip=CLIENT_IPS, other_ip=CLIENT_IPS, is_legacy=IS_LEGACY)
    def request_otps_for_both_phones_together(
        self, client_ip: str, other_ip: str, is_legacy: bool
    ) -> None:
        self.compare_requests([0, 1], [client_ip, other_ip], is_legacy)

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
            self.compare_attempt(phone, client_ip, is_legacy, self.wrong_code(), request_id)

    @rule(phone=PHONES, first=FIRST_UNKNOWN_IPS, ips=st.integers(3, 16))
    def unknown_ips_guess(self, phone: int, first: int, ips: int) -> None:
        for number in range(first, first + ips):
            self.compare_attempt(phone, unknown_ip(number), False, self.wrong_code(), None)

    @rule(data=st.data(), phone=PHONES, client_ip=CLIENT_IPS, is_legacy=IS_LEGACY)
    def verify_any_code(
        self, data: st.DataObject, phone: int, client_ip: str, is_legacy: bool
    ) -> None:
        challenges = [challenge for model in self.phones for challenge in model.codes.challenges]
        codes = [challenge.code for challenge in challenges if is_known(challenge.code)][-6:]
        code = data.draw(st.sampled_from(codes)) if codes else self.wrong_code()
        self.compare_attempt(phone, client_ip, is_legacy, code, self.draw_request_id(data))

    @rule(phone=PHONES, client_ip=CLIENT_IPS, is_legacy=IS_LEGACY)
    def verify_latest_delivery(self, phone: int, client_ip: str, is_legacy: bool) -> None:
        for latest in self.phones[phone].codes.deliveries[-1:]:
            request_id = latest.request_id if is_known(latest.request_id) else None
            code = latest.challenge.code
            if not is_known(code):  # nothing was delivered
                code = self.wrong_code()
            self.compare_attempt(phone, client_ip, is_legacy, code, request_id)

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
        """Everything counted for the phone stays counted, but no IP of the owner is trusted."""
        phone, token = data.draw(st.sampled_from(self.tokens))
        if self.is_accepted(HttpRequest("DELETE", "/users/me", token=token), phone):
            phone.sessions, phone.is_deleted = {}, True
        self.use_all_tokens()

    @rule()
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

    # Comparing requests

    def compare_requests(
        self,
        phones: Sequence[int],
        client_ips: Sequence[str],
        is_legacy: bool,
        result: DeliveryResult = ACCEPTED,
    ) -> int:
        """Request codes at the same time, with this result of the provider.

        Returns:
            The seconds until the next request of the last phone is allowed; 0 after a delivery,
            or if the API does not say it.
        """
        self.http.messenger.result = result
        self.http.messenger.messages.clear()
        path = "/authenticate/get_otp" if is_legacy else "/auth/request-otp"
        requests = [
            HttpRequest("POST", path, {"phone": self.phones[phone].number.e164}, None, client_ip)
            for phone, client_ip in zip(phones, client_ips, strict=True)
        ]
        responses = self.http.send_together(*requests)
        return [
            self.compare_request(self.phones[phone], request.client_ip, is_legacy, response)
            for phone, request, response in zip(phones, requests, responses, strict=True)
        ][-1]

    def compare_request(
        self, phone: Phone, client_ip: str, is_legacy: bool, response: httpx.Response
    ) -> int:
        model, now, pending = phone.codes, self.http.now, next(self.pending)
        is_delivered = is_new = model.allows_delivery(client_ip, now)
        status, delivery = 200, None
        if not is_new:
            delivery = model.refer(pending, client_ip, now)
            status = 200 if delivery else 429
        elif not model.is_blocked and self.http.messenger.result.status in FAILURES:
            status, is_new = FAILURES[self.http.messenger.result.status][is_legacy], False
            model.reject_delivery(model.deliver(pending, client_ip, now, pending))
        else:
            delivery = model.deliver(pending, client_ip, now, pending)
        assert response.status_code == status
        messages = [text for text in self.http.messenger.messages if text.phone == phone.number]
        assert len(messages) == int(is_delivered and not model.is_blocked)
        body = response.json()
        if delivery is not None:
            if messages:
                code = delivery.challenge.code
                delivery.challenge.code = code if is_known(code) else messages[0].code
                assert delivery.challenge.code == messages[0].code
            if is_legacy:
                return 0
            assert body["sent"] == is_new
            self.name_delivery(delivery, pending, body["request_id"])
            expires_in = math.ceil(delivery.challenge.expires_at - now)
            assert body["expires_in"] == max(1, expires_in)
        if status == 400:
            return 0
        seconds: int = body["resend_in"] if status == 200 else int(response.headers["retry-after"])

        def allows_delivery(time: float) -> bool:
            return model.allows_delivery(client_ip, time)

        assert is_new or becomes_true_after(allows_delivery, now, seconds)
        return 0 if is_new else seconds

    def name_delivery(self, delivery: ModelDelivery, pending: str, request_id: str) -> None:
        assert request_id not in self.request_ids  # each response has a new one
        self.request_ids.add(request_id)
        delivery.ids[request_id] = delivery.ids.pop(pending)
        if delivery.request_id == pending:
            delivery.request_id = request_id

    # Comparing attempts

    def compare_attempt(
        self, phone: int, client_ip: str, is_legacy: bool, code: str, request_id: str | None
    ) -> None:
        model, now = self.phones[phone], self.http.now
        path, body = "/authenticate/validate_otp", {"phone": model.number.e164, "otp": code}
        if is_legacy:
            request_id = None
        else:
            path = "/auth/verify-otp"
            body |= {} if request_id is None else {"request_id": request_id}
        response = self.http.send(HttpRequest("POST", path, body, None, client_ip))
        attempt = ModelAttempt(code, client_ip, request_id)

        def allows_attempt(time: float) -> bool:
            return model.codes.attempts_left(attempt, time) > 0

        # The client that used a code may send it again; that counts for nothing.
        is_retry = model.codes.is_retry(attempt, now) and not model.codes.is_challenged(now)
        if not is_retry and not allows_attempt(now):
            assert response.status_code == 429
            seconds = int(response.headers["retry-after"])
            assert becomes_true_after(allows_attempt, now, seconds)
            return
        attempts_left = model.codes.verify(attempt, now)
        if attempts_left is None:
            token = response.json()["access_token"]
            assert token not in [issued for _, issued in self.tokens]
            self.tokens.append((model, token))
            model.add_session(token, now)
            model.change_owner(client_ip)
            self.http.wait(1)  # the model needs to know which of two codes was used last
            return
        assert response.status_code == (403 if is_legacy else 200)
        assert is_legacy or is_retry or response.json()["attempts_left"] == attempts_left

    # Drawing

    def draw_request_id(self, data: st.DataObject) -> str | None:
        deliveries = [delivery for phone in self.phones for delivery in phone.codes.deliveries[-4:]]
        known = [each for delivery in deliveries for each in delivery.ids if is_known(each)]
        return data.draw(st.sampled_from([None, None, "unknown", *known]))

    def wrong_code(self) -> str:
        """Return another code each time, that was in no message."""
        used = {each.code for phone in self.phones for each in phone.codes.challenges}
        return next(code for code in self.unused_codes if code not in used)


FAILURES: Final = {
    DeliveryStatus.REJECTED: (503, 500),
    DeliveryStatus.INVALID_NUMBER: (400, 400),
}
"""The statuses of both APIs when no message can have been sent."""


def is_known(text: str) -> bool:
    """Return whether a request id or a code was in a response or a message yet."""
    return not text.startswith(PENDING)


@on_each_database(28, 6, 4, 4)
@pytest.mark.hypothesis
def test_sign_in_behaves_like_its_model(
    choose_database: ChooseDatabase, example_count: int, request: pytest.FixtureRequest
) -> None:
    with open_http_driver(choose_database(request)) as http:
        run_machine(lambda: SignInMachine(http), example_count)
