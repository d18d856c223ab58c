"""How long a token is active, in seconds."""

from collections.abc import Mapping
from typing import Final

TOKEN_TTL: Final = 90 * 24 * 60 * 60
MAX_SESSIONS: Final = 20
"""Of one identity. A further login ends the oldest one."""


def add_session(sessions: Mapping[str, float], token: str, now: float) -> dict[str, float]:
    """Return the active sessions with another one, without the oldest of more than twenty."""
    active = [(other, at) for other, at in sessions.items() if now - at < TOKEN_TTL]
    return dict([*active, (token, now)][-MAX_SESSIONS:])
