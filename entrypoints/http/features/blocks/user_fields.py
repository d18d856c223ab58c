"""What the details of a user say about blocks."""

from typing import Annotated, Self

from application.administration.show_user import UserDetails
from application.features.blocks.feature import blocks_about
from entrypoints.http.administration.user_details import UserFields
from entrypoints.http.features.blocks.responses import BlockResponse, to_block_response
from entrypoints.http.fields import described


class BlockFields(UserFields, kw_only=True):
    """The blocks of the phone."""

    blocks: Annotated[
        list[BlockResponse],
        described("The blocks that are active now for the prefix or the country of this phone."),
    ]

    @classmethod
    def of(cls, details: UserDetails) -> Self:
        return cls(blocks=[to_block_response(block) for block in blocks_about(details)])
