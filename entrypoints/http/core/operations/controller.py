"""Health checks, the key set (JWKS), and the metadata of the issuer."""

from typing import Any, Final

from litestar import Controller, Response, get
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec

from application.identities.feature import IdentityUseCases
from application.operations.feature import OperationsUseCases
from entrypoints.http.core.operations import schemas
from entrypoints.http.errors.exceptions import NoIssuerMetadata
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.responses.errors import UNAVAILABLE_ERROR

_FOR_ALL_PAGES: Final = (
    ResponseHeader(
        name="Access-Control-Allow-Origin",
        value="*",
        description="Pages of all origins may read it: it is public.",
    ),
)


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
        self, request: ApiRequest, operations: Injected[OperationsUseCases]
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
        schemas.JWKS_PATH,
        summary="Get the keys that verify short-lived access tokens",
        response_description="The public keys. A new key is listed before it signs.",
        response_headers=_FOR_ALL_PAGES,
    )
    async def get_jwks(self, identities: Injected[IdentityUseCases]) -> schemas.JsonWebKeySet:
        """Return the public keys of the key set (JWKS).

        They verify the short-lived access tokens of a login with `"refresh": true`; the long-lived
        ones, which `verify-otp` returns by default, are signed with a key that is not published.

        The session of a token that they verify may have ended: only this service knows.
        """
        return schemas.JsonWebKeySet(
            [schemas.to_json_web_key(key) for key in identities.list_public_keys()]
        )

    @get(
        "/.well-known/openid-configuration",
        summary="Get the metadata of the issuer",
        response_description="Where the keys are, and the algorithm.",
        response_headers=_FOR_ALL_PAGES,
        errors=(NoIssuerMetadata,),
    )
    async def get_issuer_metadata(self, request: ApiRequest) -> schemas.IssuerMetadata:
        """Return what gateways need to verify short-lived access tokens.

        This service is no OpenID Provider and no OAuth server: its own API issues the tokens. The
        metadata is only there if the issuer is the public URL of the service (OpenID Connect
        Discovery 1.0 §4.3).
        """
        issuer = request.settings.identities.token_issuer
        url = request.settings.server.public_url
        if issuer != url:
            raise NoIssuerMetadata(
                f"The issuer of access tokens is {issuer}, and metadata at this place is that of "
                f"the issuer {url}. The keys are at {url}{schemas.JWKS_PATH}."
            )
        return schemas.IssuerMetadata(issuer=issuer, jwks_uri=f"{url}{schemas.JWKS_PATH}")
