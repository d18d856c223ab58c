"""The promises of the port that asks for proofs, with ALTCHA and with a provider."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from adapters.attestation.altcha import AltchaAttestation
from adapters.attestation.siteverify import open_siteverify
from application.ports.attestation import AttestationChallenge
from pytest_dialtone.suites.attestation.driver import AttestationDriver
from pytest_dialtone.suites.attestation.test_attestation import *
from tests.support.altcha_client import solve_challenge
from tests.support.keys import FakeKeyRing
from tests.support.servers.fake_siteverify import HOSTNAME, SECRET, SITE_KEY, FakeSiteverify
from tests.support.timeouts import LONG


class AltchaDriver(AttestationDriver):
    async def solve(self, challenge: AttestationChallenge) -> str:
        return solve_challenge(challenge.fields["challenge"])

    async def break_provider(self) -> None:
        pytest.skip("it has no provider")


class SiteverifyDriver(AttestationDriver):
    provider: FakeSiteverify

    async def solve(self, challenge: AttestationChallenge) -> str:
        assert challenge.fields == {"site_key": SITE_KEY}
        return self.provider.show_widget()

    async def break_provider(self) -> None:
        self.provider.close()


@asynccontextmanager
async def altcha() -> AsyncIterator[AttestationDriver]:
    yield AltchaDriver(AltchaAttestation(FakeKeyRing(), difficulty=2))


@asynccontextmanager
async def siteverify() -> AsyncIterator[AttestationDriver]:
    provider = FakeSiteverify()
    provider.__enter__()
    try:
        url = f"{provider.url}/siteverify"
        async with open_siteverify(url, SECRET, SITE_KEY, [HOSTNAME], timeouts=LONG) as attestation:
            driver = SiteverifyDriver(attestation)
            driver.provider = provider
            yield driver
    finally:
        if not provider.is_closing.is_set():
            provider.close()


@pytest.fixture(params=[altcha, siteverify], ids=lambda opened: opened.__name__)
async def attestation_driver(request: pytest.FixtureRequest) -> AsyncIterator[AttestationDriver]:
    opened: Callable[[], AbstractAsyncContextManager[AttestationDriver]] = request.param
    async with opened() as driver:
        yield driver
