"""Profiles: their record, and what can be done with one."""

from collections.abc import Mapping
from dataclasses import dataclass

from entrypoints.extensions import Clock, DomainError, OwnRecords, Record, RecordKind


class ProfileRecord(Record, kw_only=True):
    """The profile of a user, whose id it has."""

    id: str
    display_name: str
    city: str | None = None
    birthday: str | None = None
    updated_at: str


PROFILES = RecordKind("x_acme_profile_profiles", ProfileRecord)


class NoProfile(DomainError):
    """The user has written no profile."""


@dataclass(frozen=True, slots=True)
class Profiles:
    """The use cases of profiles."""

    records: OwnRecords[ProfileRecord]
    clock: Clock

    async def show(self, user_id: str) -> ProfileRecord:
        """Return a profile; raises NoProfile."""
        if profile := await self.records.load(user_id):
            return profile
        raise NoProfile

    async def write(
        self, user_id: str, display_name: str, city: str | None, birthday: str | None
    ) -> ProfileRecord:
        """Write a whole profile."""
        profile = ProfileRecord(
            id=user_id,
            display_name=display_name,
            city=city,
            birthday=birthday,
            updated_at=self.clock.now().isoformat(),
        )
        await self.records.change(user_id, lambda _: profile)
        return profile

    async def claims(self, user_id: str) -> Mapping[str, str]:
        """Return what other services read in a token."""
        profile = await self.records.load(user_id)
        return {"name": profile.display_name} if profile else {}

    async def export(self, user_id: str) -> Mapping[str, object]:
        """Return the files for an export."""
        profile = await self.records.load(user_id)
        return {"profile.json": describe(profile)} if profile else {}


def describe(profile: ProfileRecord) -> Mapping[str, str | None]:
    """Return the fields of a profile."""
    return {
        "display_name": profile.display_name,
        "city": profile.city,
        "birthday": profile.birthday,
        "updated_at": profile.updated_at,
    }
