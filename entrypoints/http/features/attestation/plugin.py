"""Proofs over HTTP."""

from types import MappingProxyType
from typing import Annotated, Final

import msgspec
from litestar.config.app import AppConfig

from domain.errors import TooManyOtpRequests
from domain.features.attestation.errors import AttestationRequired
from entrypoints.http.core.operations.schemas import ReadinessResponse
from entrypoints.http.core.otp.schemas import CodeRequestBody
from entrypoints.http.errors.fields import ServiceError
from entrypoints.http.features.attestation.errors import ERRORS, AttestationErrorFields
from entrypoints.http.features.attestation.proofs import parse_proof
from entrypoints.http.features.attestation.schemas import AttestationFields
from entrypoints.http.fields import described
from entrypoints.http.plugin import ApiPlugin


class AttestationHealth(msgspec.Struct, kw_only=True):
    """The health of this part."""

    attestation: Annotated[
        str | msgspec.UnsetType,
        described("`ok` or `degraded`. Only if a provider checks proofs.", "ok"),
    ] = msgspec.UNSET


_ABOUT: Final = """\
Send `"attestation": {}` if the app can make a proof. While many strangers request codes,
it then gets a 403 `attestation_required` with a challenge instead of a 429. The same
request with `"attestation": {"type", "response"}` is served. A proof is for one phone and
for five minutes, and is used once.
"""


class AttestationPlugin(ApiPlugin):
    """The field of requests for codes that has a proof, and the error that asks for one."""

    errors = ERRORS
    fields = MappingProxyType(
        {
            ReadinessResponse: AttestationHealth,
            ServiceError: AttestationErrorFields,
            CodeRequestBody: AttestationFields,
        }
    )
    related_errors = MappingProxyType({TooManyOtpRequests: (AttestationRequired,)})
    about = MappingProxyType({"request_otp": _ABOUT})

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add what parses proofs."""
        app_config.state["parse_proof"] = parse_proof
        return super().on_app_init(app_config)
