"""What the details of a user say about changes of the number."""

from typing import Annotated, Self

import msgspec

from application.administration.show_user import UserDetails
from application.features.phone_change.details import PhoneChangeDetails
from domain.identities.phone_change import PhoneChangeStep
from entrypoints.http.core.administration.user_details import AccountResponse, UserFields, to_struct
from entrypoints.http.fields import described, format_timestamp, time_field


class PhoneChangeResponse(msgspec.Struct, kw_only=True):
    """A change of the phone of an account that is under way."""

    step: Annotated[
        str,
        described(
            "What is done next: the new number is assigned (`assign`), the former one is released"
            " (`release`), or gets a message (`notify`).",
            PhoneChangeStep.NOTIFY.value,
            enum=[step.value for step in PhoneChangeStep],
        ),
    ]
    is_undo: Annotated[bool, described("Whether it undoes an earlier change.", False)]
    started_at: Annotated[str, time_field("When it began, in UTC.")]


class PhoneChangeFields(UserFields, kw_only=True):
    """The changes of the number of an account."""

    extends = AccountResponse

    phone_change: Annotated[
        PhoneChangeResponse | None,
        described("The change of its phone that is under way; null without one."),
    ]
    undo_deadlines: Annotated[
        list[str],
        described(
            "Until when changes of its phone can be undone by the former numbers, the next first.",
            ["2026-05-08T09:30:00.000Z"],
        ),
    ]
    phone_change_allowed_at: Annotated[
        str | None,
        time_field(
            "From when on its owner can change the phone again, after an undo; null if that is"
            " possible now.",
            "2026-05-08T09:30:00.000Z",
        ),
    ]

    @classmethod
    def of(cls, details: UserDetails) -> Self:
        """Convert what is shown of changes."""
        shown = details.parts.find(PhoneChangeDetails)
        if shown is None:
            return cls(phone_change=None, undo_deadlines=[], phone_change_allowed_at=None)
        return cls(
            phone_change=to_struct(shown.change, PhoneChangeResponse) if shown.change else None,
            undo_deadlines=[format_timestamp(deadline) for deadline in shown.undo_deadlines],
            phone_change_allowed_at=format_timestamp(shown.allowed_at)
            if shown.allowed_at
            else None,
        )
