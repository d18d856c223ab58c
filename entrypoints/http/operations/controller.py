"""Health checks and the key set (JWKS)."""

from typing import Any

from litestar import Controller, Response, get
from litestar.openapi.datastructures import ResponseSpec

from application.identities.feature import IdentitiesFeature
from application.operations.feature import OperationsFeature
from entrypoints.http.dependencies import Injected, provide
from entrypoints.http.errors.handlers import UNAVAILABLE_ERROR
from entrypoints.http.operations import schemas
from entrypoints.http.request import ApiRequest


class OperationsController(Controller):
    """Health checks for load balancers, and the keys for services that verify tokens themselves."""

    tags = ["Operations"]
    dependencies = {
        "identities": provide(lambda use_cases: use_cases.identities),
        "operations": provide(lambda use_cases: use_cases.operations),
    }
    opt = {
        "tag_description": "Health checks and public keys, for other services.",
        UNAVAILABLE_ERROR: None,
    }

    @get(
        "/health/live",
        summary="Check the process",
        response_description="The process responds.",
    )
    async def health_live(self) -> schemas.LivenessResponse:
        """Respond without any check of other parts."""
        return schemas.LivenessResponse()

    @get(
        "/health/ready",
        summary="Check all parts",
        response_description="Requests can be sent here. The health of each part is listed.",
        responses={
            503: ResponseSpec(
                schemas.ReadinessResponse,
                description="A disk of the instance rejects a write, or the service stops.",
                generate_examples=False,
            )
        },
    )
    async def health_ready(
        self, request: ApiRequest, operations: Injected[OperationsFeature]
    ) -> Response[schemas.ReadinessResponse]:
        """Check all parts, with a write where that can be.

        The answer comes within a second. A part that takes longer does not work. Results are held:
        successes for five seconds, failures for one.

        - Until everything is open, the port refuses connections.
        - The status is 200 while a part that instances share does not work: another instance would
          do no better. `"database": "unavailable"` says that most requests get status 503.
        - `"disk": "low"` is a warning before writes are rejected.
        - After a stop signal the status is `stopping`: requests are still served, and new ones
          should go to another instance.
        """
        readiness = await operations.check_readiness()
        # The type of the response is that of the core: features add fields.
        shown: Any = schemas.show_readiness(readiness, is_stopping=request.settings.is_stopping())
        if shown["status"] == schemas.READY:
            return Response(shown)
        return Response(shown, status_code=503, headers={"Retry-After": "5"})

    @get(
        "/.well-known/jwks.json",
        summary="Get the keys that verify short-lived access tokens",
        response_description="The public keys. A new key is listed before it signs.",
    )
    async def get_jwks(self, identities: Injected[IdentitiesFeature]) -> schemas.JsonWebKeySet:
        """Return the public keys of the key set (JWKS).

        They verify the short-lived access tokens of a login with `"refresh": true`; the long-lived
        ones, which `verify-otp` returns by default, are signed with a key that is not published.

        The session of a token that they verify may have ended: only this service knows.
        """
        return schemas.JsonWebKeySet(
            [schemas.to_json_web_key(key) for key in identities.list_public_keys()]
        )
