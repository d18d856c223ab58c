"""A user gets another phone number."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature, WithoutMessages

if TYPE_CHECKING:
    from entrypoints.http.administration.user_details import UserFields
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.parts.composition import Composition


class _PhoneChangeRecords(Feature):
    """Changes without the providers of messages, for the cleanup."""

    name = "phone_change_records"

    async def open(self, composition: "Composition") -> None:
        """Add what the cleanup does. The messages wait for the service."""
        from application.features.phone_change.feature import PhoneChangeRecordsFeature

        composition.use_cases.add(PhoneChangeRecordsFeature(composition.use_cases))


class _PhoneChange(Feature):
    name = "phone_change"
    opens = ("otp",)
    without_messages = WithoutMessages(
        _PhoneChangeRecords(),
        left="Messages to numbers that were changed wait until the service sends them.",
    )

    def user_fields(self) -> "Sequence[type[UserFields]]":
        from entrypoints.http.features.phone_change.user_fields import PhoneChangeFields

        return (PhoneChangeFields,)

    def plugins(self, *_: object) -> "Sequence[ApiPlugin]":
        from entrypoints.http.features.phone_change.plugin import PhoneChangePlugin

        return (PhoneChangePlugin(),)

    async def open(self, composition: "Composition") -> None:
        from application.features.phone_change.feature import PhoneChangeFeature

        core = composition.use_cases
        core.add(PhoneChangeFeature(core, composition.settings.countries))


PHONE_CHANGE: Final = _PhoneChange()
