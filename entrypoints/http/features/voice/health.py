"""What readiness says of this part."""

from typing import Annotated

import msgspec

from entrypoints.http.fields import described


class CallHealth(msgspec.Struct, kw_only=True):
    """The health of this part."""

    calls: Annotated[
        str | msgspec.UnsetType,
        described("`ok`, or the problem. Only if the provider of calls can be checked.", "ok"),
    ] = msgspec.UNSET
