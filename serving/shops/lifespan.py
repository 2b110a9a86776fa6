"""Starting and stopping one application while the server around it goes on."""

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message


class Lifespan:
    """The time between the start and the end of an application.

    Parameters
    ----------
    app : takes `lifespan` as ASGI says
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._told: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start what works in the background of the application.

        Raises
        ------
        RuntimeError
            When it cannot start.
        """
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def answered(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":
                started.set_exception(RuntimeError(message.get("message", "")))
            elif not started.done():
                started.set_result(None)

        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._task = asyncio.create_task(self._app(scope, self._told.get, answered))  # type: ignore[arg-type]
        await self._told.put({"type": "lifespan.startup"})
        await started

    async def stop(self) -> None:
        """End it, after what it has begun."""
        await self._told.put({"type": "lifespan.shutdown"})
        if self._task is not None:
            with suppress(RuntimeError):
                await self._task
