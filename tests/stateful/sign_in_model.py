"""What is promised about signing in with one phone, as its callers and its operator see it.

Asks and answers are counted by the model of a phone; here are its senders, its sessions and
its blocks. Times are seconds.
"""

from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import count
from typing import Final

from application.ports.messenger import DeliveryStatus
from domain.phone import PhoneNumber
from tests.unit.domain.phone_model import DAY, PhoneModel, Send

TOKEN_LIFE: Final = 90 * DAY
_UNTOLD: Final = "untold"


def is_told(text: str) -> bool:
    """Whether an id or a code was told to anybody yet."""
    return not text.startswith(_UNTOLD)


class Asked(Enum):
    """What becomes of an ask."""

    SENT = auto()
    REPEATED = auto()
    TOO_MANY = auto()
    NOT_TAKEN = auto()
    BAD_NUMBER = auto()


@dataclass
class Line:
    """A phone."""

    phone: PhoneNumber
    record: PhoneModel = field(default_factory=PhoneModel)
    tokens: dict[str, float] = field(default_factory=dict)
    untold: "count[int]" = field(default_factory=count)

    def ask(self, address: str, now: float, sender: DeliveryStatus) -> tuple[Asked, Send | None]:
        """Ask for a code; a send's id and a new challenge's code are not known yet."""
        if not self.record.goes_out(address, now):
            repeated = self.record.refers_to(address, now)
            return (Asked.REPEATED if repeated else Asked.TOO_MANY), repeated
        if not self.record.is_blocked:
            if sender is DeliveryStatus.REJECTED:
                return Asked.NOT_TAKEN, None
            if sender is DeliveryStatus.INVALID_NUMBER:
                return Asked.BAD_NUMBER, None
        untold = f"{_UNTOLD} {next(self.untold)}"
        return Asked.SENT, self.record.send(untold, address, now, untold)

    def answer(self, code: str, address: str, request_id: str | None, now: float) -> int | None:
        """Answer with a code: how many answers are left, None when it is right."""
        left = self.record.attempts_left(address, request_id, now) - 1
        self.record.count(address, request_id, now)
        return None if self.record.solve(code, address, request_id, now) else left

    def is_on(self, token: str, now: float) -> bool:
        """Whether the session of a token is on."""
        return token in self.tokens and now - self.tokens[token] < TOKEN_LIFE

    def sign_in(self, token: str, now: float) -> None:
        """Begin a session; of more than twenty the oldest ends."""
        on = [one for one in self.tokens if self.is_on(one, now)]
        self.tokens = {one: self.tokens[one] for one in on[-19:]} | {token: now}

    def logout(self, token: str) -> None:
        """End a session."""
        del self.tokens[token]

    def end_all(self) -> None:
        """End all sessions; nothing that was counted is forgotten."""
        self.tokens = {}

    def block(self) -> None:
        """Block the phone."""
        self.record.is_blocked = True
        self.end_all()

    def unblock(self) -> None:
        """End that."""
        self.record.is_blocked = False

    @property
    def seen_codes(self) -> list[str]:
        """The latest codes that were in a message."""
        codes = [one.code for one in self.record.challenges]
        return [code for code in codes if is_told(code)][-3:]
