"""The stored form of each aggregate, and the mapping between it and the domain.

- The `Stored…` structs name every field of the JSON in the column `body`. They use no class of the
  domain, so domain names change without touching stored data.
- Times are RFC 3339 in UTC with microseconds, bytes are base64.
- Fields that this version does not know survive a `load` followed by a `replace`: they travel in
  `RecordVersion.unknown_fields`.
- A record of an older schema version is upgraded when it is read, and is stored in the new form
  when it is saved.
- A value that is one of several kinds has a struct for each; its field `kind` says which.
"""

from adapters.sqlite.mapping.calls import CallMapping
from adapters.sqlite.mapping.columns import to_datetime, to_microseconds, to_microseconds_or_none
from adapters.sqlite.mapping.delivery_reports import DeliveryReportMapping
from adapters.sqlite.mapping.identities import IdentityMapping
from adapters.sqlite.mapping.media_items import MediaItemMapping
from adapters.sqlite.mapping.phone_verifications import PhoneVerificationMapping

__all__ = [
    "CallMapping",
    "DeliveryReportMapping",
    "IdentityMapping",
    "MediaItemMapping",
    "PhoneVerificationMapping",
    "to_datetime",
    "to_microseconds",
    "to_microseconds_or_none",
]
