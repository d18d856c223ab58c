"""The warnings that this process knows, for each request."""

from dataclasses import dataclass, field
from datetime import datetime

from application.limits.delivery_terms import RequestedDelivery
from application.limits.effective_limits import EffectiveLimits
from application.ports.keyed_hashes import KeyedHashes
from domain.otp.permits import Recognition
from domain.otp.rate_limits import Reservation
from domain.phone import PhoneNumber
from domain.pumping.restrict import PUMPING, SAMPLE_PART, restrict
from domain.pumping.warning import PumpingWarning, PumpingWarnings


@dataclass(slots=True)
class KnownWarnings:
    """What warnings ask of strangers (`DeliveryTerms`), and which phones are their samples.

    - A recognized phone is never touched, and no code that an operator sends.
    - A phone is in the sample of a warning or not, however often it requests a code.

    Attributes:
        limits: The limits, which say whether clients can be asked for a proof.
        keyed_hashes: The hashes of ranges and phones.
        known: The warnings as they were read last.
        prefixes: The number ranges that requests have shown, by the id of a warning without its
            own.
    """

    limits: EffectiveLimits
    keyed_hashes: KeyedHashes
    known: PumpingWarnings = field(default_factory=PumpingWarnings)
    prefixes: dict[str, str] = field(default_factory=dict)

    def change(self, reservation: Reservation, delivery: RequestedDelivery) -> Reservation:
        if not self.known.warnings or delivery.is_by_operator:
            return reservation
        if delivery.recognition is not Recognition.NONE:
            return reservation
        route, moment = delivery.route, reservation.acquired_at
        warning = self.known.find(route.country, route.number_range, moment)
        if warning is None:
            return reservation
        if warning.number_range and not warning.prefix:
            self.prefixes[warning.id] = delivery.phone.number_range
        return restrict(
            reservation,
            warning,
            is_sampled=self._is_sampled(delivery.phone, warning),
            has_proofs=self.limits.settings.has_attested_part,
        )

    def find_sample(self, phone: PhoneNumber, recognition: Recognition, sent_at: datetime) -> str:
        """Return the name of the sample if a code is in it that was requested at this time."""
        if recognition is not Recognition.NONE or not self.known.warnings:
            return ""
        number_range = self.keyed_hashes.hash_number_range(phone.number_range)
        warning = self.known.find(phone.country, number_range, sent_at)
        return PUMPING if warning and self._is_sampled(phone, warning) else ""

    def _is_sampled(self, phone: PhoneNumber, warning: PumpingWarning) -> bool:
        phone_hash = self.keyed_hashes.hash_phone(phone)
        return self.keyed_hashes.fraction_of(f"{warning.id} {phone_hash}") < SAMPLE_PART
