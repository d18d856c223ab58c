"""What goes by WhatsApp is read and written by a program of before, which knows no such channel."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, cast

import msgspec
import pytest

from adapters.records.record_kind import Fields, Record, RecordKind
from domain.otp.delivery import Channel
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rejection import Rejection
from tests.support.full_records import FULL_RECORDS, FULL_VERIFICATION, MAPPINGS

NEW_FIELDS: Final = {
    "phone_verifications": {"whatsapp_request_ids", "whatsapp_rejected_at"},
}
ALL_KINDS = pytest.mark.parametrize("name", NEW_FIELDS)


def kind_of_before(name: str) -> RecordKind[Any]:
    """Return a kind of records as a program of before has it: without the new fields."""
    now = MAPPINGS[name].kind.record_type
    fields = [
        (field.name, field.type)
        if field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT
        else (
            field.name,
            field.type,
            msgspec.field(default=field.default)
            if field.default is not msgspec.NODEFAULT
            else msgspec.field(default_factory=field.default_factory),
        )
        for field in msgspec.structs.fields(now)
        if field.name not in NEW_FIELDS[name] | {"schema_version"}
    ]
    before = msgspec.defstruct(now.__name__, fields, bases=(Record,), kw_only=True)
    return RecordKind(name, cast(type[Record], before))


def store(name: str, value: Any) -> Fields:
    """Return the stored fields of a value."""
    kind = MAPPINGS[name].kind
    fields: Fields = json.loads(
        msgspec.json.encode(kind.to_fields(MAPPINGS[name].to_record(value)))
    )
    return fields


def load(name: str, fields: Fields) -> Any:
    """Return the value of stored fields."""
    mapping = MAPPINGS[name]
    return mapping.to_value(mapping.kind.decode(json.dumps(fields)))


def rewrite(name: str, fields: Fields) -> Fields:
    """Return what a program of before writes after it has read these fields."""
    kind = kind_of_before(name)
    record = kind.decode(json.dumps(fields))
    written: Fields = json.loads(msgspec.json.encode(kind.to_fields(record)))
    assert not NEW_FIELDS[name] & written.keys()
    return written


def without_whatsapp(verification: PhoneVerification) -> PhoneVerification:
    """Return a verification whose deliveries and rejections lost the name of the channel."""
    return replace(
        verification,
        deliveries=tuple(
            replace(each, channel=Channel.SMS) if each.channel is Channel.WHATSAPP else each
            for each in verification.deliveries
        ),
        rejections=tuple(
            replace(each, channel=Channel.SMS) if each.channel is Channel.WHATSAPP else each
            for each in verification.rejections
        ),
    )


def by_whatsapp() -> PhoneVerification:
    """Return a verification with deliveries of each channel, and one that was rejected."""
    first = FULL_VERIFICATION.rejections[0]
    rejection = Rejection(
        at=first.at + timedelta(seconds=1), channel=Channel.WHATSAPP, limit="per_ip"
    )
    by_sms = replace(rejection, at=first.at + timedelta(seconds=2), channel=Channel.SMS)
    verification = replace(FULL_VERIFICATION, rejections=(first, rejection, by_sms))
    channels = [each.channel.value for each in verification.deliveries]
    assert channels == ["sms", "whatsapp", "voice", "whatsapp"]
    assert verification.deliveries[-1].is_rejected
    return verification


@ALL_KINDS
def test_a_program_of_before_reads_and_writes_beside(name: str) -> None:
    (value,) = [by_whatsapp()] if name == "phone_verifications" else FULL_RECORDS[name]
    stored = store(name, value)
    assert load(name, stored) == value

    # A write replaces the fields that the program knows, and leaves the others.
    assert load(name, {**stored, **rewrite(name, stored)}) == value


def test_without_its_field_a_delivery_loses_its_channel_only() -> None:
    verification = by_whatsapp()
    rewritten = rewrite("phone_verifications", store("phone_verifications", verification))

    assert load("phone_verifications", rewritten) == without_whatsapp(verification)


def test_a_delivery_that_goes_by_another_channel_is_no_longer_named() -> None:
    stored = store("phone_verifications", without_whatsapp(by_whatsapp()))

    assert (stored["whatsapp_request_ids"], stored["whatsapp_rejected_at"]) == ([], [])
