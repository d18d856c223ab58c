"""The stored form of leases."""

from datetime import datetime

from adapters.records.record_kind import Record


class LeaseRecord(Record, kw_only=True):
    """A lease; its name is the key of the record."""

    expires_at: datetime
