"""The parameters of paths and queries, as the description shows them.

What they may be is said here and checked by ours, which names the field and the way out.
"""

from typing import Annotated, Any, Final, TypeAlias

from litestar.params import PathParameter, QueryParameter

ID_PATTERN: Final = "^[0-9a-fA-F]{24}$"
CURSOR_PATTERN: Final = "^[0-9a-f]{38}$"
CATEGORY_PATTERN: Final = r"^[^\u0000]*$"
FILE_KEY: Final = r"^[0-9a-f]{32}\.(?:jpg|png|gif)$"
_NUMBER: Final = {"type": "integer", "minimum": 1}
_ID: Final = {"type": "string", "pattern": ID_PATTERN}


def _exactly(**schema: Any) -> dict[str, Any]:
    # The framework would say that a query may be null.
    return {"one_of": None, **schema}


UserId: TypeAlias = Annotated[
    str,
    PathParameter(
        description="24 hex digits.",
        schema_extra=_exactly(**_ID, examples=["6561a2b0c3d4e5f60718293a"]),
    ),
]
ItemId: TypeAlias = Annotated[
    str,
    PathParameter(
        description="24 hex digits.",
        schema_extra=_exactly(**_ID, examples=["6561a2b1c3d4e5f60718293b"]),
    ),
]
SessionId: TypeAlias = Annotated[
    str,
    PathParameter(
        description="As in the list of sessions.",
        schema_extra=_exactly(
            type="string",
            pattern="^[0-9a-f]{32}$",
            examples=["5f1c0a9be0d34f6c8a7b6c5d4e3f2a1b"],
        ),
    ),
]
FileKey: TypeAlias = Annotated[
    str,
    PathParameter(
        description="As in an item's `url`.",
        schema_extra=_exactly(pattern=FILE_KEY, examples=["0f1e2d3c4b5a69788796a5b4c3d2e1f0.jpg"]),
    ),
]
PageNumber: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="page",
        description="From 1 on; 1 when left out.",
        schema_extra=_exactly(**_NUMBER, maximum=10**18 - 1, examples=[1]),
    ),
]
PerPage: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="per_page",
        description="From 1 on; 10 when left out, 100 when it is more.",
        schema_extra=_exactly(**_NUMBER, maximum=10**18 - 1, examples=[10]),
    ),
]
OwnerChoice: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="user_id",
        description="Only this owner's: 24 hex digits.",
        schema_extra=_exactly(**_ID, examples=["6561a2b0c3d4e5f60718293a"]),
    ),
]
TypeChoice: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="type",
        description="Only `image`, or only `gif`.",
        schema_extra=_exactly(type="string", enum=["image", "gif"], examples=["image"]),
    ),
]
CategoryChoice: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="category",
        description="Only items with exactly this label.",
        schema_extra=_exactly(type="string", examples=["art"]),
    ),
]
Cursor: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="cursor",
        description="The `next_cursor` of a page, for the page after that; along with it `page`"
        " can only be 1, or left out.",
        schema_extra=_exactly(
            type="string",
            pattern=CURSOR_PATTERN,
            examples=["0650be398fd6006561a2b1c3d4e5f60718293b"],
        ),
    ),
]
