"""Run random sign-in operations of two phones on the service and on the model."""

from collections.abc import Mapping
from typing import Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from application.ports.messenger import DeliveryResult
from tests.stateful.backends import Backend, on_each_backend, run_machine
from tests.stateful.http_driver import (
    HOME,
    Client,
    HttpDriver,
    open_http_driver,
    unknown_client,
)
from tests.stateful.otp_apis import LegacyOtpApi, MainOtpApi, OtpApi
from tests.stateful.sign_in_driver import SignInDriver
from tests.stateful.sign_in_model import PhoneModel, is_known
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, REJECTED, UNKNOWN
from tests.unit.domain.otp.verification_driver import HOME_IP, WORK_IP, unknown_ip

MAIN_API: Final = MainOtpApi()
APIS: Final = st.sampled_from([MAIN_API, MAIN_API, LegacyOtpApi()])
UNKNOWN_IP: Final = unknown_ip(1)
CLIENTS: Final = st.sampled_from(
    [
        HOME,
        HOME,
        Client(HOME_IP, f"{HOME_IP}:52011"),
        Client(HOME_IP, f"::ffff:{HOME_IP}"),
        Client(WORK_IP, f"{HOME_IP}, {WORK_IP}"),  # the client wrote the first IP itself
        Client(WORK_IP, f"{WORK_IP}, 10.9.9.9"),  # two proxies
        unknown_client(1),
        Client(UNKNOWN_IP, "2001:DB8:1:0:FFFF:2::"),
        Client(UNKNOWN_IP, "[2001:db8:1::3]:443"),
        unknown_client(2),
    ]
)
EXTRA_FIELDS: Final = st.sampled_from(
    [
        {},
        {"platform": "android"},
        {"platform": "ios", "locale": "en"},
        {"platform": "web", "locale": "xx"},
        {"platform": "a toaster"},
    ]
)
DELIVERY_RESULTS: Final = st.sampled_from([ACCEPTED, UNKNOWN, REJECTED, INVALID_NUMBER])
SECONDS: Final = st.sampled_from(
    [0.5, 1, 4, 14, 14.5, 15, 16, 29, 30, 45, 59, 60, 61, 120, 239.5, 240, 241, 299, 300, 301, 600]
)
MINUTES: Final = st.sampled_from([15, 30, 59, 60, 61, 90, 240, 720, 1425, 1440, 1441, 129_600])
PHONES: Final = st.integers(0, 1)
FIRST_UNKNOWN_IPS: Final = st.integers(10, 500)


class SignInMachine(RuleBasedStateMachine):
    """Two phones; `phone` is the index of one."""

    def __init__(self, http: HttpDriver) -> None:
        super().__init__()
        http.start_example()
        self.driver = SignInDriver(http)
        self.phones = (PhoneModel(http.new_phone()), PhoneModel(http.new_phone()))

    # Rules for time and operators

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        self.driver.http.wait(seconds)

    @rule(minutes=MINUTES)
    def wait_long(self, minutes: int) -> None:
        self.driver.http.wait(minutes * 60)

    @precondition(lambda self: len(self.driver.issued_tokens) > 2)
    @rule(phone=PHONES)
    def block_phone(self, phone: int) -> None:
        self.driver.block(self.phones[phone])

    @rule(phone=PHONES)
    def unblock_phone(self, phone: int) -> None:
        self.driver.unblock(self.phones[phone])

    @rule()
    def cleanup(self) -> None:
        self.driver.cleanup()

    # Rules for requests

    @initialize(client=CLIENTS, other=CLIENTS)
    def log_in_with_both_phones(self, client: Client, other: Client) -> None:
        self.log_in(0, client, MAIN_API)
        self.log_in(1, other, MAIN_API)

    @rule(phone=PHONES, client=CLIENTS, api=APIS)
    def log_in(self, phone: int, client: Client, api: OtpApi) -> None:
        self.driver.request_otp_as_soon_as_allowed(self.phones[phone], client, api)
        self.verify_latest_delivery(phone, client, api)

    @rule(
        phone=PHONES,
        client=CLIENTS,
        api=APIS,
        extra_fields=EXTRA_FIELDS,
        result=DELIVERY_RESULTS,
    )
    def request_otp(
        self,
        phone: int,
        client: Client,
        api: OtpApi,
        extra_fields: Mapping[str, str],
        result: DeliveryResult,
    ) -> None:
        self.driver.request_otp(self.phones[phone], client, api, extra_fields, result)

    @rule(phone=PHONES, client=CLIENTS, api=APIS, result=DELIVERY_RESULTS)
    def request_otps_when_allowed(
        self, phone: int, client: Client, api: OtpApi, result: DeliveryResult
    ) -> None:
        model = self.phones[phone]
        self.driver.http.wait(self.driver.request_otp(model, client, api))
        self.driver.request_otp(model, client, api, result=result)
        self.driver.request_otp(model, client, api)

    @rule(phone=PHONES, client=CLIENTS, api=APIS, times=st.integers(1, 4))
    def request_otps_as_soon_as_allowed(
        self, phone: int, client: Client, api: OtpApi, times: int
    ) -> None:
        for _ in range(times):
            self.driver.request_otp_as_soon_as_allowed(self.phones[phone], client, api)

    @rule(phone=PHONES, first=FIRST_UNKNOWN_IPS, ips=st.integers(2, 5))
    def unknown_ips_request_otps_as_soon_as_allowed(self, phone: int, first: int, ips: int) -> None:
        for number in range(first, first + ips):
            self.driver.request_otp_as_soon_as_allowed(
                self.phones[phone], unknown_client(number), MAIN_API
            )

    @rule(client=CLIENTS, other=CLIENTS, api=APIS)
    def request_otps_for_both_phones_together(
        self, client: Client, other: Client, api: OtpApi
    ) -> None:
        self.driver.request_otps_together(self.phones, (client, other), api)

    # Rules for attempts

    @rule(phone=PHONES, client=CLIENTS, api=APIS, times=st.integers(1, 6))
    def guess(self, phone: int, client: Client, api: OtpApi, times: int) -> None:
        for _ in range(times):
            self.verify_wrong_code(phone, client, api, None)

    @rule(phone=PHONES, first=FIRST_UNKNOWN_IPS, ips=st.integers(3, 16))
    def unknown_ips_guess(self, phone: int, first: int, ips: int) -> None:
        for number in range(first, first + ips):
            self.verify_wrong_code(phone, unknown_client(number), MAIN_API, None)

    @rule(phone=PHONES, client=CLIENTS, first=FIRST_UNKNOWN_IPS, ips=st.integers(8, 15))
    def unknown_ips_guess_before_and_after_a_login(
        self, phone: int, client: Client, first: int, ips: int
    ) -> None:
        self.unknown_ips_guess(phone, first, ips)
        self.log_in(phone, client, MAIN_API)
        self.unknown_ips_guess(phone, first + ips, ips)

    @rule(phone=PHONES, client=CLIENTS, api=APIS, seconds=st.sampled_from([0, 9, 10]))
    def repeat_a_guess(self, phone: int, client: Client, api: OtpApi, seconds: int) -> None:
        code = self.driver.wrong_code(self.phones)
        for _ in range(3):
            self.driver.verify_otp(self.phones[phone], client, api, code, None)
            self.driver.http.wait(seconds)

    @rule(phone=PHONES, client=CLIENTS, times=st.integers(1, 6))
    def guess_with_unknown_request_id(self, phone: int, client: Client, times: int) -> None:
        for _ in range(times):
            self.verify_wrong_code(phone, client, MAIN_API, "unknown")

    @rule(data=st.data(), phone=PHONES, client=CLIENTS, times=st.integers(1, 6))
    def guess_with_request_id(
        self, data: st.DataObject, phone: int, client: Client, times: int
    ) -> None:
        request_id = self.draw_request_id(data)
        for _ in range(times):
            self.verify_wrong_code(phone, client, MAIN_API, request_id)

    @rule(data=st.data(), phone=PHONES, client=CLIENTS, api=APIS, has_id=st.booleans())
    def guess_until_rejected_and_as_soon_as_allowed(
        self, data: st.DataObject, phone: int, client: Client, api: OtpApi, has_id: bool
    ) -> None:
        request_id = self.draw_request_id(data) if has_id else None
        code = self.driver.wrong_code(self.phones)
        self.driver.verify_otp_as_soon_as_allowed(self.phones[phone], client, api, code, request_id)

    @rule(data=st.data(), phone=PHONES, client=CLIENTS, api=APIS)
    def verify_code(self, data: st.DataObject, phone: int, client: Client, api: OtpApi) -> None:
        code = self.draw_code(data)
        self.driver.verify_otp(self.phones[phone], client, api, code, None)

    @rule(data=st.data(), phone=PHONES, client=CLIENTS)
    def verify_code_with_request_id(self, data: st.DataObject, phone: int, client: Client) -> None:
        code, request_id = self.draw_code(data), self.draw_request_id(data)
        self.driver.verify_otp(self.phones[phone], client, MAIN_API, code, request_id)

    @rule(phone=PHONES, client=CLIENTS, api=APIS)
    def verify_latest_delivery(self, phone: int, client: Client, api: OtpApi) -> None:
        model = self.phones[phone]
        if not model.verification.deliveries:
            return
        latest = model.verification.deliveries[-1]
        request_id = latest.request_id if is_known(latest.request_id) else None
        code = latest.challenge.code
        if not is_known(code):  # nothing was delivered
            code = self.driver.wrong_code(self.phones)
        self.driver.verify_otp(model, client, api, code, request_id)

    # Rules for sessions

    @precondition(lambda self: self.driver.issued_tokens)
    @rule(data=st.data())
    def use_token(self, data: st.DataObject) -> None:
        self.driver.use_token(*self.draw_token(data))

    @precondition(lambda self: self.driver.issued_tokens)
    @rule(data=st.data())
    def log_out(self, data: st.DataObject) -> None:
        self.driver.log_out(*self.draw_token(data))

    @precondition(lambda self: len(self.driver.issued_tokens) > 3)
    @rule(data=st.data())
    def delete_user(self, data: st.DataObject) -> None:
        self.driver.delete_user(*self.draw_token(data))

    def teardown(self) -> None:
        self.driver.use_all_tokens()

    # Drawing

    def verify_wrong_code(
        self, phone: int, client: Client, api: OtpApi, request_id: str | None
    ) -> None:
        code = self.driver.wrong_code(self.phones)
        self.driver.verify_otp(self.phones[phone], client, api, code, request_id)

    def draw_request_id(self, data: st.DataObject) -> str:
        known = [
            request_id
            for phone in self.phones
            for delivery in phone.verification.deliveries[-4:]
            for request_id in delivery.ids
            if is_known(request_id)
        ]
        return data.draw(st.sampled_from(known or ["unknown"]))

    def draw_code(self, data: st.DataObject) -> str:
        codes = [code for phone in self.phones for code in phone.recent_codes]
        return data.draw(st.sampled_from(codes)) if codes else self.driver.wrong_code(self.phones)

    def draw_token(self, data: st.DataObject) -> tuple[PhoneModel, str]:
        return data.draw(st.sampled_from(self.driver.issued_tokens))


@on_each_backend(memory=28, sqlite=6, mongo=4)
@pytest.mark.hypothesis
def test_sign_in_behaves_like_its_model(
    backend: Backend, example_count: int, request: pytest.FixtureRequest
) -> None:
    with open_http_driver(backend(request)) as http:
        run_machine(lambda: SignInMachine(http), example_count)
