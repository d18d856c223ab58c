"""The attacks on all phones that are simulated, and who must be served in each of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from domain.phone import PhoneNumber
from tests.benchmarks.attack_sizes import (
    ALL,
    ALL_WITH_ATTESTATION,
    UNVERIFIED,
    UNVERIFIED_WITH_ATTESTATION,
    PartSize,
)
from tests.benchmarks.simulation import Owner, client_ips

COUNTRIES: Final = ("US", "IN", "GB", "NG", "BD")
OWNERS_RANGE: Final = 555
"""The middle of their numbers."""


def _phone(line: int) -> PhoneNumber:
    return PhoneNumber(f"+1415{OWNERS_RANGE}990{line}")


NEW: Final = Owner("new customer", _phone(4), has_account=False)
NEW_WITH_PROOF: Final = Owner("new customer, proof", _phone(6), has_account=False, sends_proof=True)
OWNERS: Final = (
    Owner("old account, device token", _phone(0), is_old=True, has_token=True),
    Owner("old account, known IP", _phone(1), is_old=True, is_at_known_ip=True),
    Owner("younger account, device token", _phone(2), has_token=True),
    Owner("younger account, known IP", _phone(3), is_at_known_ip=True),
    NEW,
    Owner("younger account, device token and proof", _phone(5), has_token=True, sends_proof=True),
    NEW_WITH_PROOF,
)
EVERYBODY: Final = frozenset(OWNERS)
RECOGNIZED: Final = EVERYBODY - {NEW}
OLD: Final = frozenset(owner for owner in OWNERS if owner.is_old)
WITH_PROOF: Final = frozenset(owner for owner in OWNERS if owner.sends_proof)
NOBODY: Final = frozenset[Owner]()


class Place(Enum):
    """Where attackers are: elsewhere, or in a share that the owner needs."""

    ELSEWHERE = "elsewhere"
    ONE_NETWORK = "in one network"
    OWNERS_RANGE = "in the owner's range"
    OWNERS_NETWORK = "in the owner's network"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """An attack: strangers who flood phones of others, and attackers with own numbers.

    Attributes:
        served: Who is served in it, and nobody else.
        messages: How many messages are sent in an hour, where the page names the figure.
        proofs: How many proofs are sent for them, in the same way.
        ips: How many IPs the strangers have, each in a network of its own, unless `place` says
            otherwise. In the owner's network they have the owner's own IPs.
        countries: Whose phones they flood; the owner's country is the first.
        own_numbers: How many phones the attackers own, each with an account and a device token.
        old_numbers: So many of their accounts have the right to the reserve.
        own_ranges: The phones are in so many number ranges.
        own_networks: They are at so many IPs, in the networks that the strangers have as well.
        logs_in: They log in with each message.
        has_attestation: The service asks for proofs. Without it, owners with a proof are not
            simulated, and `served` does not matter for them.
        sends_proofs: Strangers and own numbers send a proof where one is asked for.
        place: Where strangers and own numbers are.
        is_shown: Whether the page has it. Of the others, most are a little too small.
    """

    served: frozenset[Owner]
    messages: int | None = None
    proofs: int | None = None
    ips: int = 0
    countries: Sequence[str] = COUNTRIES[:1]
    own_numbers: int = 0
    old_numbers: int = 0
    own_ranges: int = 1
    own_networks: int = 1
    logs_in: bool = False
    has_attestation: bool = False
    sends_proofs: bool = False
    place: Place = Place.ELSEWHERE
    is_shown: bool = True

    @property
    def title(self) -> str:
        """What the table calls it."""
        titles = []
        if self.ips:
            titles.append("1 stranger" if self.ips == 1 else f"{self.ips:,} strangers' IPs")
        if len(self.countries) > 1:
            titles[-1] += f", {len(self.countries)} countries"
        if self.own_numbers:
            own = f"{self.own_numbers:,} own numbers{' that log in' if self.logs_in else ''}"
            if self.old_numbers:
                own += f", {self.old_numbers:,} of them old"
            titles.append(own)
            if self.place is Place.ELSEWHERE:
                titles[-1] += f", {self.own_ranges} ranges, {self.own_networks:,} networks"
        where = "" if self.place is Place.ELSEWHERE else f", {self.place.value}"
        return "; ".join(titles) + where + ("; with proofs" if self.sends_proofs else "")

    @property
    def owners(self) -> Sequence[Owner]:
        """Who tries to log in."""
        return [owner for owner in OWNERS if self.has_attestation or not owner.sends_proof]

    def strangers(self) -> Sequence[str]:
        """Return the IPs of the strangers."""
        match self.place:
            case Place.OWNERS_NETWORK:
                return sorted({owner.client_ip() for owner in OWNERS})[: self.ips]
            case Place.ONE_NETWORK:
                return [f"10.0.0.{number}" for number in range(self.ips)]
            case _:
                return client_ips(self.ips)


def _with_own_numbers() -> Iterable[Flood]:
    """Yield the smallest attacks that reject recognized owners, and some that are too small."""
    recognized, reserve = UNVERIFIED.recognized, UNVERIFIED.reserve
    young, networks = recognized.phones, recognized.places
    all_, old, all_networks = UNVERIFIED.own_numbers, reserve.phones, UNVERIFIED.own_networks
    for own_numbers, old_numbers, own_networks, served, is_shown in (
        (young - 1, 0, networks, RECOGNIZED, False),
        (young, 0, networks - 1, RECOGNIZED, False),
        (young, 0, networks, OLD, True),
        (all_ - 1, old, all_networks, OLD, False),
        (all_, old - 1, all_networks, OLD, False),
        (all_, old, all_networks - 1, RECOGNIZED, False),
        (all_, old, all_networks, NOBODY, True),
    ):
        yield Flood(
            served=served,
            messages=None if served else UNVERIFIED.size,
            ips=UNVERIFIED.strangers.places,
            own_numbers=own_numbers,
            old_numbers=old_numbers,
            own_ranges=UNVERIFIED.own_places if old_numbers else recognized.places_of_phones,
            own_networks=own_networks,
            is_shown=is_shown,
        )
    young, all_, old = (
        recognized.phones_of_share, UNVERIFIED.own_numbers_of_share, reserve.phones_of_share
    )  # fmt: skip
    for place, ips in ((Place.OWNERS_RANGE, 1), (Place.OWNERS_NETWORK, 2)):
        for own_numbers, old_numbers, served, is_shown in (
            (young - 1, 0, RECOGNIZED, False),
            (young, 0, OLD, True),
            (all_ - 1, old, OLD, False),
            (all_, old - 1, OLD, False),
            (all_, old, NOBODY, True),
        ):
            yield Flood(
                served=served,
                ips=ips,
                own_numbers=own_numbers,
                old_numbers=old_numbers,
                own_networks=own_numbers,
                place=place,
                is_shown=is_shown,
            )


def _with_logins() -> Iterable[Flood]:
    """Yield attacks with own numbers that log in: only the limits of all messages stop them."""
    numbers, parts = 2_000, ALL
    flood = Flood(
        served=EVERYBODY, own_numbers=numbers, own_networks=numbers, own_ranges=4, logs_in=True
    )
    yield flood
    places = max(parts.strangers.places, parts.recognized.places, parts.reserve.places)
    for ranges, old_numbers, served, messages in (
        (places - 1, 0, EVERYBODY, None),
        (places, 0, OLD, parts.strangers.size + parts.recognized.size),
        (places, numbers, NOBODY, parts.size),
    ):
        yield replace(
            flood,
            served=served,
            messages=messages,
            old_numbers=old_numbers,
            own_ranges=ranges,
            is_shown=ranges == places,
        )
    beside = replace(flood, own_numbers=200, own_networks=200, place=Place.OWNERS_RANGE)
    shares = parts.strangers.share + parts.recognized.share
    yield replace(beside, served=OLD, messages=shares, is_shown=False)
    all_shares = shares + parts.reserve.share
    yield replace(beside, served=NOBODY, messages=all_shares, old_numbers=200, is_shown=False)


def _with_attestation() -> Iterable[Flood]:
    """Yield the attacks that reject new customers, where the service asks for proofs.

    Without proofs they reject nobody who sends one. With proofs they do.
    """
    rejecting = [plan for plan in _WITHOUT_ATTESTATION if plan.is_shown and NEW not in plan.served]
    for plan in rejecting:
        strangers = UNVERIFIED_WITH_ATTESTATION.strangers
        yield replace(
            plan,
            served=plan.served | WITH_PROOF,
            messages=None if plan.own_numbers else _count_messages(plan, strangers),
            proofs=0,
            has_attestation=True,
            is_shown=False,
        )
    for plan in rejecting:
        parts = ALL_WITH_ATTESTATION if plan.logs_in else UNVERIFIED_WITH_ATTESTATION
        yield replace(
            plan,
            served=plan.served - {NEW_WITH_PROOF},
            messages=None,
            proofs=_count_messages(plan, parts.attested),
            has_attestation=True,
            sends_proofs=True,
        )


def _count_messages(plan: Flood, part: PartSize) -> int:
    """Return how many messages a flood gets from a part."""
    if plan.place is not Place.ELSEWHERE:
        return part.share
    return part.size if len(plan.countries) == 1 else part.total


_MANY: Final = 34_000
_PART: Final = UNVERIFIED.strangers
_WITHOUT_ATTESTATION: Final = (
    Flood(served=EVERYBODY, ips=10),
    Flood(served=EVERYBODY, ips=12),
    Flood(served=EVERYBODY, ips=_PART.places - 1, is_shown=False),
    Flood(served=RECOGNIZED, messages=_PART.size, ips=_PART.places),
    Flood(served=RECOGNIZED, messages=_PART.size, ips=1_000),
    Flood(served=RECOGNIZED, messages=_PART.size, ips=_MANY),
    Flood(served=RECOGNIZED, messages=_PART.total, ips=_MANY, countries=COUNTRIES),
    Flood(
        served=EVERYBODY,
        messages=_PART.share,
        ips=250,
        countries=COUNTRIES,
        place=Place.ONE_NETWORK,
    ),
    Flood(served=RECOGNIZED, messages=_PART.share, ips=1, place=Place.OWNERS_RANGE),
    Flood(served=RECOGNIZED, messages=_PART.share, ips=2, place=Place.OWNERS_NETWORK),
    Flood(served=EVERYBODY, ips=12, own_numbers=136, own_ranges=4, own_networks=12),
    Flood(served=EVERYBODY, own_numbers=340, own_ranges=20, own_networks=8),
    Flood(
        served=RECOGNIZED,
        ips=_MANY,
        own_numbers=340,
        own_ranges=20,
        own_networks=8,
        is_shown=False,
    ),
    Flood(served=RECOGNIZED, ips=_MANY, own_numbers=2_000, own_ranges=4, own_networks=2_000),
    *_with_own_numbers(),
    *_with_logins(),
)
FLOODS: Final = (*_WITHOUT_ATTESTATION, *_with_attestation())
