"""The settings of sessions and users."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from domain.identities.session import SessionLimits
from domain.identities.username import UsernameRules
from domain.token_issuers import DEFAULT_ISSUER, TokenIssuers
from entrypoints.settings import parsers
from entrypoints.settings.declaration import setting
from entrypoints.settings.otp import OtpSettings
from entrypoints.settings.values import Environment

if TYPE_CHECKING:
    from application.identities.use_cases import IdentitiesPolicy


@dataclass(frozen=True, kw_only=True)
class IdentitySettings(OtpSettings):
    """Tokens, sessions and users."""

    plain_token_ttl: Annotated[timedelta, parsers.duration("1m", "400d")] = setting(
        "Lifetime of an access token without a refresh token, such as 90d, 12h, 30m or 60s.", "90d"
    )
    token_issuer: Annotated[str, parsers.parse_issuer] = setting(
        "Issuer (iss) of access tokens, by default DIALTONE_PUBLIC_URL if set; see docs/tokens.md.",
        derived=lambda public_url, is_set: (
            public_url if is_set("DIALTONE_PUBLIC_URL") else DEFAULT_ISSUER
        ),
        example="https://dialtone.example.org",
    )
    former_issuers: Annotated[tuple[str, ...], parsers.parse_former_issuers] = setting(
        "Issuers whose access tokens are accepted too, separated by commas, or none.",
        "none",
        example="https://former.example.org",
    )
    token_claims: Annotated[Mapping[str, str], parsers.parse_token_claims] = setting(
        "Constant claims at the top of short-lived access tokens, such as role=authenticated.",
        "none",
        example="role=authenticated",
    )
    session_max_age: Annotated[timedelta, parsers.duration("1h", "3650d")] = setting(
        "Maximum age of a session: after that the user has to sign in again.", "365d"
    )
    session_idle_timeout: Annotated[timedelta, parsers.duration("5m", "400d")] = setting(
        "Time after which an unused session ends.", "90d"
    )
    recycled_after: Annotated[timedelta | None, parsers.duration_or_off("1d", "3650d")] = setting(
        "A number unused for this time gets a new account at a login; in production 365d.",
        derived=lambda env: "365d" if env is Environment.PRODUCTION else "off",
        example="365d",
    )

    @property
    def token_issuers(self) -> TokenIssuers:
        """The issuer of new access tokens, and all that are accepted.

        The public URL is one of them. So while the instances change from another issuer to it, each
        accepts the tokens of all.
        """
        own = (self.public_url,) if self.is_set("DIALTONE_PUBLIC_URL") else ()
        return TokenIssuers.of(self.token_issuer, (*own, *self.former_issuers))

    @property
    def username_rules(self) -> UsernameRules:
        return UsernameRules(self.app_name, self.default_region)

    def identities_policy(self) -> "IdentitiesPolicy":
        # Imported only here: reading settings needs no use cases.
        from application.identities.use_cases import IdentitiesPolicy

        return IdentitiesPolicy(
            session_limits=SessionLimits(
                max_age=self.session_max_age,
                idle_timeout=self.session_idle_timeout,
                plain_token_ttl=self.plain_token_ttl,
            ),
            recycled_after=self.recycled_after,
            fixed_codes=self.test_otps.value,
            username_rules=self.username_rules,
        )
