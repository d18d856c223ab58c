"""How large attacks have to be, derived from the default limits. The floods simulate exactly these.

- A recognized phone has so many messages a day in the part for recognized phones and the reserve
  together, and a network or number range so many in each part.
- Attackers whose old accounts should last use younger ones first, for the part that both may use.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import Channel
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.permits import Recognition
from domain.otp.rate_limits import RECOGNIZED_DELIVERIES, DeliveryRoute, Group, RateLimits
from tests.support.builders import NOW

LIMITS: Final = RateLimits()
MESSAGES_PER_PHONE: Final = 2 * RECOGNIZED_DELIVERIES.limit
"""By device tokens, and as many from trusted IPs."""
ROUTE: Final = DeliveryRoute(HashedClientIp("ip", "network"), "US", "range", "phone")


@dataclass(frozen=True, slots=True)
class PartSize:
    """The size of a part per country and in total, and the share of a network or number range."""

    share: int
    size: int
    total: int

    @property
    def places(self) -> int:
        """How many networks, or number ranges, use it up."""
        return math.ceil(self.size / self.share)

    @property
    def phones(self) -> int:
        """How many recognized phones use it up."""
        return math.ceil(self.size / MESSAGES_PER_PHONE)

    @property
    def phones_of_share(self) -> int:
        """How many recognized phones use up the share."""
        return math.ceil(self.share / MESSAGES_PER_PHONE)

    @property
    def places_of_phones(self) -> int:
        """How many number ranges so few phones need: some of a share may be too little for one."""
        return math.ceil(self.size / (self.share - self.share % MESSAGES_PER_PHONE))


NO_PART: Final = PartSize(0, 0, 0)


@dataclass(frozen=True, slots=True)
class PartSizes:
    """The parts of the limits per country and in total. One that does not exist is 0."""

    strangers: PartSize
    recognized: PartSize = NO_PART
    reserve: PartSize = NO_PART
    attested: PartSize = NO_PART

    @property
    def size(self) -> int:
        """The limit per country."""
        return sum(part.size for part in self._all)

    @property
    def total(self) -> int:
        """The limit in total."""
        return sum(part.total for part in self._all)

    @property
    def own_numbers(self) -> int:
        """How many own numbers use up what recognized phones and old accounts have."""
        return math.ceil((self.recognized.size + self.reserve.size) / MESSAGES_PER_PHONE)

    @property
    def own_places(self) -> int:
        """In how many number ranges they are."""
        return max(self.recognized.places_of_phones, self.reserve.places_of_phones)

    @property
    def own_networks(self) -> int:
        """At how many networks they are."""
        return max(self.recognized.places, self.reserve.places)

    @property
    def own_numbers_of_share(self) -> int:
        """How many own numbers use up one share of both."""
        return math.ceil((self.recognized.share + self.reserve.share) / MESSAGES_PER_PHONE)

    @property
    def _all(self) -> Sequence[PartSize]:
        return self.strangers, self.recognized, self.reserve, self.attested


def _read_parts(group: Group) -> PartSizes:
    """Read the parts of a group. Each has the limits of range, network, country, total."""
    sizes = {
        part.name: PartSize(*(limit.window.limit for limit in part.limits[-3:]))
        for part in group.parts
    }
    return PartSizes(**sizes)


def _read_parts_of_messages(limits: RateLimits) -> Sequence[PartSizes]:
    groups = limits.reserve_delivery(NOW, ROUTE, Recognition.DEVICE, Channel.SMS).groups
    return [_read_parts(group) for group in groups]


UNVERIFIED, ALL = _read_parts_of_messages(LIMITS)
"""Messages that did not lead to a login, and all messages."""
UNVERIFIED_WITH_ATTESTATION, ALL_WITH_ATTESTATION = _read_parts_of_messages(
    RateLimits(has_attested_part=True)
)
"""The same where a proof is asked for."""
_POLICY: Final = DeliveryPolicy()
NETWORKS_AT_ONE_PHONE: Final = math.ceil(
    _POLICY.per_phone[-1].limit / _POLICY.per_phone_and_ip[-1].limit
)
"""How many networks use up the messages of one phone."""
