"""A user gets another phone number."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from application.opened import Opened
from entrypoints.features.feature import Feature, WithoutMessages

if TYPE_CHECKING:
    from application.features.phone_change.feature import PhoneChangeFeature
    from entrypoints.http.additions import HttpAdditions
    from entrypoints.http.administration.user_details import UserFields
    from entrypoints.parts.composition import Composition


class _PhoneChangeRecords(Feature["PhoneChangeFeature"]):
    """Changes without the providers of messages, for the cleanup."""

    name = "phone_change"

    async def open(self, composition: "Composition") -> Opened["PhoneChangeFeature | None"]:
        """Return what the cleanup does. The messages wait for the service."""
        return _open(composition)


def _open(composition: "Composition") -> Opened["PhoneChangeFeature | None"]:
    from application.features.phone_change.feature import open_phone_changes

    return open_phone_changes(
        composition.core_ports, composition.send_notice, composition.settings.countries
    )


class _PhoneChange(Feature["PhoneChangeFeature"]):
    name = "phone_change"
    opens = ("otp",)
    without_messages = WithoutMessages(
        _PhoneChangeRecords(),
        left="Messages to numbers that were changed wait until the service sends them.",
    )

    def user_fields(self) -> "Sequence[type[UserFields]]":
        from entrypoints.http.features.phone_change.fields import PhoneChangeFields

        return (PhoneChangeFields,)

    def http_additions(self, *_: object) -> "Sequence[HttpAdditions]":
        from entrypoints.http.features.phone_change.api import PhoneChangeHttpAdditions

        return (PhoneChangeHttpAdditions(),)

    async def open(self, composition: "Composition") -> Opened["PhoneChangeFeature | None"]:
        return _open(composition)


PHONE_CHANGE: Final = _PhoneChange()
