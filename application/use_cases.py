"""The use cases of the core, complete when they are built."""

from dataclasses import replace
from typing import Any

from application.additions import NO_ADDITIONS, Additions
from application.administration.use_cases import AdministrationUseCases, UserDetailsUseCases
from application.core_ports import CorePorts
from application.identities.use_cases import IdentitiesPorts, IdentityUseCases
from application.limits.actor_limits import ActorLimits
from application.operations.use_cases import OperationsPorts, OperationsUseCases
from application.otp.use_cases import LimitPorts, LimitUseCases, OtpPorts, OtpUseCases
from application.record_act import RecordAct
from application.require import require


class UseCases:
    """The core: identities, operations, what operators do, and, where they are open, codes."""

    def __init__(
        self,
        core_ports: CorePorts,
        identities: IdentitiesPorts,
        operations: OperationsPorts,
        *,
        limits: LimitPorts | None = None,
        otp: OtpPorts | None = None,
        additions: Additions = NO_ADDITIONS,
    ) -> None:
        system, repositories = core_ports.system, core_ports.repositories
        self.system, self.repositories = system, repositories
        self.keyed_hashes, self.additions = core_ports.keyed_hashes, additions
        self.actor_limits = ActorLimits(
            system.clock, system.events, limits.store if limits else None
        )
        self.record_act = RecordAct(
            repositories.audit_log,
            self.actor_limits,
            system.clock,
            system.randomness,
            system.events,
        )
        self.identities = IdentityUseCases(
            system,
            repositories,
            identities,
            core_ports.policy,
            core_ports.keyed_hashes,
            self.record_act,
            additions,
        )
        self.administration = AdministrationUseCases(
            system,
            repositories,
            core_ports.keyed_hashes,
            self.identities,
            self.record_act,
            additions,
        )
        self._limits = LimitUseCases(core_ports, limits, additions) if limits else None
        self._user_details: UserDetailsUseCases | None = None
        if self._limits is not None:
            self._user_details = UserDetailsUseCases(
                core_ports,
                self.record_act,
                self.actor_limits,
                self.identities,
                self.administration,
                self._limits,
                additions,
            )
        self._otp: OtpUseCases | None = None
        if otp is not None and limits is not None and self._limits is not None:
            self._otp = OtpUseCases(
                core_ports, self.identities, self._limits, limits, otp, additions
            )
        own_steps = self._limits.cleanup_steps if self._limits else {}
        steps = {**own_steps, **additions.cleanup_steps}
        self.operations = OperationsUseCases(
            system, repositories, operations, replace(additions, cleanup_steps=steps)
        )
        self.features: dict[str, Any] = {}

    @property
    def limits(self) -> LimitUseCases:
        return require(self._limits, "limits are")

    @property
    def user_details(self) -> UserDetailsUseCases:
        return require(self._user_details, "limits are")

    @property
    def otp(self) -> OtpUseCases:
        return require(self._otp, "one-time codes are")

    @property
    def has_otp(self) -> bool:
        return self._otp is not None
