"""A message that was sent, the tries that it brought, and how often one may be sent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.sign_in.window import Window

TRIES_PER_SEND: Final = 5
SENDS_BEFORE_DOUBLING: Final = 3
MOST_DOUBLINGS: Final = 7
A_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Send:
    """One message with the code of a challenge.

    Written before the message leaves and taken back when no sender would have it, so what
    stands here was accepted, or nobody knows. `request_id` is what the caller may check with;
    `address` is where the ask came from; `reserved` says that it was paid from that address's
    own reserve.
    """

    request_id: str
    challenge_id: str
    address: str
    at: datetime
    reserved: bool = False
    tries_used: int = 0

    @property
    def tries_left(self) -> int:
        """How many answers this send's own allowance still takes."""
        return TRIES_PER_SEND - self.tries_used

    def after_a_try(self) -> "Send":
        """The same with one try fewer."""
        return replace(self, tries_used=self.tries_used + 1)

    def cleared(self) -> "Send":
        """The same after a right answer: no try counts."""
        return replace(self, tries_used=0)


@dataclass(frozen=True, slots=True)
class SendLimits:
    """How often a code may be sent to one phone.

    OWASP ASVS 5.0 6.6.3 asks for such limits. The cool-down runs from the receipt of the ask:
    it is `cool_down` for the first three sends of a day, then doubles with each, up to 128
    times. An address with a reserve of its own is spared the doubling that others caused.
    """

    phone: tuple[Window, ...] = (
        Window(5, timedelta(minutes=15)),
        Window(10, timedelta(days=1)),
    )
    phone_and_address: tuple[Window, ...] = (
        Window(3, timedelta(minutes=15)),
        Window(5, timedelta(days=1)),
    )
    reserve: Window = Window(3, timedelta(hours=1))
    cool_down: timedelta = timedelta(seconds=15)

    def next_ask_at(self, asker: "Asker", now: datetime) -> datetime:
        """When the asker may have the next message sent: `now`, or later."""
        if self._allows(asker, now):
            return now
        turns = sorted({turn for turn in self._turns(asker.sends) if turn > now})
        return next(turn for turn in turns if self._allows(asker, turn))

    def rest(self, asker: "Asker", now: datetime) -> timedelta:
        """How long the asker's cool-down is by now."""
        return self._rest_after(len(asker.waited_on(now)))

    def draws_on_reserve(self, asker: "Asker", now: datetime) -> bool:
        """Whether a send allowed now has to be paid from the asker's own reserve."""
        return not self._has_shared_room(asker, now)

    def _allows(self, asker: "Asker", at: datetime) -> bool:
        return self._has_rested(asker, at) and (
            self._has_shared_room(asker, at) or self._has_reserve(asker, at)
        )

    def _has_rested(self, asker: "Asker", at: datetime) -> bool:
        waited_on = asker.waited_on(at)
        rest = self._rest_after(len(waited_on))
        return all(at >= send.at + self.cool_down for send in asker.current(at)[-1:]) and all(
            at >= send.at + rest for send in waited_on[-1:]
        )

    def _rest_after(self, sends: int) -> timedelta:
        doublings = min(max(sends - SENDS_BEFORE_DOUBLING, 0), MOST_DOUBLINGS)
        return self.cool_down * (1 << doublings)

    def _has_shared_room(self, asker: "Asker", at: datetime) -> bool:
        shared = [send for send in asker.sends if not send.reserved]
        everyones = [send.at for send in shared]
        own = [send.at for send in shared if send.address == asker.address]
        return all(window.remaining(everyones, at) for window in self.phone) and all(
            window.remaining(own, at) for window in self.phone_and_address
        )

    def _has_reserve(self, asker: "Asker", at: datetime) -> bool:
        paid = [send.at for send in asker.own(at) if send.reserved]
        return asker.is_known(at) and self.reserve.remaining(paid, at) > 0

    def _turns(self, sends: Sequence[Send]) -> Iterator[datetime]:
        """Give every moment at which a refusal may turn into leave."""
        windows = (*self.phone, *self.phone_and_address, self.reserve)
        spans = {window.length for window in windows}
        spans.update(self._rest_after(count) for count in range(len(sends) + 1))
        return (send.at + span for send in sends for span in spans)


@dataclass(frozen=True, slots=True)
class Asker:
    """An address that wants a message sent to a phone, and the sends to that phone, in order.

    `known_until` is when the address's last sign-in with this phone stops counting.
    """

    address: str
    sends: Sequence[Send]
    known_until: datetime | None

    def is_known(self, at: datetime) -> bool:
        """Whether the phone has signed in from here lately enough for a reserve."""
        return self.known_until is not None and at < self.known_until

    def current(self, at: datetime) -> list[Send]:
        """The sends of the last day."""
        since = at - A_DAY
        return [send for send in self.sends if send.at > since]

    def own(self, at: datetime) -> list[Send]:
        """Those of them that this address caused."""
        return [send for send in self.current(at) if send.address == self.address]

    def waited_on(self, at: datetime) -> list[Send]:
        """Those of them that make this asker's cool-down longer."""
        return self.own(at) if self.is_known(at) else self.current(at)
