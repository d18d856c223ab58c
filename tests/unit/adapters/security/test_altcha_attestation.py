"""Challenges and responses of ALTCHA: whom they are for, what they cost, and what changes them."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.attestation.altcha import PROOF_TTL, AltchaAttestation
from application.features.attestation.ports import ProofResult, ProofStatus
from domain.otp.attestation_proof import Proof
from tests.support.altcha_client import solve_challenge
from tests.support.keys import FakeKeyRing

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


async def test_a_client_needs_at_most_twice_the_difficulty(monkeypatch: pytest.MonkeyPatch) -> None:
    def draw_largest(bound: int) -> int:
        assert bound == 2 * DIFFICULTY
        return bound - 1

    monkeypatch.setattr(secrets, "randbelow", draw_largest)
    response = solve_challenge(await challenge_of(attestation()))

    solution = json.loads(base64.b64decode(response))["solution"]
    assert solution["counter"] == 2 * DIFFICULTY - 1


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


VALUES: Final = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.lists(st.integers(), max_size=2) | st.dictionaries(st.text(), st.none(), max_size=2)
)  # fmt: skip


def nested(depth: int) -> str:
    """Return a response with data that is nested deeply."""
    parameters = '{"algorithm": "", "nonce": "", "salt": "", "cost": 1, "data": DATA}'
    challenge = f'{{"parameters": {parameters}, "signature": "a"}}'
    payload = f'{{"challenge": {challenge}, "solution": {{"counter": 1, "derivedKey": "a"}}}}'
    deep = "[" * depth + "]" * depth
    return base64.b64encode(payload.replace("DATA", deep).encode()).decode()


@pytest.mark.parametrize(
    "response",
    [
        nested(2_900), encode(float("nan")), encode("\ud800"), encode({"challenge": 1}), "=",
    ],
    ids=len,
)  # fmt: skip
async def test_unusual_json_is_invalid_and_no_error(response: str) -> None:
    assert (await verify(attestation(), response)).status is ProofStatus.INVALID


@given(st.data())
async def test_any_value_in_any_place_of_a_response_is_no_error(data: st.DataObject) -> None:
    altcha = attestation()
    payload = json.loads(base64.b64decode(solve_challenge(await challenge_of(altcha))))
    challenge, solution = payload["challenge"], payload["solution"]
    place = data.draw(st.sampled_from([payload, challenge, challenge["parameters"], solution]))
    place[data.draw(st.sampled_from([*place]))] = data.draw(VALUES)

    await verify(altcha, encode(payload))
