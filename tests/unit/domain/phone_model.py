"""What is promised about one phone, in few words and slow: lists, counted anew each time.

Written from the promises, not from the code, so that the two can disagree. Times are seconds.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass
class Challenge:
    code: str
    expires: float
    spent: bool = False


@dataclass
class Send:
    request_id: str
    address: str
    at: float
    challenge: Challenge
    from_reserve: bool
    tries: int = 0


def within(times: Iterable[float], now: float, length: float) -> int:
    """How many of the times are less than `length` ago."""
    return sum(now - one < length for one in times)


@dataclass
class PhoneModel:
    """Everything that ever happened to a phone."""

    challenges: list[Challenge] = field(default_factory=list)
    sends: list[Send] = field(default_factory=list)
    tries_of: list[tuple[str, float]] = field(default_factory=list)
    pool: list[float] = field(default_factory=list)
    signed_in: dict[str, float] = field(default_factory=dict)
    is_blocked: bool = False

    # Asking

    def is_known(self, address: str, now: float) -> bool:
        """Ninety days from the last sign-in."""
        return address in self.signed_in and now - self.signed_in[address] < 90 * DAY

    def of_the_day(self, now: float) -> list[Send]:
        """The messages that count at all."""
        return [send for send in self.sends if now - send.at < DAY]

    def cool_down(self, address: str, now: float) -> int:
        """Fifteen seconds for the first three of a day, then doubling, seven times at the most.

        What strangers did lengthens it for nobody who is known.
        """
        day = self.of_the_day(now)
        if self.is_known(address, now):
            day = [send for send in day if send.address == address]
        return 15 << min(7, max(0, len(day) - 3))

    def is_cool(self, address: str, now: float) -> bool:
        """Whether the cool-down is over: fifteen seconds after anybody's, or longer."""
        sends = self.of_the_day(now)
        if sends and now - sends[-1].at < 15:
            return False
        if self.is_known(address, now):
            sends = [send for send in sends if send.address == address]
        return not sends or now - sends[-1].at >= self.cool_down(address, now)

    def has_shared(self, address: str, now: float) -> bool:
        """Whether the phone's own budget has one for this address."""
        shared = [send for send in self.sends if not send.from_reserve]
        every = [send.at for send in shared]
        own = [send.at for send in shared if send.address == address]
        return (
            within(every, now, 15 * MINUTE) < 5
            and within(every, now, DAY) < 10
            and within(own, now, 15 * MINUTE) < 3
            and within(own, now, DAY) < 5
        )

    def has_reserve(self, address: str, now: float) -> bool:
        """Whether the address has one of its own."""
        paid = [send.at for send in self.sends if send.from_reserve and send.address == address]
        return self.is_known(address, now) and within(paid, now, HOUR) < 3

    def goes_out(self, address: str, now: float) -> bool:
        """Whether a message goes out when this address asks now."""
        has_one = self.has_shared(address, now) or self.has_reserve(address, now)
        return has_one and self.is_cool(address, now)

    def refers_to(self, address: str, now: float) -> Send | None:
        """The message of this address that is still fresh, where none goes out."""
        for send in reversed(self.of_the_day(now)):
            is_fresh = now - send.at < self.cool_down(address, now)
            if send.address == address and is_fresh and self.is_alive(send.challenge, now):
                return send
        return None

    def is_alive(self, challenge: Challenge, now: float) -> bool:
        """Whether its code signs in."""
        return challenge in self.challenges and not challenge.spent and now < challenge.expires

    def send(self, request_id: str, address: str, now: float, new_code: str) -> Send:
        """The same code again, unless less than a minute of it is left."""
        alive = [
            one
            for one in self.challenges
            if self.is_alive(one, now) and one.expires - now >= MINUTE
        ]
        challenge = alive[-1] if alive else Challenge(new_code, now + 5 * MINUTE)
        if not alive:
            self.challenges.append(challenge)
        from_reserve = not self.has_shared(address, now)
        send = Send(request_id, address, now, challenge, from_reserve)
        self.sends.append(send)
        return send

    def take_back(self, send: Send) -> None:
        """As if it had not been asked for."""
        self.sends = [one for one in self.sends if one is not send]
        if all(one.challenge is not send.challenge for one in self.sends):
            self.challenges.remove(send.challenge)

    # Answering

    def named(self, request_id: str | None, now: float) -> Send | None:
        """The message of this id, unless it has neither tries nor a code any more."""
        own = [one for one in self.of_the_day(now) if one.request_id == request_id]
        return own[0] if own and self.is_of_use(own[0], now) else None

    def is_of_use(self, send: Send, now: float) -> bool:
        """Whether it has tries left, or is refused until its code is over."""
        return send.tries < 5 or now < send.challenge.expires

    def latest_own(self, address: str, now: float) -> Send | None:
        """The latest message that this address caused."""
        own = [one for one in self.of_the_day(now) if one.address == address]
        return own[-1] if own and self.is_of_use(own[-1], now) else None

    def left_of_address(self, address: str, now: float) -> int:
        """Five an hour."""
        return 5 - within([at for one, at in self.tries_of if one == address], now, HOUR)

    def left_of_pool(self, now: float) -> int:
        """Fifteen an hour and thirty a day."""
        return min(15 - within(self.pool, now, HOUR), 30 - within(self.pool, now, DAY))

    def attempts_left(self, address: str, request_id: str | None, now: float) -> int:
        """How many answers are answered from now on."""
        if named := self.named(request_id, now):
            return 5 - named.tries
        own = self.latest_own(address, now)
        besides = 5 - own.tries if own else self.left_of_pool(now)
        return max(0, min(self.left_of_address(address, now), besides))

    def count(self, address: str, request_id: str | None, now: float) -> None:
        """Take one of them."""
        if named := self.named(request_id, now):
            named.tries += 1
            return
        self.tries_of.append((address, now))
        if own := self.latest_own(address, now):
            own.tries += 1
        else:
            self.pool.append(now)

    def solve(self, code: str, address: str, request_id: str | None, now: float) -> bool:
        """Whether the code is right; if so it is spent and clears its id's and address's counts.

        None is while the phone is blocked.
        """
        if self.is_blocked:
            return False
        named = self.named(request_id, now)
        for challenge in self.challenges:
            is_meant = request_id is None or (named and named.challenge is challenge)
            if is_meant and challenge.code == code and self.is_alive(challenge, now):
                challenge.spent = True
                if named:
                    named.tries = 0
                self.tries_of = [one for one in self.tries_of if one[0] != address]
                self.signed_in[address] = now
                return True
        return False

    def is_answered(self, address: str, request_id: str | None, now: float) -> bool:
        """Whether an answer counts."""
        return self.attempts_left(address, request_id, now) > 0


def first_time(holds: Callable[[float], bool], now: float, told: int) -> bool:
    """Whether something holds so many seconds from now, and not sooner; nobody is told 0."""
    sooner = {*range(0, told, 1 + told // 8), told - 1} if told > 1 else set()
    return holds(now + told) and not any(holds(now + seconds) for seconds in sooner)
