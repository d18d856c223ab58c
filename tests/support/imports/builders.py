"""Builders for imports."""

from dataclasses import replace
from typing import Final

from application.imports.import_user import ImportRun
from domain.administration.audit import Actor, ActorKind
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone

IMPORT_RUN: Final = ImportRun(Actor(ActorKind.OPERATING_SYSTEM_USER, "root"), "move (SHA-256: 00)")


async def remove_import_marks(app: AppHarness) -> None:
    """Leave the first phone and its imported identity as 0.1.0 did."""
    repositories = app.database.repositories()
    verification = await repositories.phone_verifications.load(a_phone())
    unmarked_phone = replace(verification.value, imported_id=None)
    await repositories.phone_verifications.save(a_phone(), unmarked_phone, verification.version)
    [loaded] = app.database.identities.values()
    unmarked = replace(loaded.value, imported_at=None)
    await repositories.identities.replace(unmarked, loaded.version)
