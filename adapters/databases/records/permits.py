"""The stored form of permits, which deliveries hold."""

from datetime import datetime

import msgspec


class UsedPartRecord(msgspec.Struct, gc=False):
    """The part of a group of limits that a permit was acquired in."""

    group: str
    part: str


class PermitsRecord(msgspec.Struct, gc=False):
    """When permits were acquired, and in which parts."""

    acquired_at: datetime
    parts: tuple[UsedPartRecord, ...] = ()
