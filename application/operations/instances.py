"""The record of a process that serves, by which jobs that have to run alone notice it."""

from dataclasses import replace

from application.ports.system import Clock, Randomness
from application.ports.versioned import ExpiringRecords
from application.update import change
from domain.identifier import RANDOM_BYTES
from domain.instance import Instance
from domain.token_issuers import TokenIssuers


class KeepInstance:
    """Keep the record of this process: renew it while it serves, and delete it at the end.

    A process that is killed leaves its record, which expires.
    """

    def __init__(
        self,
        instances: ExpiringRecords[Instance],
        randomness: Randomness,
        clock: Clock,
        program_version: str,
        issuers: TokenIssuers,
    ) -> None:
        self._instances = instances
        self._randomness = randomness
        self._clock = clock
        self._program_version = program_version
        self._issuers = issuers
        self._instance: Instance | None = None

    async def renew(self) -> None:
        now = self._clock.now()
        if self._instance is None:
            instance_id = self._randomness.bytes(RANDOM_BYTES).hex()
            self._instance = Instance(
                instance_id,
                self._program_version,
                now,
                now,
                self._issuers.issuer,
                self._issuers.accepted_issuers,
            )
        renewed = self._instance = replace(self._instance, renewed_at=now)
        await change(self._instances, renewed.id, lambda _: (renewed, None))

    async def delete(self) -> None:
        if self._instance is None:
            return
        stored = await self._instances.load(self._instance.id)
        if stored is not None:
            await self._instances.delete(self._instance.id, stored.version)
