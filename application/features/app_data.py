"""What the backend of the app keeps with a user."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Final

from application.additions import Additions
from application.administration.act_for_users import ActForUsers
from application.administration.acts import Act
from application.administration.export_files import ExportFile, MissingFiles, json_file
from application.administration.find_user import UserQuery
from application.administration.operator import Operator
from application.core_ports import CorePorts
from application.opened import Opened
from application.owned_records import OwnedRecords
from application.ports.identities import Identities
from application.ports.versioned import DeletableRecords
from application.update import change
from domain.administration.audit import AuditAction
from domain.administration.scopes import Scope
from domain.errors import UserNotFound
from domain.features.app_data import AppData
from domain.identities.claims import read_claims
from domain.identities.identity import Identity

SET_APP_DATA: Final = Act(
    name="app-data",
    action=AuditAction.SET_APP_DATA,
    scope=Scope.SET_USER_DATA,
    needs_fresh_login=True,
)
SET_CLAIMS: Final = Act(
    name="claims",
    action=AuditAction.SET_CLAIMS,
    scope=Scope.SET_USER_DATA,
    needs_fresh_login=True,
)


@dataclass(frozen=True, slots=True)
class StoredData:
    """The data of users in the database. It ends with the account."""

    app_data: OwnedRecords[AppData]

    async def load(self, identity_id: str) -> Mapping[str, Any]:
        """Load the data of a user; an empty object for none."""
        stored = await self.app_data.load(identity_id)
        return stored.values if stored else {}

    async def replace(self, identity_id: str, data: AppData | None) -> None:
        """Replace the data of a user. Of two writes at the same time, the last one wins.

        Raises:
            UserNotFound: The account was deleted meanwhile, and nothing is left of the data.
        """
        if data is None:
            await self.app_data.delete(identity_id)
        else:
            await self.app_data.change(identity_id, lambda _: data, UserNotFound)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActForApp:
    """Read and set what the backend of the app keeps with a user; see `ActForUsers`.

    - An account that lost its phone keeps all of it until it gets one again, and nothing is set.
    - Unchanged data is not written, and not in the audit: a backend may send all its users each
      night.
    """

    act: ActForUsers
    stored_data: StoredData
    identities: Identities

    async def load_app_data(self, operator: Operator, query: UserQuery) -> Mapping[str, Any]:
        return await self.stored_data.load((await self._find(operator, query)).id)

    async def set_app_data(
        self, operator: Operator, query: UserQuery, data: AppData | None, reason: str = ""
    ) -> None:
        """Replace the data of a user as a whole; None removes it."""
        identity = await self._find_to_set(operator, SET_APP_DATA, query, reason)
        if await self.stored_data.app_data.load(identity.id) == data:
            return
        async with self.act.record_act(operator.actor, SET_APP_DATA.action, identity.id, reason):
            await self.stored_data.replace(identity.id, data)

    async def load_claims(self, operator: Operator, query: UserQuery) -> Mapping[str, Any]:
        return read_claims((await self._find(operator, query)).claims)

    async def set_claims(
        self, operator: Operator, query: UserQuery, claims: str, reason: str = ""
    ) -> None:
        """Replace the claims of a user as a whole. Tokens have them from the next refresh on."""

        def replace_claims(identity: Identity) -> tuple[Identity, None]:
            if identity.is_closed:
                raise UserNotFound
            return replace(identity, claims=claims), None

        identity = await self._find_to_set(operator, SET_CLAIMS, query, reason)
        if identity.claims == claims:
            return
        async with self.act.record_act(operator.actor, SET_CLAIMS.action, identity.id, reason):
            await change(self.identities, identity.id, replace_claims, missing=UserNotFound)

    async def _find(self, operator: Operator, query: UserQuery) -> Identity:
        operator.check_scope(Scope.SET_USER_DATA)
        return (await self.act.find_user(query)).require_identity()

    async def _find_to_set(
        self, operator: Operator, act: Act, query: UserQuery, reason: str
    ) -> Identity:
        return (await self.act.find(operator, act, query, reason)).require_open_identity()


@dataclass(frozen=True, slots=True)
class AppDataDetails:
    """What the backend of the app keeps with a user: JSON objects, which may be empty."""

    app_data: Mapping[str, Any]
    claims: Mapping[str, Any]


def show_app_data(core_ports: CorePorts, app_data: DeletableRecords[AppData]) -> Additions:
    """Return what shows it. Only records are read."""
    stored_data = StoredData(OwnedRecords(app_data, core_ports.repositories.identities))

    async def load(identity: Identity | None) -> AppDataDetails | None:
        if identity is None or identity.is_deleted:
            return None
        return AppDataDetails(await stored_data.load(identity.id), read_claims(identity.claims))

    return Additions(details=(load,), cleaned_up=("app data",))


@dataclass(frozen=True, slots=True)
class ExportAppData:
    """What the backend of the app keeps with a person, as one file."""

    stored_data: StoredData

    explained_files: ClassVar[Mapping[str, str]] = {
        "app_data.json": "what the app keeps with your account"
    }

    async def check(self, identity: Identity) -> None:
        pass

    async def __call__(
        self, identity: Identity, now: datetime, missing: MissingFiles
    ) -> AsyncGenerator[ExportFile, None]:
        del missing
        yield json_file("app_data.json", await self.stored_data.load(identity.id), now)


def open_app_data(core_ports: CorePorts, app_data: DeletableRecords[AppData]) -> Opened[ActForApp]:
    """Open what backends keep with users, which their tokens and exports have."""
    owned = OwnedRecords(app_data, core_ports.repositories.identities)
    stored_data = StoredData(owned)
    return Opened(
        lambda core: ActForApp(
            act=core.administration.act_for_users,
            stored_data=stored_data,
            identities=core_ports.repositories.identities,
        ),
        replace(owned.ends_with_owner, exported=(ExportAppData(stored_data),)),
    )
