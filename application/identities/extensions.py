"""What features add to identities and logins."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class IdentityExtensions:
    """What else is done when an identity changes. A feature adds its part when it is opened.

    Attributes:
        after_deletion: Gets the id of an identity that was deleted, and deletes some of what the
            feature has of it; the cleanup deletes the rest.
        after_login_by_call: Gets the id of the call that read the code, and that of the identity.
        call_provider: The name of the provider of calls; empty without one.
    """

    after_deletion: list[Callable[[str], Awaitable[object]]] = field(default_factory=list)
    after_login_by_call: list[Callable[[str, str], Awaitable[object]]] = field(default_factory=list)
    call_provider: str = ""
