"""Runs the server: uvicorn around the application, and the training of new versions beside it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from recsmith.errors import require
from recsmith.serving.app import create_app
from recsmith.serving.log import log, to_standard_error
from recsmith.serving.settings import ServeSettings
from recsmith.serving.stages import StageSettings


def run_server(
    settings: ServeSettings, *, say: Callable[[str], None], stages: StageSettings | None = None
) -> None:
    """Serves till a signal; requests at work are finished first."""
    uvicorn = require("uvicorn", extra="serve")
    to_standard_error()
    app = create_app(settings, stages)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
        limit_concurrency=1000,
    )
    closing = threading.Event()
    if settings.refresh_every is not None:
        threading.Thread(target=_refresh, args=(settings, closing), daemon=True).start()
    listening = config.bind_socket()
    server = uvicorn.Server(config)
    begin = server.startup

    async def startup(*args: Any, **named: Any) -> None:
        await begin(*args, **named)
        if server.started:  # only now: who reads this may ask at once
            port = listening.getsockname()[1]
            say(f"Serving on http://{settings.host}:{port} (docs at /docs); Ctrl-C ends it.")

    server.startup = startup
    try:
        server.run(sockets=[listening])
    finally:
        closing.set()
        listening.close()


def _refresh(settings: ServeSettings, closing: threading.Event) -> None:
    """Trains in a process of its own, so that its memory goes back when it ends."""
    command = [
        sys.executable,
        "-m",
        "recsmith.cli.main",
        "refresh",
        settings.place,
        "--store",
        settings.store,
        "--margin",
        str(settings.refresh_margin),
    ]
    while not closing.wait(settings.refresh_every):
        done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
        log("refresh", status=done.returncode, said=(done.stdout or done.stderr)[-2000:])
