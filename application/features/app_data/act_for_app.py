"""Read and set what the backend of the app keeps with a user."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from application.administration.act_for_users import ActForUsers
from application.administration.acts import Act
from application.administration.find_user import UserQuery
from application.administration.operator import Operator
from application.features.app_data.acts import SET_APP_DATA, SET_CLAIMS
from application.features.app_data.stored_data import StoredData
from application.ports.identities import Identities
from application.update import change
from domain.administration.scope import Scope
from domain.errors import UserNotFound
from domain.features.app_data.app_data import AppData
from domain.identities.claims import read_claims
from domain.identities.identity import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class ActForApp:
    """Read and set what the backend of the app keeps with a user; see `ActForUsers`.

    - An account that lost its phone keeps all of it until it gets one again, and nothing is set.
    - What changes nothing is not written, and not in the audit: a backend may send all its users
      each night.
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
