"""Runs each sign-in operation on the service and on the model, and compares the results."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from application.ports.messenger import DeliveryResult
from tests.stateful.http_driver import Client, HttpDriver, HttpRequest
from tests.stateful.otp_apis import OtpApi, RequestOtpResponse
from tests.stateful.sign_in_model import PhoneModel, RequestOutcome, is_known
from tests.support.fakes.messenger import ACCEPTED, Message
from tests.unit.domain.otp.phone_model_values import (
    ModelAttempt,
    ModelDelivery,
    becomes_true_after,
)


@dataclass
class SignInDriver:
    """The service, and every token that it issued with its phone."""

    http: HttpDriver
    issued_tokens: list[tuple[PhoneModel, str]] = field(default_factory=list)
    numbers: "count[int]" = field(default_factory=count)
    request_ids: set[str] = field(default_factory=set)

    # Requests

    def request_otp(
        self,
        phone: PhoneModel,
        client: Client,
        api: OtpApi,
        extra_fields: Mapping[str, str] | None = None,
        result: DeliveryResult = ACCEPTED,
    ) -> int:
        """Request a code, with this result of the provider.

        Returns:
            The seconds to wait before the next request. 0 after a delivery, or if the API does
            not say it.
        """
        return self.request_otps_together([phone], [client], api, extra_fields, result)[0]

    def request_otps_together(
        self,
        phones: Sequence[PhoneModel],
        clients: Sequence[Client],
        api: OtpApi,
        extra_fields: Mapping[str, str] | None = None,
        result: DeliveryResult = ACCEPTED,
    ) -> list[int]:
        """Request codes for several phones at the same time."""
        self.http.messenger.result = result
        self.http.messenger.messages.clear()
        responses = self.http.send_together(
            *(
                api.request_otp(phone.phone, client, extra_fields or {})
                for phone, client in zip(phones, clients, strict=True)
            )
        )
        return [
            self._compare_request(phone, client, api.parse_request_otp(response))
            for phone, client, response in zip(phones, clients, responses, strict=True)
        ]

    def request_otp_as_soon_as_allowed(
        self, phone: PhoneModel, client: Client, api: OtpApi
    ) -> None:
        """Request a code when it is allowed, and a second earlier."""
        seconds = self.request_otp(phone, client, api)
        if seconds == 0:
            return
        self.http.wait(seconds - 1)
        assert self.request_otp(phone, client, api) <= 1
        self.http.wait(1)
        assert self.request_otp(phone, client, api) == 0

    def _compare_request(
        self, phone: PhoneModel, client: Client, response: RequestOtpResponse
    ) -> int:
        now, client_ip = self.http.now, client.client_ip
        is_allowed = phone.verification.allows_delivery(client_ip, now)
        outcome, delivery, pending = phone.request_otp(
            client_ip, now, self.http.messenger.result.status
        )
        assert outcome in response.outcomes
        messages = [
            message for message in self.http.messenger.messages if message.phone == phone.phone
        ]
        assert len(messages) == int(is_allowed and not phone.verification.is_blocked)
        if delivery is not None:
            self._compare_delivery(delivery, pending, response)
            if messages:
                _compare_code(delivery, messages[0])
        if response.retry_after is None:
            return 0

        def allows_delivery(time: float) -> bool:
            return phone.verification.allows_delivery(client_ip, time)

        assert becomes_true_after(allows_delivery, now, response.retry_after)
        has_to_wait = outcome in (RequestOutcome.REFERRED, RequestOutcome.RATE_LIMITED)
        return response.retry_after if has_to_wait else 0

    def _compare_delivery(
        self, delivery: ModelDelivery, pending: str, response: RequestOtpResponse
    ) -> None:
        if response.request_id is None:
            return
        assert response.request_id not in self.request_ids  # each response has a new one
        self.request_ids.add(response.request_id)
        delivery.ids[response.request_id] = delivery.ids.pop(pending)
        if delivery.request_id == pending:
            delivery.request_id = response.request_id
        expires_in = math.ceil(delivery.challenge.expires_at - self.http.now)
        assert response.expires_in == max(1, expires_in)

    # Attempts

    def verify_otp(
        self, phone: PhoneModel, client: Client, api: OtpApi, code: str, request_id: str | None
    ) -> int:
        """Verify a code.

        Returns:
            The seconds to wait before the next attempt, 0 if this one was checked.
        """
        if not api.has_request_ids:
            request_id = None
        now, client_ip = self.http.now, client.client_ip
        response = api.parse_verify_otp(
            self.http.send(api.verify_otp(phone.phone, client, code, request_id))
        )

        attempt = ModelAttempt(code, client_ip, request_id)

        def allows_attempt(time: float) -> bool:
            return phone.verification.attempts_left(attempt, time) > 0

        if not allows_attempt(now):
            assert response.retry_after is not None
            assert becomes_true_after(allows_attempt, now, response.retry_after)
            return response.retry_after
        assert response.retry_after is None
        attempts_left = phone.verification.verify(attempt, now)
        assert (response.token is not None) == (attempts_left is None)
        if response.token is not None:
            assert response.token not in [token for _, token in self.issued_tokens]
            self.issued_tokens.append((phone, response.token))
            phone.add_session(response.token, now)
        elif api.has_request_ids:
            assert response.attempts_left == attempts_left
        return 0

    def verify_otp_as_soon_as_allowed(
        self, phone: PhoneModel, client: Client, api: OtpApi, code: str, request_id: str | None
    ) -> None:
        """Verify a code until no attempt is left, when it is allowed again, a second earlier."""
        while not (seconds := self.verify_otp(phone, client, api, code, request_id)):
            self.http.wait(10)
        self.http.wait(seconds - 1)
        assert self.verify_otp(phone, client, api, code, request_id) == 1
        self.http.wait(1)
        assert self.verify_otp(phone, client, api, code, request_id) == 0

    def wrong_code(self, phones: Sequence[PhoneModel]) -> str:
        """Return another code each time, that was in no message."""
        used = {challenge.code for phone in phones for challenge in phone.verification.challenges}
        codes = (f"{number % 1_000_000:06d}" for number in self.numbers)
        return next(code for code in codes if code not in used)

    # Sessions

    def use_token(self, phone: PhoneModel, token: str) -> None:
        """Send a request with a token."""
        response = self.http.send(HttpRequest("GET", "/users/me", token=token))
        if phone.is_active(token, self.http.now):
            assert (response.status_code, response.json()["code"]) == (404, "user_not_found")
        else:
            assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
            assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'

    def use_all_tokens(self) -> None:
        """Send a request with every token that was ever issued."""
        for phone, token in self.issued_tokens:
            self.use_token(phone, token)

    def log_out(self, phone: PhoneModel, token: str) -> None:
        """Log out."""
        if self._send_with_token(HttpRequest("POST", "/auth/logout", token=token), phone):
            phone.revoke_session(token)
        self.use_all_tokens()

    def delete_user(self, phone: PhoneModel, token: str) -> None:
        """Delete the identity. Everything counted for its phone stays counted."""
        if self._send_with_token(HttpRequest("DELETE", "/users/me", token=token), phone):
            phone.revoke_all_sessions()
        self.use_all_tokens()

    def _send_with_token(self, request: HttpRequest, phone: PhoneModel) -> bool:
        assert request.token is not None
        is_active = phone.is_active(request.token, self.http.now)
        assert self.http.send(request).status_code == (204 if is_active else 401)
        return is_active

    # Operators

    def block(self, phone: PhoneModel) -> None:
        """Block a phone."""
        self.http.run(self.http.use_cases.block_phone(phone.phone))
        phone.block()
        self.use_all_tokens()

    def unblock(self, phone: PhoneModel) -> None:
        """Unblock a phone. Revoked sessions stay revoked."""
        self.http.run(self.http.use_cases.unblock_phone(phone.phone))
        phone.unblock()
        self.use_all_tokens()

    def cleanup(self) -> None:
        """Run the cleanup, which changes nothing in the model."""
        self.http.run(self.http.use_cases.cleanup())


def _compare_code(delivery: ModelDelivery, message: Message) -> None:
    """Assert that the message has the code of the delivery. It reveals a pending code."""
    if not is_known(delivery.challenge.code):
        delivery.challenge.code = message.code
    assert message.code == delivery.challenge.code
    assert len(message.code) == 6
