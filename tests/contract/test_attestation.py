"""The promises of the port that asks for proofs, with ALTCHA and with a provider."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from adapters.security.attestation.altcha import AltchaAttestation
from adapters.security.attestation.siteverify import SiteverifyAttestation, open_siteverify
from application.features.attestation import ProofRequest
from tests.contract.provider_drivers import ServerDriver, only_with
from tests.contract.suites.attestation.driver import AttestationDriver
from tests.contract.suites.attestation.test_attestation import *
from tests.contract.suites.attestation.test_attestation import (
    test_a_proof_for_another_subject_is_invalid,
    test_a_proof_is_unavailable_without_the_provider_and_valid_afterwards,
    test_a_proof_request_ends_in_time_if_the_provider_hangs,
    test_a_proof_without_an_answer_is_unavailable_and_asked_about_once,
    test_the_health_check_ends_in_time_and_fails_if_the_provider_is_away,
)
from tests.support.altcha_client import guess_solution, solve_challenge
from tests.support.keys import FakeKeyRing
from tests.support.servers.fake_siteverify import HOSTNAME, SECRET, SITE_KEY, FakeSiteverify
from tests.support.servers.http_server import respond_with
from tests.support.timeouts import LONG


class AltchaDriver(AttestationDriver):
    def __init__(self) -> None:
        self.attestation = AltchaAttestation(FakeKeyRing(), difficulty=2)

    async def solve(self, proof_request: ProofRequest) -> str:
        return solve_challenge(proof_request.fields["challenge"])

    async def solve_wrongly(self, proof_request: ProofRequest) -> str:
        return guess_solution(proof_request.fields["challenge"])


class SiteverifyDriver(ServerDriver, AttestationDriver):
    server: FakeSiteverify
    refusal = staticmethod(
        respond_with(200, b'{"success": false, "error-codes": ["invalid-input-secret"]}')
    )
    binds_subject = SiteverifyAttestation.binds_subject
    sets_time = False

    def __init__(self, attestation: SiteverifyAttestation, provider: FakeSiteverify) -> None:
        super().__init__(provider, attestation._transport)
        self.attestation = attestation

    async def solve(self, proof_request: ProofRequest) -> str:
        assert proof_request.fields == {"site_key": SITE_KEY}
        return self.server.show_widget()

    async def solve_wrongly(self, proof_request: ProofRequest) -> str:
        return self.server.show_widget()[:-1]

    async def solve_late(self, proof_request: ProofRequest) -> str:
        solved_at = datetime.now(UTC) - timedelta(minutes=61)
        self.server.answer = {"challenge_ts": solved_at.isoformat()}
        return self.server.show_widget()

    async def received(self) -> list[str]:
        return [request.form["response"] for request in self.server.requests]


@asynccontextmanager
async def altcha() -> AsyncIterator[AttestationDriver]:
    yield AltchaDriver()


@asynccontextmanager
async def siteverify() -> AsyncIterator[AttestationDriver]:
    with FakeSiteverify() as provider:
        url = f"{provider.url}/siteverify"
        async with open_siteverify(url, SECRET, SITE_KEY, [HOSTNAME], timeouts=LONG) as attestation:
            yield SiteverifyDriver(attestation, provider)


@pytest.fixture(params=[altcha, siteverify], ids=lambda opened: opened.__name__)
async def attestation_driver(request: pytest.FixtureRequest) -> AsyncIterator[AttestationDriver]:
    opened: Callable[[], AbstractAsyncContextManager[AttestationDriver]] = request.param
    async with opened() as driver:
        yield driver


with_provider = only_with("attestation_driver", siteverify)
with_provider(test_a_proof_is_unavailable_without_the_provider_and_valid_afterwards)
with_provider(test_a_proof_without_an_answer_is_unavailable_and_asked_about_once)
with_provider(test_a_proof_request_ends_in_time_if_the_provider_hangs)
with_provider(test_the_health_check_ends_in_time_and_fails_if_the_provider_is_away)
only_with("attestation_driver", altcha)(test_a_proof_for_another_subject_is_invalid)
