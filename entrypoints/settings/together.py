"""What variables have to say together."""

from collections.abc import Sequence
from typing import Final

from entrypoints.settings import table
from entrypoints.settings.kinds import (
    Factory,
    MediaFolder,
    S3Access,
    S3Bucket,
    Sender,
    TwilioAccount,
)
from entrypoints.settings.values import Values

_BUCKET: Final = "an s3:// address in DIALTONE_MEDIA"
_TWILIO: Final = "DIALTONE_SMS=twilio"


def take_s3(values: Values, media: MediaFolder | S3Bucket | Factory) -> S3Access | None:
    """Give how the bucket is reached; refuses what an s3:// address needs and lacks."""
    endpoint = values.take(table.S3_ENDPOINT)
    if not isinstance(media, S3Bucket):
        values.leave(table.AWS_ACCESS_KEY_ID, table.AWS_SECRET_ACCESS_KEY, table.AWS_REGION)
        return None
    return S3Access(
        endpoint=endpoint,
        region=values.take(table.AWS_REGION),
        access_key=values.need(table.AWS_ACCESS_KEY_ID, _BUCKET),
        secret_key=values.need(table.AWS_SECRET_ACCESS_KEY, _BUCKET),
    )


def take_twilio(values: Values, sms: Sequence[Sender | Factory]) -> TwilioAccount | None:
    """Give the account that sends; refuses what twilio needs and lacks."""
    number, service = table.TWILIO_FROM, table.TWILIO_MESSAGING_SERVICE_SID
    account_sid, auth_token = table.TWILIO_ACCOUNT_SID, table.TWILIO_AUTH_TOKEN
    if Sender.TWILIO not in sms:
        values.leave(account_sid, auth_token, number, service, table.TWILIO_API_BASE)
        return None
    if values.has(number) and values.has(service):
        values.refuse(number, f"{_TWILIO} takes one of this and {service.name}, not both.")
    elif not values.has(number) and not values.has(service):
        values.refuse_missing(number, f"{_TWILIO} needs it or {service.name}")
    senders = values.take(number), values.take(service)
    return TwilioAccount(
        account_sid=values.need(account_sid, _TWILIO),
        auth_token=values.need(auth_token, _TWILIO),
        sender=senders[0] or senders[1] or "",
        api_base=values.take(table.TWILIO_API_BASE),
    )


def refuse_costs_without_countries(
    values: Values, sms: Sequence[Sender | Factory], countries: frozenset[str] | None
) -> None:
    """Refuse a sender that may cost money while codes may go anywhere by oversight."""
    if any(one is not Sender.CONSOLE for one in sms) and countries is None:
        values.refuse_missing(table.COUNTRIES, "a sender that may cost money needs it")
