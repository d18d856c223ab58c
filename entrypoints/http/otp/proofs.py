"""Proofs in requests for codes, where a feature asks for them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from entrypoints.http.requests.parsing import FieldErrors
from entrypoints.http.requests.request import ApiRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class SentProof:
    """What a client says about proofs."""

    can_send_proof: bool = False
    proof: Any = None


def parse_sent_proof(request: ApiRequest, body: object, invalid: FieldErrors) -> SentProof:
    """Return what the body of a request for a code says. Without the feature it says nothing."""
    parse: Callable[[object], SentProof] | None = request.app.state.get("parse_proof")
    proof = SentProof()
    if parse is not None:
        with invalid.of("attestation"):
            proof = parse(body)
    return proof
