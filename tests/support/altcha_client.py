"""What an app does with a challenge of ALTCHA, without its widget."""

from typing import Any

import altcha


def solve_challenge(challenge: Any) -> str:
    """Return the response to the challenge of an error response."""
    parsed = altcha.Challenge.from_dict(challenge)
    solution = altcha.solve_challenge(parsed)
    assert solution is not None
    return altcha.Payload(parsed, solution).to_base64()


def guess_solution(challenge: Any) -> str:
    """Return the response of a client that has done no work."""
    guess = altcha.Solution(0, "00" * 32)
    return altcha.Payload(altcha.Challenge.from_dict(challenge), guess).to_base64()
