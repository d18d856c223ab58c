"""All that an extension may import, besides `entrypoints.extensions.http`.

What is listed in `__all__` of both is stable: docs/extensions.md says what that means. It changes
only with `EXTENSION_API`.
"""

from adapters.records.record_kind import EXPIRES_AT, Index, Record, RecordKind, index_by_time
from application.identities.extensions import AllowLogin, PendingLogin, RejectLogin
from application.ports.errors import (
    ConfigurationError,
    CorruptRecord,
    PortError,
    StorageError,
    StorageTimeout,
    StorageUnavailable,
    UniqueViolation,
)
from application.ports.system import Clock, Randomness
from application.ports.tracing import RequestSpan, Span, TracedRequest, Tracer
from domain.errors import DomainError, InvalidValue
from domain.identifier import make_identifier
from domain.otp.delivery import Channel
from entrypoints.extensions.extension import EXTENSION_API, Extension, ExtensionCommand
from entrypoints.extensions.opening import ExtensionOpening, Users, UserSummary
from entrypoints.extensions.records import OwnRecords
from entrypoints.extensions.settings import secret, setting
from entrypoints.opening.startup_error import CommandError
from entrypoints.settings.parsers import choice, number, parse_yes_or_no
from entrypoints.settings.values import Secret

__all__ = [
    "EXPIRES_AT",
    "EXTENSION_API",
    "AllowLogin",
    "Channel",
    "Clock",
    "CommandError",
    "ConfigurationError",
    "CorruptRecord",
    "DomainError",
    "Extension",
    "ExtensionCommand",
    "ExtensionOpening",
    "Index",
    "InvalidValue",
    "OwnRecords",
    "PendingLogin",
    "PortError",
    "Randomness",
    "Record",
    "RecordKind",
    "RejectLogin",
    "RequestSpan",
    "Secret",
    "Span",
    "StorageError",
    "StorageTimeout",
    "StorageUnavailable",
    "TracedRequest",
    "Tracer",
    "UniqueViolation",
    "UserSummary",
    "Users",
    "choice",
    "index_by_time",
    "make_identifier",
    "number",
    "parse_yes_or_no",
    "secret",
    "setting",
]
