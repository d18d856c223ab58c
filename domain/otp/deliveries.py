"""The deliveries to one phone within a day."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.otp.delivery import MAX_REJECTION_LENGTH, Channel, Delivery
from domain.otp.sliding_window import CLOCK_SKEW


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The deliveries of a phone, in the order in which they were requested."""

    all: tuple[Delivery, ...] = ()

    @property
    def counted(self) -> tuple[Delivery, ...]:
        """Those that count in the limits of the phone, of all purposes together."""
        return tuple([delivery for delivery in self.all if not delivery.is_reset])

    @property
    def expiry_times(self) -> list[datetime]:
        return [delivery.expires_at for delivery in self.all]

    def find(self, request_id: str) -> Delivery | None:
        return next((found for found in self.all if found.has_id(request_id)), None)

    def of_challenge(self, challenge_id: str) -> list[Delivery]:
        return [delivery for delivery in self.all if delivery.challenge_id == challenge_id]

    def last_provider(
        self, challenge_ids: Collection[str], channel: Channel, since: datetime | None
    ) -> str:
        """Return the provider that carried one of these codes last by a channel, empty if none."""
        carried = [
            delivery.provider
            for delivery in self.all
            if delivery.challenge_id in challenge_ids
            and delivery.channel is channel
            and (since is None or delivery.sent_at > since)
        ]
        return carried[-1] if carried else ""

    def set_delivery(self, changed: Delivery) -> "Deliveries":
        return self._change(changed.request_id, lambda _: changed)

    def fall_back(
        self, request_id: str, channel: Channel, provider: str, reason: str
    ) -> "Deliveries":
        """Let a code go by another channel from now on, where this provider is tried first."""

        def leave(delivery: Delivery) -> Delivery:
            fell_back = f"{delivery.channel}: {reason}"[:MAX_REJECTION_LENGTH]
            return replace(
                delivery,
                channel=channel,
                provider=provider,
                unknown_reason=None,
                fell_back=fell_back,
            )

        return self._change(request_id, leave)

    def keep_result(
        self, request_id: str, channel: Channel, provider: str, unknown_reason: str | None
    ) -> "Deliveries":
        """Return them after a provider took a delivery or, for an unknown reason, may have."""
        reason = None if unknown_reason is None else unknown_reason[:MAX_REJECTION_LENGTH]

        def keep(delivery: Delivery) -> Delivery:
            if delivery.channel is not channel:
                return delivery
            provided_by = provider or delivery.provider
            return replace(delivery, provider=provided_by, unknown_reason=reason)

        return self._change(request_id, keep)

    def reject(self, request_id: str, provider: str, reason: str) -> "Deliveries":
        return self._change(request_id, lambda delivery: delivery.reject(provider, reason))

    def reset(self) -> "Deliveries":
        return Deliveries(tuple([replace(each, is_reset=True) for each in self.all]))

    def settle(self, challenge_id: str) -> "Deliveries":
        """Return them so that none that carried this code holds permits."""
        settled = [
            replace(each, permits=None) if each.challenge_id == challenge_id else each
            for each in self.all
        ]
        return Deliveries(tuple(settled))

    def prune(self, now: datetime) -> "Deliveries":
        latest = now + CLOCK_SKEW
        kept = [each for each in self.all if now < each.expires_at and each.sent_at <= latest]
        return Deliveries(tuple(kept))

    def _change(self, request_id: str, change: Callable[[Delivery], Delivery]) -> "Deliveries":
        changed = [change(each) if each.request_id == request_id else each for each in self.all]
        return Deliveries(tuple(changed))


def order_after(providers: Sequence[str], last: str) -> Sequence[str]:
    """Return the providers as they are tried: the one that had the code last comes last."""
    place = providers.index(last) + 1 if last in providers else 0
    return (*providers[place:], *providers[:place])
