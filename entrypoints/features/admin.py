"""The REST administration with service tokens, and the list of users."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from adapters.databases.records.features.admin import KINDS, make_admin_repositories
from application.opened import Opened
from entrypoints.features.feature import Feature, make_user_details_form

if TYPE_CHECKING:
    from application.features.admin import AdminFeature
    from application.use_cases import UseCases
    from entrypoints.http.additions import HttpAdditions
    from entrypoints.parts.composition import Composition
    from entrypoints.settings.settings import Settings


class _Admin(Feature["AdminFeature"]):
    name = "admin"
    kinds = KINDS

    def http_additions(
        self, settings: "Settings", installed: Sequence[Feature[Any]]
    ) -> "Sequence[HttpAdditions]":
        del settings
        from entrypoints.http.features.admin.api import AdminHttpAdditions

        return (AdminHttpAdditions(make_user_details_form(installed)),)

    async def open(self, composition: "Composition") -> Opened["AdminFeature"]:
        from application.features.admin import AdminFeature, clean_up_tokens

        repositories = make_admin_repositories(composition.database, composition.phone_encryption)

        def make(core: "UseCases") -> AdminFeature:
            admin = AdminFeature(core, repositories)
            composition.add_gauge(
                "service_token_expiry_seconds",
                "Time until the next service token expires that is valid.",
                admin.tokens.measure_next_expiry,
            )
            return admin

        return Opened(make, clean_up_tokens(repositories))


ADMIN: Final = _Admin()
