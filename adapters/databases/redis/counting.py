"""The script that counts a batch on the server, and the forms of what it gets and returns.

It decides as `acquire` and `release` of `adapters/databases/records/limits.py` do. There it could
be written once: but all processes count on the same total, and of those that read, count and
replace it at the same time all but one would begin again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from adapters.databases.records.limit_batches import Change, ChangeOutcome
from adapters.databases.records.limits import (
    LIMITS,
    MAX_COUNTERS,
    counted_between,
    counter_key,
    expires_at,
    kept_since,
    sub_period,
)
from application.ports.errors import CorruptRecord
from domain.otp.permits import UsedPart
from domain.otp.rate_limits import Acquisition, RateLimit, Reservation

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MILLISECOND: Final = timedelta(milliseconds=1)
_DAMAGED: Final = "a record of limits cannot be read"

COUNT: Final = """
local changes, schema_version, max_counters = cjson.decode(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local records, lifetimes = {}, {}

local function is_record(value)
    if type(value) ~= 'table' or type(value.windows) ~= 'table' then
        return false
    end
    for _, window in pairs(value.windows) do
        if type(window) ~= 'table' or type(window.counters) ~= 'table'
            or type(window.total) ~= 'number' then
            return false
        end
    end
    return true
end

-- Loads a record. It is false if it is damaged.
local function load(index)
    if records[index] == nil then
        local text = redis.pcall('GET', KEYS[index])
        if text then
            local is_decoded, value = pcall(cjson.decode, text)
            records[index] = is_decoded and is_record(value) and value
        else
            records[index] = {schema_version = tonumber(schema_version), windows = {}}
        end
    end
    return records[index]
end

-- Returns when there is a permit of a limit, in microseconds; 0 for now.
local function time_of_permit(limit)
    local window = records[limit.record].windows[limit.window]
    if not window or window.total < limit.size then
        return 0
    end
    local keys, newer = {}, 0
    for key in pairs(window.counters) do
        if key > limit.since and key <= limit.till then
            keys[#keys + 1] = key
        end
    end
    table.sort(keys)
    for i = #keys, 1, -1 do
        newer = newer + window.counters[keys[i]]
        if newer >= limit.size then
            return tonumber(keys[i]) * 1000 + limit.counts_for
        end
    end
    return 0
end

local function time_of_all(limits)
    local time = 0
    for _, limit in ipairs(limits) do
        time = math.max(time, time_of_permit(limit))
    end
    return time
end

local function count(limit)
    local windows = records[limit.record].windows
    local window = windows[limit.window] or {counters = {}, total = 0}
    local size = 0
    for _ in pairs(window.counters) do
        size = size + 1
    end
    if window.total >= limit.size or size > max_counters then
        local kept, total = {}, 0
        for key, permits in pairs(window.counters) do
            if key > limit.kept_since and permits > 0 then
                kept[key], total = permits, total + permits
            end
        end
        window.counters, window.total = kept, total
    end
    window.counters[limit.counter] = (window.counters[limit.counter] or 0) + 1
    window.total = window.total + 1
    windows[limit.window] = window
    lifetimes[limit.record] = math.max(lifetimes[limit.record] or 0, limit.lifetime)
end

-- Returns whether a watched limit is used up, and the number of the part of each group; or when it
-- succeeds, as a text.
local function acquire(change)
    local limits, parts = {unpack(change.limits)}, {}
    for _, group in ipairs(change.groups) do
        for number, part in ipairs(group) do
            if time_of_all(part) <= change.now then
                for _, limit in ipairs(part) do
                    limits[#limits + 1] = limit
                end
                parts[#parts + 1] = number
                break
            end
        end
    end
    if #parts == #change.groups and time_of_all(limits) <= change.now then
        for _, limit in ipairs(limits) do
            count(limit)
        end
        return {time_of_all(change.watched) > change.now, unpack(parts)}
    end
    local time = time_of_all(change.limits)
    for _, group in ipairs(change.groups) do
        local first = math.huge
        for _, part in ipairs(group) do
            first = math.min(first, time_of_all(part))
        end
        time = math.max(time, first)
    end
    return string.format('%.0f', time)
end

local function release(change)
    for _, limit in ipairs(change.limits) do
        local window = records[limit.record].windows[limit.window]
        local permits = window and window.counters[limit.counter] or 0
        if permits > 0 then
            window.counters[limit.counter] = permits - 1
            window.total = window.total - 1
            lifetimes[limit.record] = math.max(lifetimes[limit.record] or 0, limit.lifetime)
        end
    end
    return true
end

local outcomes = {}
for number, change in ipairs(changes) do
    local is_readable = true
    for _, index in ipairs(change.records) do
        is_readable = load(index) and is_readable
    end
    if not is_readable then
        outcomes[number] = false
    elseif change.is_release then
        outcomes[number] = release(change)
    else
        outcomes[number] = acquire(change)
    end
end
for index, lifetime in pairs(lifetimes) do
    lifetime = math.max(lifetime, redis.call('PTTL', KEYS[index]))
    redis.call('SET', KEYS[index], cjson.encode(records[index]),
        'PX', string.format('%.0f', lifetime))
end
return cjson.encode(outcomes)
"""
"""Applies changes in their order. A damaged record affects only those changes that need it.

Redis runs a script alone, and as a whole. A key expires when nothing in it counts any more; how
long it stays is relative, so the clock of Redis does not matter.
"""

_encode: Final = msgspec.json.Encoder().encode


def encode_changes(changes: Iterable[Change], ids: Sequence[str]) -> Sequence[bytes | int]:
    """Return the arguments of the script.

    Args:
        changes: The changes.
        ids: The ids of all records that they need, in the order of the script's keys.
    """
    indexes = {record_id: index for index, record_id in enumerate(ids, start=1)}
    encoded = [_encode_change(change, indexes) for change in changes]
    return [_encode(encoded), LIMITS.schema_version, MAX_COUNTERS]


def decode_outcomes(changes: Sequence[Change], returned: bytes) -> Sequence[ChangeOutcome]:
    """Return the outcome of each change."""
    outcomes = zip(changes, msgspec.json.decode(returned), strict=True)
    return [_decode_outcome(change, outcome) for change, outcome in outcomes]


def _encode_change(change: Change, indexes: Mapping[str, int]) -> Mapping[str, Any]:
    now = change.acquired_at
    needed: dict[int, None] = {}

    def encode(limits: Iterable[RateLimit]) -> Sequence[Mapping[str, Any]]:
        encoded = [_encode_limit(limit, now, indexes[limit.record_id]) for limit in limits]
        needed.update((limit["record"], None) for limit in encoded)
        return encoded

    fields: dict[str, Any] = {"limits": encode(change.limits)}
    if isinstance(change, Reservation):
        fields["groups"] = [
            [encode(part.limits) for part in group.parts] for group in change.groups
        ]
        fields["watched"] = encode(change.watched)
        fields["now"] = (now - _EPOCH) // _MICROSECOND
    else:
        fields["is_release"] = True
    return {**fields, "records": [*needed]}


def _encode_limit(limit: RateLimit, now: datetime, index: int) -> Mapping[str, Any]:
    since, till = counted_between(limit, now)
    return {
        "record": index,
        "window": limit.name,
        "size": limit.window.limit,
        "counter": counter_key(limit, now),
        "since": since,
        "till": till,
        "kept_since": kept_since(limit, now),
        "counts_for": (limit.window.period + sub_period(limit)) // _MICROSECOND,
        "lifetime": (expires_at(limit, now) - now) // _MILLISECOND,
    }


def _decode_outcome(change: Change, outcome: Any) -> ChangeOutcome:
    if outcome is False:
        return CorruptRecord(_DAMAGED)
    if isinstance(change, Acquisition):
        return None
    now = change.acquired_at
    if isinstance(outcome, str):
        return max(now, _EPOCH + int(outcome) * _MICROSECOND)
    is_watched_used_up, *numbers = outcome
    used = [
        (group.name, group.parts[number - 1])
        for group, number in zip(change.groups, numbers, strict=True)
    ]
    limits = [*change.limits, *(limit for _, part in used for limit in part.limits)]
    parts = [UsedPart(group, part.name) for group, part in used]
    return Acquisition(now, tuple(limits), tuple(parts), is_watched_used_up)
