"""Ask the login hook about a login."""

from dataclasses import dataclass
from typing import Final

from application.identities.extensions import LoginHookCall, PendingLogin, RejectLogin
from application.identities.token_claims import encode_claims

MAX_REJECTION_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class LoginRejection:
    """The hook rejected a login, for a user or for somebody new."""

    text: str
    user_id: str | None


@dataclass(frozen=True, slots=True)
class LoginApproval:
    """The hook let somebody log in. The claims of the session are JSON, empty for none."""

    claims: str = ""


LoginDecision = LoginApproval | LoginRejection


async def ask_about_login(login_hook: LoginHookCall, login: PendingLogin) -> LoginDecision:
    """Ask the login hook.

    Raises:
        PortError: It did not decide.
    """
    decided = await login_hook(login)
    if isinstance(decided, RejectLogin):
        return LoginRejection(_shorten(decided.text), login.user_id)
    return LoginApproval(encode_claims(decided.claims) if decided.claims else "")


def _shorten(text: str) -> str:
    # The JSON of the response has no half of a surrogate pair.
    text = text.encode(errors="replace").decode().strip()
    return text if len(text) <= MAX_REJECTION_LENGTH else f"{text[: MAX_REJECTION_LENGTH - 1]}…"
