"""The states of the keys, and for how long a former key is needed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from adapters.security.keys.document import KeysByPurpose
from adapters.security.keys.keys import select_current_key
from adapters.security.keys.rotation import count_keys_to_keep
from application.ports.keys import KeyPurpose
from domain.identities.session import SessionLimits
from domain.otp.challenge import OTP_TTL
from entrypoints.settings.settings import Settings


def describe_keys(keys: KeysByPurpose, settings: Settings, now: datetime) -> Sequence[str]:
    """Return a line for each key, newest first: its purpose, id, time and state."""
    lifetimes, lines = key_lifetimes(settings), []
    width = max(map(len, keys))
    for purpose, keys_of_purpose in keys.items():
        current, kept = select_current_key(keys_of_purpose, now), len(keys_of_purpose)
        if purpose in lifetimes:
            kept = count_keys_to_keep(keys_of_purpose, now, lifetimes[purpose])
        for position, key in enumerate(keys_of_purpose):
            if key is current:
                state = "in use"
            elif position >= kept:
                state = "no longer needed"
            else:
                state = "accepted" if key.not_before <= now else "accepted, not in use yet"
            not_before = f"{key.not_before.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            lines.append(f"{purpose:<{width}}  {key.id}  {not_before}  {state}")
    return lines


def key_lifetimes(settings: Settings) -> dict[KeyPurpose, timedelta]:
    """Return the maximum lifetime of the existing tokens and codes of each purpose."""
    # The settings may have been longer, as long as the default, when tokens were issued.
    plain = max(settings.plain_token_ttl, SessionLimits().plain_token_ttl)
    return {
        KeyPurpose.SIGNING: plain,
        KeyPurpose.REFRESH: max(plain, settings.session_idle_timeout),
        KeyPurpose.OTP_PEPPER: OTP_TTL,
    }
