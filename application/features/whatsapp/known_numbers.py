"""Remember which numbers WhatsApp does not reach."""

from contextlib import suppress
from dataclasses import dataclass

from application.ports.errors import CorruptRecord, StorageError
from application.ports.keyed_hashes import KeyedHashes
from application.ports.system import Clock
from application.ports.versioned import ExpiringRecords
from application.update import change
from domain.features.whatsapp.whatsapp_delivery import UNREACHABLE_TTL, UnreachableNumber
from domain.otp.delivery import Channel
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownNumbers:
    """The numbers that WhatsApp did not reach, each for seven days.

    A failure of the database is no error: without the record, the next code tries WhatsApp.
    """

    unreachable_numbers: ExpiringRecords[UnreachableNumber]
    keyed_hashes: KeyedHashes
    clock: Clock

    async def is_unreachable(self, phone: PhoneNumber) -> bool:
        with suppress(StorageError, CorruptRecord):
            found = await self.unreachable_numbers.load(self.keyed_hashes.blind_index(phone))
            return found is not None and self.clock.now() < found.value.expires_at
        return False

    async def remember(self, phone: PhoneNumber) -> None:
        number = UnreachableNumber(
            self.keyed_hashes.blind_index(phone), self.clock.now() + UNREACHABLE_TTL
        )
        with suppress(StorageError, CorruptRecord):
            await change(self.unreachable_numbers, number.id, lambda _: (number, None))

    async def forget(self, phone: PhoneNumber) -> None:
        index = self.keyed_hashes.blind_index(phone)
        with suppress(StorageError, CorruptRecord):
            if (found := await self.unreachable_numbers.load(index)) is not None:
                await self.unreachable_numbers.delete(index, found.version)

    async def forget_after_login(self, phone: PhoneNumber, channel: Channel) -> None:
        if channel is Channel.WHATSAPP:
            await self.forget(phone)
