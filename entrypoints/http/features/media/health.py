"""What readiness says of this part."""

import msgspec

from entrypoints.http.core.operations.schemas import HealthField


class MediaHealth(msgspec.Struct, kw_only=True):
    """The health of this part."""

    media: HealthField
