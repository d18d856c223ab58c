"""The shapes that refusals have, as the description shows them."""

from typing import Annotated

import msgspec
from msgspec import Meta

from entrypoints.http.user_schemas import UserIdText, UsernameText

SentenceText = Annotated[
    str, Meta(description="A sentence for people.", examples=["User not found"])
]
CodeText = Annotated[
    str, Meta(description="A stable id for programs.", examples=["user_not_found"])
]


class Refusal(msgspec.Struct):
    """A sentence for people, and a stable id for programs."""

    error: SentenceText
    code: CodeText


class LaterRefusal(Refusal):
    """A refusal that holds for `retry_after` seconds, as in the header Retry-After."""

    retry_after: Annotated[
        int, Meta(description="Whole seconds, as in the header Retry-After.", examples=[5])
    ]


class DetailedRefusal(Refusal):
    """A refusal with a sentence more."""

    details: Annotated[
        str,
        Meta(
            description="What failed, in a sentence.",
            examples=["The database did not take the item; try again shortly."],
        ),
    ]


class PhoneClash(Refusal):
    """The number has a user; the two fields are there when it is the caller's own."""

    user_id: UserIdText | msgspec.UnsetType = msgspec.UNSET
    username: UsernameText | msgspec.UnsetType = msgspec.UNSET


class FieldRefusals(msgspec.Struct):
    """What is wrong, field by field; the field `body` stands for the whole."""

    errors: Annotated[
        dict[str, list[str]],
        Meta(
            description="The sentences for each field; `body` stands for the whole.",
            examples=[{"phone": ["This field is required."]}],
        ),
    ]
    code: Annotated[str, Meta(description="Always `invalid`.", examples=["invalid"])]


class OlderRefusal(msgspec.Struct):
    """A refusal as the older mobile app knows it."""

    error: Annotated[
        str,
        Meta(
            description="Begins with a text that is fixed for each case.",
            examples=["ARE YOU LOST :: 404 Not Found: There is nothing at this path."],
        ),
    ]
    exit_code: Annotated[int, Meta(description="1, 4 or 5.", examples=[1])]
    message: Annotated[str, Meta(description="Always `failed`.", examples=["failed"])]
    status_code: Annotated[int, Meta(description="The answer's status.", examples=[404])]
