"""The check of what asks clients for a proof, for `check-settings --connect`."""

from collections.abc import Mapping
from functools import partial

from application.ports.errors import ConfigurationError, PortError
from entrypoints.commands.connection_checks import Check, check_own_adapter
from entrypoints.features.attestation import (
    AttestationSettings,
    AttestationType,
    open_own_attestation,
    open_siteverify,
)
from entrypoints.opening.factories import name_variable
from entrypoints.settings.values import Factory


def connection_checks(settings: AttestationSettings) -> Mapping[str, Check]:
    """Return the check of the attestation, if the settings name one."""
    if settings.attestation is None:
        return {}
    return {"attestation": partial(_check_attestation, settings)}


async def _check_attestation(settings: AttestationSettings) -> str:
    with name_variable("DIALTONE_ATTESTATION"):
        match settings.attestation:
            case AttestationType.SITEVERIFY:
                async with open_siteverify(settings) as siteverify:
                    try:
                        await siteverify.check()
                    except PortError as error:
                        raise ConfigurationError(
                            f"No proof can be checked, {error}: check DIALTONE_ATTESTATION_URL, "
                            "DIALTONE_ATTESTATION_SECRET and the network."
                        ) from None
                    return "the provider accepts the secret"
            case Factory() as factory:
                async with open_own_attestation(factory, settings) as own:
                    return await check_own_adapter(own)
            case _:
                return "it asks no provider"
