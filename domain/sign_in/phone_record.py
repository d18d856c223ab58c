"""The phone record: everything that is decided about one phone is decided here.

It is one consistency boundary: it is loaded, it gives its successor, and the successor is
saved by compare and swap.
"""

import hmac
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.errors import TooManyAsks, TooManyTries
from domain.sign_in.challenge import Challenge
from domain.sign_in.decisions import Answer, Ask, Asked, Judged
from domain.sign_in.send import A_DAY, Asker, Send, SendLimits
from domain.sign_in.tries import UnboundTries
from domain.sign_in.window import CLOCK_SKEW

KNOWN_ADDRESS_LIFETIME: Final = timedelta(days=90)
MOST_KNOWN_ADDRESSES: Final = 20
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class KnownAddress:
    """An address from which this phone has signed in, and when it last did."""

    address: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PhoneRecord:
    """Live challenges, sends, tries, addresses that signed in lately, and whose phone it is.

    A phone that never asked has an empty one, and gets the same answers from it. So does one
    that is `blocked`, except that no message leaves and no code is right.
    """

    challenges: tuple[Challenge, ...] = ()
    sends: tuple[Send, ...] = ()
    unbound_tries: UnboundTries = UnboundTries()
    known_addresses: tuple[KnownAddress, ...] = ()
    identity_id: str | None = None
    blocked: datetime | None = None

    def ask(self, ask: Ask, limits: SendLimits) -> tuple["PhoneRecord", Asked]:
        """Decide whether a message goes out.

        - Within the cool-down nothing does: an address whose own send is alive is referred to
          that, any other is refused.
        - A resend sends the same code and does not lengthen its life; with less than a minute
          left a new challenge takes over, and the old one stays good to its end.

        Raises:
            TooManyAsks: nothing was written, and when to come back is in it.
        """
        record = self._pruned(ask.now)
        asker = record._asker(ask.address)
        wait_until = limits.next_ask_at(asker, ask.now)
        if wait_until > ask.now:
            return self, record._referred(ask, limits.rest(asker, ask.now), wait_until)
        challenge = next(
            (one for one in reversed(record.challenges) if one.can_be_sent(ask.now)), None
        )
        challenges = record.challenges
        if challenge is None:
            challenge = ask.new_challenge
            challenges = (*challenges, challenge)
        send = Send(
            ask.new_request_id,
            challenge.id,
            ask.address,
            ask.now,
            reserved=limits.draws_on_reserve(asker, ask.now),
        )
        after = replace(record, challenges=challenges, sends=(*record.sends, send))
        next_ask_at = limits.next_ask_at(after._asker(ask.address), ask.now)
        is_withheld = self.blocked is not None
        return after, Asked(send, challenge, next_ask_at, is_new=True, is_withheld=is_withheld)

    def without_lost_keys(self, is_here: Callable[[str], bool]) -> "PhoneRecord":
        """The record without the challenges whose key is gone: no code of theirs can be told."""
        kept = tuple(one for one in self.challenges if is_here(one.key_id))
        return self if kept == self.challenges else replace(self, challenges=kept)

    def taken_back(self, request_id: str) -> "PhoneRecord":
        """The record as if this send had not been made: no sender would have it.

        A send whose tries somebody drew on meanwhile stays, or those tries would be free.
        """
        sends = tuple(
            send for send in self.sends if send.request_id != request_id or send.tries_used
        )
        sent = {send.challenge_id for send in sends}
        challenges = tuple(one for one in self.challenges if one.id in sent)
        return replace(self, sends=sends, challenges=challenges)

    def live_challenges(self, now: datetime) -> tuple[Challenge, ...]:
        """The challenges whose codes would be taken now; two at the most."""
        return tuple(one for one in self.challenges if one.is_live(now))

    def judge(self, answer: Answer, codes: Mapping[str, str]) -> tuple["PhoneRecord", Judged]:
        """Count an answer and say whether it is right.

        `codes` holds the code of each live challenge by its id. An answer that names a request
        draws on that send's tries and can only match its challenge (ASVS 5.0 6.6.2). One that
        names none draws on its address's tries and, besides, on those of the latest send that
        this address caused, or, where it caused none, on the pool of strangers: so neither their
        guesses nor their asks lock out an app that sends no id. One that names an unknown
        request draws as if it named none, and is wrong. A send whose tries are spent refuses
        until its code is over, and is as good as unknown from then on. While the phone is
        blocked a right answer is a wrong one: it is counted, and spends nothing.

        Raises:
            TooManyTries: nothing was counted, and when to come back is in it.
        """
        record = self._pruned(answer.now)
        named = record._latest(lambda one: one.request_id == answer.request_id, answer.now)
        counted, tries_left = (
            record._drawn_on_send(named, answer) if named else record._drawn_unbound(answer)
        )
        right = None
        for challenge in record.live_challenges(answer.now):
            is_meant = answer.request_id is None or (
                named is not None and named.challenge_id == challenge.id
            )
            # Compared for every challenge, meant or not, so that time tells nothing.
            is_same = hmac.compare_digest(codes[challenge.id], answer.code.digits)
            if is_same and is_meant:
                right = challenge
        if right is None or self.blocked is not None:
            return counted, Judged(is_right=False, tries_left=tries_left)
        brought_by = named or record._latest(lambda one: one.challenge_id == right.id, answer.now)
        return counted._solved(right, answer), Judged(True, tries_left, brought_by)

    def owned_by(self, identity_id: str | None) -> "PhoneRecord":
        """The record of a phone that is this identity's, or nobody's any more."""
        return replace(self, identity_id=identity_id)

    def blocked_at(self, now: datetime) -> "PhoneRecord":
        """The record of a phone that is blocked from now on, or since before."""
        return self if self.blocked else replace(self, blocked=now)

    def unblocked(self) -> "PhoneRecord":
        """The record of a phone that is not blocked; what was counted meanwhile stays counted."""
        return replace(self, blocked=None) if self.blocked else self

    def lapses_at(self) -> datetime | None:
        """When nothing in it matters any more; None while it names an identity or is blocked."""
        if self.identity_id is not None or self.blocked is not None:
            return None
        ends = [challenge.expires for challenge in self.challenges]
        ends += [send.at + A_DAY for send in self.sends]
        ends += [known.at + KNOWN_ADDRESS_LIFETIME for known in self.known_addresses]
        ends += self.unbound_tries.lapse_at()
        return max(ends, default=_LONG_AGO)

    def _asker(self, address: str) -> Asker:
        signed_in = [known.at for known in self.known_addresses if known.address == address]
        known_until = signed_in[-1] + KNOWN_ADDRESS_LIFETIME if signed_in else None
        return Asker(address, self.sends, known_until)

    def _referred(self, ask: Ask, rest: timedelta, wait_until: datetime) -> Asked:
        live = {one.id: one for one in self.live_challenges(ask.now)}
        for send in reversed(self.sends):
            is_own = send.address == ask.address and send.challenge_id in live
            if is_own and send.at + rest > ask.now:
                return Asked(send, live[send.challenge_id], wait_until, is_new=False)
        raise TooManyAsks(whole_seconds(ask.now, wait_until))

    def _latest(self, is_meant: Callable[[Send], bool], at: datetime) -> Send | None:
        """Give the latest such send of the day before `at`.

        One without tries is forgotten when its code is over.
        """
        send = next((one for one in reversed(self.sends) if is_meant(one)), None)
        if send is None or send.at <= at - A_DAY:
            return None
        unexpired = {one.id for one in self.challenges if at < one.expires}
        return send if send.tries_left > 0 or send.challenge_id in unexpired else None

    def _expires(self, send: Send) -> datetime:
        return next(one.expires for one in self.challenges if one.id == send.challenge_id)

    def _unbound_at(self, address: str, now: datetime) -> datetime:
        """When an answer from here that names no request counts: `now`, or later."""
        own = self._latest(lambda one: one.address == address, now)
        waits = [self.unbound_tries.address_free_at(address, now)]
        if own is None or own.tries_left <= 0:
            waits.append(self.unbound_tries.pool_free_at(now))
        if own is not None and own.tries_left <= 0:
            waits.append(self._expires(own))
        return max(waits)

    def _drawn_on_send(self, send: Send, answer: Answer) -> tuple["PhoneRecord", int]:
        if send.tries_left <= 0:
            # From then on it is unknown, and what is drawn on instead is what there is then.
            free = self._unbound_at(answer.address, self._expires(send))
            raise TooManyTries(whole_seconds(answer.now, free))
        after = send.after_a_try()
        return self._with(after), after.tries_left

    def _drawn_unbound(self, answer: Answer) -> tuple["PhoneRecord", int]:
        tries, address, now = self.unbound_tries, answer.address, answer.now
        free = self._unbound_at(address, now)
        if free > now:
            raise TooManyTries(whole_seconds(now, free))
        own = self._latest(lambda one: one.address == address, now)
        counted, left = (
            (self, tries.left_in_pool(now) - 1) if own is None else self._drawn_on_send(own, answer)
        )
        tries = tries.counted(address, now, from_pool=own is None)
        return replace(counted, unbound_tries=tries), min(left, tries.left_for(address, now))

    def _solved(self, challenge: Challenge, answer: Answer) -> "PhoneRecord":
        spent = tuple(
            replace(one, spent=True) if one.id == challenge.id else one for one in self.challenges
        )
        sends = tuple(
            one.cleared() if one.request_id == answer.request_id else one for one in self.sends
        )
        others = [one for one in self.known_addresses if one.address != answer.address]
        known = (*others, KnownAddress(answer.address, answer.now))[-MOST_KNOWN_ADDRESSES:]
        return replace(
            self,
            challenges=spent,
            sends=sends,
            unbound_tries=self.unbound_tries.cleared(answer.address),
            known_addresses=known,
        )

    def _with(self, changed: Send) -> "PhoneRecord":
        sends = tuple(
            changed if one.request_id == changed.request_id else one for one in self.sends
        )
        return replace(self, sends=sends)

    def _pruned(self, now: datetime) -> "PhoneRecord":
        """The record without what is over, or later than any clock may be."""
        latest, yesterday = now + CLOCK_SKEW, now - A_DAY
        known_since = now - KNOWN_ADDRESS_LIFETIME
        return replace(
            self,
            challenges=tuple(
                one for one in self.challenges if now < one.expires and one.created <= latest
            ),
            sends=tuple(one for one in self.sends if yesterday < one.at <= latest),
            unbound_tries=self.unbound_tries.pruned(now),
            known_addresses=tuple(one for one in self.known_addresses if one.at > known_since),
        )


def whole_seconds(now: datetime, until: datetime) -> int:
    """Seconds from now until then, rounded up, at least one (RFC 9110 §10.2.3)."""
    return max(1, math.ceil((until - now).total_seconds()))
