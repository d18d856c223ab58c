"""The stored form of instances, and the check that none is alive."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from adapters.databases.records.record_kind import Record
from application.ports.errors import ConfigurationError
from domain.token_issuers import TokenIssuers

_ALIVE: Final = (
    "{location}: an instance of the service renewed its record {seconds} s ago. Stop all "
    "instances, and start the command again. A killed instance counts until "
    "{expires_at:%Y-%m-%dT%H:%M:%SZ}."
)
_ISSUERS: Final = (
    "Instances that use this database have other issuers of access tokens than these settings, "
    "with {own}: {others}"
)
_REJECTED: Final = (
    "{issuers}. Tokens of {issuer} are rejected by {by}. Let all instances have the same "
    "DIALTONE_TOKEN_ISSUER and DIALTONE_FORMER_ISSUERS, and change them as docs/tokens.md says."
)


class InstanceRecord(Record, kw_only=True):
    """A process of the service. It expires soon after its last renewal."""

    id: str
    program_version: str
    started_at: datetime
    renewed_at: datetime
    expires_at: datetime
    issuer: str
    accepted_issuers: tuple[str, ...]


def check_none_alive(instances: Iterable[InstanceRecord], location: str, now: datetime) -> None:
    """Check that no instance uses the database.

    Raises:
        ConfigurationError: An instance is alive, or was killed a short time ago.
    """
    latest = max(instances, key=lambda instance: instance.expires_at, default=None)
    if latest is None or latest.expires_at <= now:
        return
    seconds = max(0, round((now - latest.renewed_at).total_seconds()))
    raise ConfigurationError(
        _ALIVE.format(location=location, seconds=seconds, expires_at=latest.expires_at)
    )


def check_issuers(own: TokenIssuers, instances: Iterable[InstanceRecord], now: datetime) -> str:
    """Check that these settings and all instances accept the tokens of each other.

    Returns:
        A note that names other issuers which are accepted everywhere; empty without any.

    Raises:
        ConfigurationError: Tokens of one are rejected by another.
    """
    alive = Counter(
        TokenIssuers(instance.issuer, instance.accepted_issuers)
        for instance in instances
        if instance.expires_at > now
    )
    others = Counter[str]()
    for issuers, count in alive.items():
        if issuers.issuer != own.issuer:
            others[issuers.issuer] += count
    named = ", ".join(f"{count} with {issuer}" for issuer, count in sorted(others.items()))
    text = _ISSUERS.format(own=own.issuer, others=named or "none")
    for token in (own, *alive):
        for verifier in (own, *alive):
            if token.issuer not in verifier.accepted_issuers:
                by = "these settings" if verifier is own else f"instances with {verifier.issuer}"
                raise ConfigurationError(_REJECTED.format(issuers=text, issuer=token.issuer, by=by))
    return text if others else ""
