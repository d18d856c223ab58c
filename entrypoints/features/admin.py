"""The REST administration with service tokens, and the list of users."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from adapters.databases.records.features.admin import KINDS, make_admin_repositories
from entrypoints.features.feature import Feature, make_user_details_form

if TYPE_CHECKING:
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.parts.composition import Composition
    from entrypoints.settings.settings import Settings


class _Admin(Feature):
    name = "admin"
    kinds = KINDS

    def plugins(self, settings: "Settings", installed: Sequence[Feature]) -> "Sequence[ApiPlugin]":
        del settings
        from entrypoints.http.features.admin.plugin import AdminPlugin

        return (AdminPlugin(make_user_details_form(installed)),)

    async def open(self, composition: "Composition") -> None:
        from application.features.admin.feature import AdminFeature

        repositories = make_admin_repositories(composition.database, composition.phone_encryption)
        admin = AdminFeature(composition.use_cases, repositories)
        composition.use_cases.add(admin)
        composition.add_gauge(
            "service_token_expiry_seconds",
            "Time until the next service token expires that is valid.",
            admin.tokens.measure_next_expiry,
        )


ADMIN: Final = _Admin()
