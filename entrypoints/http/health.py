"""What the machines that watch the service ask."""

from typing import Annotated

import msgspec
from litestar import Controller, Response, get
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Meta

from entrypoints.http.dependencies import Cases
from entrypoints.http.documented import refused_with

State = Annotated[
    str, Meta(description="`ok`, or why it does not work.", examples=["ok", "the disk is full"])
]


class Alive(msgspec.Struct):
    """The process answers."""

    status: Annotated[str, Meta(description="Always `ok`.", examples=["ok"])] = "ok"


class Parts(msgspec.Struct, kw_only=True):
    """Each part that the service needs; without the database it is not ready."""

    status: Annotated[str, Meta(description="`ready` or `unavailable`.", examples=["ready"])]
    database: State
    media: State
    messages: State


class HealthController(Controller):
    """Whether the process lives, and whether it should be sent requests."""

    path = "/health"
    tags = ["Operations"]

    @get(
        "/live",
        operation_id="live",
        summary="The process lives",
        response_description="The process answers.",
        responses=refused_with(),
    )
    async def live(self) -> Alive:
        """Answer, and look at nothing else."""
        return Alive()

    @get(
        "/ready",
        operation_id="ready",
        summary="The parts work",
        response_description="The database works; what else does is named.",
        responses={
            503: ResponseSpec(
                Parts, description="The database does not work.", generate_examples=False
            ),
            **refused_with(),
        },
    )
    async def ready(self, use_cases: Cases) -> Response[Parts]:
        """Ask the database, the media store and the message sender whether they would work."""
        readiness = await use_cases.check_readiness()
        parts = Parts(
            status="ready" if readiness.is_ready else "unavailable",
            database=readiness.database or "ok",
            media=readiness.media or "ok",
            messages=readiness.messages or "ok",
        )
        if readiness.is_ready:
            return Response(parts)
        return Response(parts, status_code=503, headers={"Retry-After": "5"})
