"""Proofs over HTTP."""

from types import MappingProxyType

from entrypoints.http.attestation.errors import ERRORS, AttestationErrorFields
from entrypoints.http.errors.fields import ErrorFields
from entrypoints.http.plugin import ApiPlugin


class AttestationPlugin(ApiPlugin):
    """The error that asks for a proof."""

    errors = ERRORS
    fields = MappingProxyType({ErrorFields: AttestationErrorFields})
