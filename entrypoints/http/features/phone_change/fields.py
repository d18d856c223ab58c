"""What the details of a user say about a change of the number."""

from typing import Annotated, Self

import msgspec

from application.administration.show_user import UserDetails
from domain.identities.phone_change import PhoneChangeStep
from entrypoints.http.administration.user_details import AccountResponse, UserFields, to_struct
from entrypoints.http.fields import described, time_field


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
    started_at: Annotated[str, time_field("When it began, in UTC.")]


class PhoneChangeFields(UserFields, kw_only=True):
    """The change of the number of an account."""

    extends = AccountResponse

    phone_change: Annotated[
        PhoneChangeResponse | None,
        described("The change of its phone that is under way; null without one."),
    ]

    @classmethod
    def of(cls, details: UserDetails) -> Self:
        identity = details.user.identity
        change = None if identity is None or identity.is_deleted else identity.phone_change
        return cls(phone_change=to_struct(change, PhoneChangeResponse) if change else None)
