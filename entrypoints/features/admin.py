"""The REST administration, with service tokens."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.settings.settings import Settings


class Admin(Feature):
    """The REST administration, with service tokens."""

    name = "admin"
    folders = (
        "domain/admin",
        "application/ports/service_tokens.py",
        "adapters/records/features/admin.py",
        "entrypoints/http/admin",
        "entrypoints/commands/admin",
    )

    def plugins(self, settings: "Settings") -> "Sequence[ApiPlugin]":
        """Return what it adds to the HTTP application."""
        del settings
        from entrypoints.http.admin.plugin import AdminPlugin

        return (AdminPlugin(),)


ADMIN: Final = Admin()
