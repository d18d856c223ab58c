"""A user gets another phone number, and the former number can undo it."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from adapters.databases.records.features.phone_change import KINDS
from application.ports.keys import KeyPurpose
from entrypoints.features.feature import Feature, WithoutMessages

if TYPE_CHECKING:
    from entrypoints.http.core.administration.user_details import UserFields
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.opening.opening import Opening
    from entrypoints.settings.rules import Findings
    from entrypoints.settings.settings import Settings


def _note_on_undo(settings: "Settings") -> Iterator[str]:
    # Problems of the templates are reported by whoever checks these.
    from domain.identities.phone_change import PhoneNotice
    from entrypoints.opening.operator_files import load_sms_templates

    for file in load_sms_templates(settings).files_without_undo():
        kind = "the country" if file.is_for_country else "the language"
        yield (
            f"{file.location}, [{PhoneNotice.PHONE_CHANGED}]: no {{undo}} for {kind} "
            f"{file.name}. The former number then undoes a change only by a code that it "
            "requests, and strangers can use up these. Add {undo} to the text."
        )


class _PhoneChangeRecords(Feature):
    """The records of changes without the providers of messages, for the cleanup."""

    name = "phone_change_records"

    async def open(self, opening: "Opening") -> None:
        """Add what the cleanup does. The messages wait for the service."""
        from adapters.databases.records.features.phone_change import make_phone_change_repositories
        from application.features.phone_change.feature import PhoneChangeRecordsFeature
        from application.features.phone_change.undo_codes import UndoCodes

        repositories = make_phone_change_repositories(opening.database, opening.phone_encryption)
        opening.use_cases.add(
            PhoneChangeRecordsFeature(
                opening.use_cases,
                repositories.phone_assignments,
                UndoCodes(opening.keys.key_set(KeyPurpose.OTP_PEPPER)),
            )
        )


class _PhoneChange(Feature):
    """A user gets another phone number, and the former number can undo it."""

    name = "phone_change"
    opens = ("otp",)
    kinds = KINDS
    without_messages = WithoutMessages(
        _PhoneChangeRecords(),
        left="Messages to numbers that were changed wait until the service sends them.",
    )

    def check(self, settings: "Settings") -> "Findings":
        from entrypoints.settings.rules import FileCheck

        return ([FileCheck(partial(_note_on_undo, settings))],)

    def user_fields(self) -> "Sequence[type[UserFields]]":
        from entrypoints.http.features.phone_change.user_fields import PhoneChangeFields

        return (PhoneChangeFields,)

    def plugins(self, *_: object) -> "Sequence[ApiPlugin]":
        from entrypoints.http.features.phone_change.plugin import PhoneChangePlugin

        return (PhoneChangePlugin(),)

    def add_details(self, opening: "Opening") -> None:
        """Show changes of phones."""
        from application.features.phone_change.details import add_phone_change_details

        add_phone_change_details(opening.use_cases, opening.system.clock)

    async def open(self, opening: "Opening") -> None:
        from adapters.databases.records.features.phone_change import make_phone_change_repositories
        from application.features.phone_change.feature import PhoneChangeFeature, PhoneChangePolicy

        repositories = make_phone_change_repositories(opening.database, opening.phone_encryption)
        opening.use_cases.add(
            PhoneChangeFeature(
                opening.use_cases,
                repositories.phone_assignments,
                opening.keys.key_set(KeyPurpose.OTP_PEPPER),
                PhoneChangePolicy(countries=opening.settings.countries),
            )
        )


PHONE_CHANGE: Final = _PhoneChange()
