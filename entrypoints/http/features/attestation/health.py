"""What readiness says of this part."""

from typing import Annotated

import msgspec

from entrypoints.http.fields import described


class AttestationHealth(msgspec.Struct, kw_only=True):
    """The health of this part."""

    attestation: Annotated[
        str | msgspec.UnsetType,
        described("`ok`, or the problem. Only if a provider checks proofs.", "ok"),
    ] = msgspec.UNSET
