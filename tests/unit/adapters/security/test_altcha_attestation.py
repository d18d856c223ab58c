"""Challenges and responses of ALTCHA: whom they are for, what they cost, and what changes them."""

import base64
import hashlib
import json
import runpy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from adapters.security.attestation.altcha import PROOF_TTL, AltchaAttestation
from application.features.attestation import ProofResult, ProofStatus
from domain.otp.otp_request import Proof
from tests.support.altcha_client import solve_challenge
from tests.support.keys import FakeKeyRing
from tests.support.markdown import PROJECT

SUBJECT: Final = "a1" * 24
DIFFICULTY: Final = 2


def attestation(keys: FakeKeyRing | None = None) -> AltchaAttestation:
    return AltchaAttestation(keys or FakeKeyRing(), DIFFICULTY)


async def challenge_of(altcha: AltchaAttestation) -> dict[str, Any]:
    proof_request = await altcha.request_proof(SUBJECT, datetime.now(UTC))
    fields: dict[str, Any] = json.loads(json.dumps(dict(proof_request.fields)))
    assert list(fields) == ["challenge"]
    return dict(fields["challenge"])


async def verify(altcha: AltchaAttestation, response: str, subject: str = SUBJECT) -> ProofResult:
    return await altcha.verify(Proof("altcha", response), subject)


def changed(response: str, change: Callable[[Any], object]) -> str:
    """Return the response with a change of its JSON."""
    payload = json.loads(base64.b64decode(response))
    change(payload)
    return encode(payload)


def encode(payload: object) -> str:
    return base64.b64encode(json.dumps(payload, indent=1).encode()).decode()


async def test_a_challenge_is_what_the_widget_of_protocol_2_takes() -> None:
    challenge = await challenge_of(attestation())

    assert set(challenge) == {"parameters", "signature"}
    parameters = challenge["parameters"]
    assert (parameters["algorithm"], parameters["cost"]) == ("PBKDF2/SHA-256", 1_000)
    assert parameters["data"] == {"difficulty": DIFFICULTY}
    expires_at = datetime.fromtimestamp(parameters["expiresAt"], UTC)
    assert abs(expires_at - datetime.now(UTC) - PROOF_TTL) < timedelta(seconds=60)
    assert timedelta(minutes=5) == PROOF_TTL


@pytest.mark.parametrize("draw", [0, 2 * DIFFICULTY - 1])
async def test_a_client_needs_at_most_twice_the_difficulty(
    monkeypatch: pytest.MonkeyPatch, draw: int
) -> None:
    bounds = list[int]()

    def draw_below(bound: int) -> int:
        bounds.append(bound)
        return draw

    monkeypatch.setattr("secrets.randbelow", draw_below)

    payload = json.loads(base64.b64decode(solve_challenge(await challenge_of(attestation()))))

    assert bounds == [2 * DIFFICULTY]
    assert payload["solution"]["counter"] == draw


async def test_after_a_rotation_of_the_pepper_a_challenge_is_still_good() -> None:
    keys = FakeKeyRing(("first", bytes(32)))
    altcha = attestation(keys)
    response = solve_challenge(await challenge_of(altcha))
    keys.change(("second", bytes([2]) * 32), ("first", bytes(32)))

    assert (await verify(altcha, response)).status is ProofStatus.VALID
    keys.change(("second", bytes([2]) * 32))
    assert (await verify(altcha, response)).status is ProofStatus.INVALID


def set_parameter(name: str, value: object) -> Callable[[Any], object]:
    return lambda payload: payload["challenge"]["parameters"].update({name: value})


@pytest.mark.parametrize(
    "change",
    [
        set_parameter("expiresAt", 4_000_000_000),
        set_parameter("data", {"difficulty": 1}),
        lambda payload: payload["challenge"].update(signature=["a"]),
        lambda payload: payload["solution"].update(derivedKey="00" * 32),
    ],
)
async def test_a_changed_challenge_or_solution_is_invalid(change: Callable[[Any], object]) -> None:
    altcha = attestation()
    response = solve_challenge(await challenge_of(altcha))

    assert (await verify(altcha, changed(response, change))).status is ProofStatus.INVALID


async def test_a_response_never_makes_the_server_derive_a_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    altcha = attestation()
    response = solve_challenge(await challenge_of(altcha))

    def change(payload: Any) -> None:
        payload["challenge"]["parameters"].update(algorithm="SCRYPT", cost=2**40, memoryCost=2**40)

    for name in ("pbkdf2_hmac", "scrypt", "new"):
        monkeypatch.delattr(hashlib, name)

    assert (await verify(altcha, response)).status is ProofStatus.VALID
    assert (await verify(altcha, changed(response, change))).status is ProofStatus.INVALID


async def test_the_solver_in_python_of_the_docs_makes_a_valid_proof() -> None:
    solve = runpy.run_path(str(PROJECT / "docs/deploy/solve_altcha.py"))["solve"]
    altcha = attestation()
    response = solve(await challenge_of(altcha))
    assert (await verify(altcha, response)).status is ProofStatus.VALID
