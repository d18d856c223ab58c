"""A request, and where it comes from."""

from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

from tests.unit.domain.sign_in.desk import HOME, WORK, stranger


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody at an address, as budgets count it; `forwarded` is what the proxy says of it."""

    address: str
    forwarded: str


@dataclass(frozen=True, slots=True)
class Call:
    """A request of somebody, with the token that is shown."""

    method: str
    path: str
    body: object = None
    token: str | None = None
    forwarded: str = HOME

    @property
    def headers(self) -> dict[str, str]:
        """What stands above the body."""
        shown = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        return {"X-Forwarded-For": self.forwarded, **shown}


def from_afar(number: int) -> Caller:
    """A different stranger for each number."""
    return Caller(stranger(number), f"2001:db8:0:{number:x}::1")


AT_HOME: Final = Caller(HOME, HOME)
CALLERS: Final = st.sampled_from(
    [
        AT_HOME,
        AT_HOME,
        Caller(HOME, f"{HOME}:52011"),
        Caller(HOME, f"::ffff:{HOME}"),
        Caller(WORK, f"{HOME}, {WORK}"),  # what a client wrote before it counts for nothing
        Caller(WORK, f"{WORK}, 10.9.9.9"),  # two proxies
        from_afar(1),
        Caller(stranger(1), "2001:DB8:0:1:FFFF:2::"),
        Caller(stranger(1), "[2001:db8:0:1::3]:443"),
        from_afar(2),
    ]
)
