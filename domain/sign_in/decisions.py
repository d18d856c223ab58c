"""What is put to a phone's record, and what it answers."""

from dataclasses import dataclass
from datetime import datetime

from domain.sign_in.challenge import Challenge
from domain.sign_in.code import Code
from domain.sign_in.send import Send


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody at `address` wants a code; the ids are fresh ones, used if a send is made."""

    address: str
    now: datetime
    new_challenge: Challenge
    new_request_id: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The send that an ask made or refers to, and when the same address may ask again.

    `is_new` is False when nothing has to go out: the send's code is still on its way to, or
    with, the address that asks again. `is_withheld` says that the phone is blocked: the caller
    is told what any caller is told.
    """

    send: Send
    challenge: Challenge
    next_ask_at: datetime
    is_new: bool
    is_withheld: bool = False

    @property
    def goes_out(self) -> bool:
        """Whether a message is to leave."""
        return self.is_new and not self.is_withheld


@dataclass(frozen=True, slots=True)
class Answer:
    """Somebody at `address` answers with a code, naming a request or not."""

    code: Code
    address: str
    now: datetime
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether an answer is right, how many more its caller may give, and how its code came.

    `brought_by` is set when it is right: the send that was named, or else the latest of the code.
    """

    is_right: bool
    tries_left: int
    brought_by: Send | None = None
