"""What databases are told of the length of ids, names and values in indexes holds for all kinds."""

import re
from datetime import timedelta
from typing import Any, Final

from adapters.databases.records.limits import LIMITS
from adapters.databases.records.record_kind import (
    MAX_ID_LENGTH,
    MAX_INDEX_BYTES,
    MAX_INDEXED_LENGTH,
    MAX_NAME_LENGTH,
    RecordKind,
)
from domain.otp.delivery import HashedClientIp
from domain.otp.permits import Clients
from domain.otp.rate_limits import (
    MAX_LIMIT_RECORD_ID_LENGTH,
    MAX_SUBJECT_LENGTH,
    MAX_WINDOW_NAME_LENGTH,
    DeliveryRoute,
    LimitPurpose,
    RateLimit,
    RateLimits,
)
from domain.otp.sliding_window import SlidingWindow
from entrypoints.composition.features import KINDS
from tests.support.full_records import FULL_RECORDS, MAPPINGS

HASH_LENGTH: Final = 64
BYTES_OF_CHARACTER: Final = 4
BYTES_OF_TIME: Final = 8
ALL_KINDS: Final[list[RecordKind[Any]]] = [*KINDS, LIMITS]


def test_names_of_kinds_and_indexes_fit_into_any_database() -> None:
    for kind in ALL_KINDS:
        for name in (kind.name, *(index.name for index in kind.indexes)):
            assert re.fullmatch(rf"[a-z][a-z0-9_]{{0,{MAX_NAME_LENGTH - 1}}}", name), name


def test_all_values_of_an_index_fit_into_one_entry_of_it() -> None:
    for kind in ALL_KINDS:
        for index in kind.indexes:
            lengths = [kind.max_length(name) for name in index.equal]
            assert max(lengths, default=0) <= MAX_INDEXED_LENGTH, index.name
            characters = sum(lengths) + MAX_ID_LENGTH
            assert BYTES_OF_CHARACTER * characters + BYTES_OF_TIME <= MAX_INDEX_BYTES, index.name


def test_full_records_keep_to_the_lengths_of_their_kind() -> None:
    for name, values in FULL_RECORDS.items():
        mapping = MAPPINGS[name]
        for stored in (mapping.kind.to_fields(mapping.to_record(value)) for value in values):
            assert len(stored.get("id", "")) <= MAX_ID_LENGTH, name
            for field in (field for index in mapping.kind.indexes for field in index.equal):
                assert len(stored.get(field, "")) <= mapping.kind.max_length(field), (name, field)


def test_limits_keep_to_their_lengths() -> None:
    window = SlidingWindow(1, timedelta(hours=1))
    for purpose in LimitPurpose:
        longest = RateLimit("x" * MAX_SUBJECT_LENGTH, purpose, "requests", window)
        assert len(longest.record_id) <= MAX_LIMIT_RECORD_ID_LENGTH == MAX_ID_LENGTH
    hashed = "f" * HASH_LENGTH
    client_ip = HashedClientIp(hashed, hashed, is_ipv6=True)
    limits = RateLimits(has_attested_limits=True)
    route = DeliveryRoute(client_ip, "US", hashed, hashed, is_call=True, bound_to="1" * 32)
    of_clients = [limit for clients in Clients for limit in limits.of_delivery(route, clients)]
    for limit in (*of_clients, *limits.shared_limits(["US"])):
        assert len(limit.subject) <= MAX_SUBJECT_LENGTH
        assert re.fullmatch(rf"[a-z0-9_:]{{1,{MAX_WINDOW_NAME_LENGTH}}}", limit.name)
