from dataclasses import dataclass

from application.ports.budgets import Budgets
from application.ports.identities import Identities, Tombstones
from application.ports.media_items import MediaItems, MediaLeftovers, MediaPages
from application.ports.phone_records import PhoneRecords
from application.ports.probe import Probe


@dataclass(frozen=True, slots=True)
class Records:
    """All that a database keeps: one is swapped for another as a whole."""

    phone_records: PhoneRecords
    budgets: Budgets
    identities: Identities
    tombstones: Tombstones
    media_items: MediaItems
    media_pages: MediaPages
    media_leftovers: MediaLeftovers
    probe: Probe
