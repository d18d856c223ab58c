"""A request, and where it comes from."""

from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

from tests.unit.domain.otp.verification_driver import HOME_IP as HOME
from tests.unit.domain.otp.verification_driver import WORK_IP as WORK
from tests.unit.domain.otp.verification_driver import unknown_ip as stranger


@dataclass(frozen=True, slots=True)
class Principal:
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


def from_afar(number: int) -> Principal:
    """A different stranger for each number."""
    return Principal(stranger(number), f"2001:db8:0:{number:x}::1")


AT_HOME: Final = Principal(HOME, HOME)
CALLERS: Final = st.sampled_from(
    [
        AT_HOME,
        AT_HOME,
        Principal(HOME, f"{HOME}:52011"),
        Principal(HOME, f"::ffff:{HOME}"),
        Principal(WORK, f"{HOME}, {WORK}"),  # what a client wrote before it counts for nothing
        Principal(WORK, f"{WORK}, 10.9.9.9"),  # two proxies
        from_afar(1),
        Principal(stranger(1), "2001:DB8:0:1:FFFF:2::"),
        Principal(stranger(1), "[2001:db8:0:1::3]:443"),
        from_afar(2),
    ]
)
