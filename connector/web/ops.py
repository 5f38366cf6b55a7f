"""The address only operators reach: is it ready, how is it, and what Prometheus collects.

`/livez` answers while the process does; `/readyz` when its database, its schema and its lease are as they
must be, whatever the remote systems do; `/healthz` is for people.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from connector.web.headers import StrictHeaders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request


def ops_app(
    *,
    registry: CollectorRegistry,
    readiness: Callable[[], Mapping[str, str]],
    health: Callable[[], Mapping[str, Any]],
) -> Starlette:
    """`readiness` names what is not ready and why, empty when all is; both are asked on a worker thread."""

    async def ready(_request: Request) -> Response:
        missing = await asyncio.to_thread(readiness)
        return JSONResponse({"ready": not missing, "missing": dict(missing)}, status_code=503 if missing else 200)

    async def healthy(_request: Request) -> Response:
        return JSONResponse(await asyncio.to_thread(health))

    async def metrics(_request: Request) -> Response:
        text = await asyncio.to_thread(generate_latest, registry)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    routes = [
        Route("/livez", _alive),
        Route("/readyz", ready),
        Route("/healthz", healthy),
        Route("/metrics", metrics),
    ]
    return Starlette(routes=routes, middleware=[Middleware(StrictHeaders)])


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("alive")
