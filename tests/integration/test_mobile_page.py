"""The exchanges of `docs/mobile.md` are those of the service, in the order of the page."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest

from adapters.security.attestation.altcha import AltchaAttestation
from domain.errors import TooManyOtpRequests
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import parse_phone
from tests.support.altcha_client import solve_challenge
from tests.support.app_harness import GIF, AppHarness, make_policy
from tests.support.fakes.clock import MovableClock
from tests.support.http_app import open_http_client
from tests.support.keys import FakeKeyRing
from tests.support.markdown import page

PAGE: Final = page("docs/mobile.md")
POLICY: Final = make_policy(
    # Strangers have nine of them.
    rate_limits=RateLimits(
        per_country=SlidingWindow(20, timedelta(hours=1)), has_attested_limits=True
    )
)
OTHER_FIELDS: Final = "…"
_EXCHANGE: Final = re.compile(
    r"^```http\n(?:# (?P<when>.*)\n)?(?P<method>[A-Z]+) (?P<path>/\S+)\n(?P<headers>(?:.+\n)*)"
    r"(?:\n(?P<body>(?s:.*?)))??\nHTTP/1\.1 (?P<status>\d+) .*\n(?P<response_headers>(?:.+\n)*)"
    r"(?:\n(?P<response>(?:.+\n)*))?```",
    re.MULTILINE,
)
_DELAY: Final = re.compile(r"(\d+) (second|minute)s? later")
_NAME: Final = re.compile(r"<(\w+)>")


@dataclass
class Device:
    """An app that knows the page, and keeps values by the names that the page gives them."""

    app: AppHarness
    http: httpx.AsyncClient
    values: dict[str, Any] = field(default_factory=dict)

    async def run(self, exchange: re.Match[str]) -> None:
        """Send the request of an exchange, and compare the response."""
        when = exchange["when"] or ""
        if delay := _DELAY.match(when):
            self.app.clock.advance(timedelta(**{f"{delay[2]}s": int(delay[1])}))
        if when == "in a flood":
            await self._flood()
        if when.startswith("for the fifth time"):
            for _ in range(4):
                await self._send(exchange)
        response = await self._send(exchange)

        assert response.status_code == int(exchange["status"]), response.text
        for name, value in _parse_headers(exchange["response_headers"]):
            assert response.headers[name] == value
        if exchange["response"] is None:
            assert response.content == b""
        else:
            self._match(json.loads(exchange["response"]), response.json())

    async def _send(self, exchange: re.Match[str]) -> httpx.Response:
        if "otp>" in (exchange["body"] or ""):
            *_, new_otp, otp = ["", *(message.code for message in self.app.messenger.messages)]
            self.values |= {
                "otp": otp,
                "wrong_otp": f"{(int(otp) + 1) % 10**6:06d}",
                # Of a change of the number: the code of the present number is the last.
                "new_otp": new_otp,
                "old_otp": otp,
            }
        body = self._fill((exchange["body"] or "").strip()).encode()
        if "multipart" in exchange["headers"]:
            body = body.replace(b"\n", b"\r\n").replace(b"<file>", GIF)
        headers = [(name, self._fill(value)) for name, value in _parse_headers(exchange["headers"])]
        return await self.http.request(
            exchange["method"], exchange["path"], headers=headers, content=body
        )

    async def _flood(self) -> None:
        for number in range(30):
            try:
                phone = parse_phone(f"+1415{600 + number}3000", None)
                await self.app.request_otp(phone, f"198.18.{number}.1")
            except TooManyOtpRequests:
                return
        pytest.fail("The part of strangers is not used up.")

    def _fill(self, text: str) -> str:
        return _NAME.sub(lambda name: str(self.values.get(name[1], name[0])), text)

    def _match(self, expected: Any, found: Any) -> None:
        """Compare JSON. A name stands for one value, and different names for different values."""
        if isinstance(expected, dict):
            names = expected.keys() - {OTHER_FIELDS}
            assert names <= found.keys() if OTHER_FIELDS in expected else names == found.keys()
            for name in names:
                self._match(expected[name], found[name])
        elif isinstance(expected, list):
            assert len(expected) == len(found)
            for expected_item, found_item in zip(expected, found, strict=True):
                self._match(expected_item, found_item)
        elif isinstance(expected, str) and (name := _NAME.fullmatch(expected)):
            if name[1] not in self.values:
                assert found not in self.values.values()
                self._keep(name[1], found)
            assert found == self.values[name[1]], name[1]
        else:
            assert found == expected

    def _keep(self, name: str, value: Any) -> None:
        self.values[name] = value
        if name == "challenge":
            self.values["solution"] = solve_challenge(value)


def _parse_headers(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, _, value = line.partition(": ")
        yield name, value


async def test_the_service_responds_as_the_page_says() -> None:
    exchanges = list(_EXCHANGE.finditer(PAGE))
    assert len(exchanges) == PAGE.count("```http\n")
    attestation = AltchaAttestation(FakeKeyRing(), difficulty=5)
    # The library of the challenges compares them with the real time.
    clock = MovableClock(datetime.now(UTC))
    app = AppHarness(clock=clock, policy=POLICY, attestation=attestation)
    async with open_http_client(app.use_cases) as http:
        device = Device(app, http)
        for exchange in exchanges:
            await device.run(exchange)
