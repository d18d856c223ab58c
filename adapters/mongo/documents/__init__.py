"""The stored schema: a class for each collection, with its fields and its indexes.

- Fields are named and typed as they are stored, independently of the domain. Dates are whole
  milliseconds, as the clock's are.
- `adapters.mongo.record_mapping` checks documents against these classes. beanie builds queries with
  them.
- Optional fields of a document are left out when they are None, so that partial indexes skip it.
"""

from typing import Final

from beanie import Document

from adapters.mongo.documents.calls import CallDocument
from adapters.mongo.documents.delivery_reports import DeliveryReportDocument
from adapters.mongo.documents.identities import IdentityDocument
from adapters.mongo.documents.media_items import MediaItemDocument
from adapters.mongo.documents.phone_verifications import PhoneVerificationDocument
from adapters.mongo.documents.service import (
    DatabaseMetadataDocument,
    LeaseDocument,
    RateLimitDocument,
)

__all__ = [
    "DOCUMENTS",
    "CallDocument",
    "DatabaseMetadataDocument",
    "DeliveryReportDocument",
    "IdentityDocument",
    "LeaseDocument",
    "MediaItemDocument",
    "PhoneVerificationDocument",
    "RateLimitDocument",
]

DOCUMENTS: Final[tuple[type[Document], ...]] = (
    DatabaseMetadataDocument,
    PhoneVerificationDocument,
    RateLimitDocument,
    IdentityDocument,
    MediaItemDocument,
    CallDocument,
    DeliveryReportDocument,
    LeaseDocument,
)
