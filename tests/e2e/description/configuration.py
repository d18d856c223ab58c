"""How schemathesis is to run."""

from collections.abc import Sequence
from typing import Any

import schemathesis
from hypothesis import settings

from tests.e2e.description.allowances import ALLOWANCES
from tests.e2e.description.callers import Person
from tests.support.examples import examples


def configuration(person: Person, spare: Sequence[str], seed: int) -> schemathesis.Config:
    """Every check on, all phases, as many examples as the profile says.

    What is there already, the person, user, item and file, is drawn now and then.
    """
    return schemathesis.Config.from_dict(
        {
            "seed": seed,
            # All that is wrong is told at once, so nothing is made small first.
            "continue-on-failure": True,
            "suppress-health-check": ["too_slow"],
            "checks": {"enabled": True},
            "generation": {
                "deterministic": settings().derandomize,
                "max-examples": examples(12),
                "database": "none",
            },
            "phases": {
                # Values of earlier answers would stand in for most that are made here.
                "fuzzing": {"extra-data-sources": {"responses": False}},
                "stateful": {"generation": {"max-examples": examples(50)}},
            },
            "dictionaries": {
                "own-id": {"values": [person.user_id]},
                "own-item": {"values": [person.item_id]},
                "spare-item": {"values": list(spare)},
                "own-file": {"values": [person.file_key]},
                # What is drawn against a pattern is seldom near it.
                "near-code": {"values": ["12345", "1234567", "12345a", "12345\u00b2"]},
            },
            "parameters": {
                "path.user_id": _often("own-id"),
                "query.user_id": _often("own-id"),
                "body.user_id": _often("own-id"),
                "path.key": _often("own-file"),
                "body.otp": {"dictionary": "near-code", "probability": 0.2},
            },
            "operations": [
                {
                    "include-operation-id": "deleteItem",
                    "parameters": {"path.item_id": _often("spare-item")},
                },
                {
                    "include-operation-id": ["readItem", "categoriseItem"],
                    "parameters": {"path.item_id": _often("own-item")},
                },
                *ALLOWANCES,
            ],
        }
    )


def _often(dictionary: str) -> dict[str, Any]:
    return {"dictionary": dictionary, "probability": 0.5}
