"""Build the use cases of passkeys, and what is shown and exported of them."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from application.administration.export_part import ExportFile, MissingFiles, json_file
from application.features.passkeys.check_answer import Challenges, VerifyNewPasskey, VerifyPasskey
from application.features.passkeys.notices import PasskeyNotices
from application.features.passkeys.own_passkeys import OwnPasskeys
from application.features.passkeys.ports import PasskeyRepositories, RelyingParty
from application.features.passkeys.remove import RemovePasskeysOfUser
from application.features.passkeys.sign_in import SignInByPasskey
from application.operations.cleanup import expire
from application.otp.use_cases import LimitUseCases, OtpUseCases
from application.use_cases import UseCases
from domain.identities.identity import Identity
from domain.identities.passkey import Passkey
from domain.otp.sliding_window import CLOCK_SKEW


@dataclass(frozen=True, slots=True)
class ExportPasskeys:
    """The passkeys of a user, and those for the console, without their keys."""

    explained_files: ClassVar[Mapping[str, str]] = {
        "passkeys.json": "your passkeys: names, and when you added and used them",
    }

    async def check(self, identity: Identity) -> None:
        """Check nothing: passkeys are in the account."""

    async def __call__(
        self, identity: Identity, now: datetime, missing: MissingFiles
    ) -> AsyncGenerator[ExportFile, None]:
        del missing
        yield json_file("passkeys.json", _describe(identity.passkeys), now)


def _describe(passkeys: Sequence[Passkey]) -> Sequence[Mapping[str, Any]]:
    names = ("id", "name", "created_at", "last_used_at", "sign_count", "is_staff")
    return [{name: getattr(passkey, name) for name in names} for passkey in passkeys]


class PasskeysFeature:
    """What users and staff share: challenges, and the check of an answer; and what commands do."""

    def __init__(
        self, core: UseCases, repositories: PasskeyRepositories, *, are_required: bool = False
    ) -> None:
        """Build the use cases; `are_required` is whether all staff needs a passkey."""
        system, identities = core.system, core.repositories.identities
        self.challenges = Challenges(
            repositories.used_challenges,
            core.identities.sessions.refresh_keys,
            system.clock,
            system.randomness,
        )
        self.verify = VerifyPasskey(
            challenges=self.challenges, identities=identities, events=system.events
        )
        self.verify_new = VerifyNewPasskey(
            challenges=self.challenges, clock=system.clock, events=system.events
        )
        otp = core.find(OtpUseCases)
        self.notices = PasskeyNotices(
            send_notice=otp.send_notice if otp else None,
            limiter=core.of(LimitUseCases).delivery_limiter,
            clock=system.clock,
            events=system.events,
        )
        self.remove_of_user = RemovePasskeysOfUser(
            identities=identities, act=core.administration.act_for_users, notices=self.notices
        )
        self._are_required = are_required
        core.identities.extensions.needs_passkey = self.is_needed_by
        core.administration.export_parts.append(ExportPasskeys())
        core.operations.cleanup.add_steps(
            {"expired_passkey_challenges": expire(repositories.used_challenges, CLOCK_SKEW)}
        )

    def is_needed_by(self, identity: Identity) -> bool:
        """Return whether an identity has rights of staff only in a session of the console."""
        is_needed = self._are_required or identity.staff.needs_passkey
        return identity.is_staff and is_needed


class AppPasskeysFeature:
    """What users do with passkeys, where the settings name a domain for them.

    Options and responses are JSON, as `PublicKeyCredential.toJSON()` and
    `parseRequestOptionsFromJSON()` of browsers have them.
    """

    def __init__(self, core: UseCases, relying_party: RelyingParty) -> None:
        system, identities = core.system, core.repositories.identities
        passkeys, limits = core.of(PasskeysFeature), core.of(LimitUseCases)
        test_otps = core.identities.policy.test_otps
        self.own = OwnPasskeys(
            relying_party=relying_party,
            challenges=passkeys.challenges,
            verify=passkeys.verify_new,
            identities=identities,
            record_act=core.record_act,
            test_otps=test_otps,
            clock=system.clock,
            events=system.events,
            notices=passkeys.notices,
        )
        self.sign_in = SignInByPasskey(
            relying_party=relying_party,
            verify=passkeys.verify,
            identities=identities,
            sessions=core.identities.sessions,
            extensions=core.identities.extensions,
            limits=limits,
            keyed_hashes=core.keyed_hashes,
            test_otps=test_otps,
            clock=system.clock,
            randomness=system.randomness,
            events=system.events,
        )
