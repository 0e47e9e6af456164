"""A client that asks at a fixed rate whether or not answers come (an open loop), over kept connections.

A request's time runs from when it was due, so that waiting behind a slow one counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Make = Callable[[int], bytes]
"""Request n as it goes over the wire."""


@dataclass
class Answers:
    """Is what came back of one stream: seconds from due to done, statuses, bodies of every hundredth."""

    seconds: list[float] = field(default_factory=list)
    status: Counter[int] = field(default_factory=Counter)
    bodies: list[bytes] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Returns counts and percentiles in milliseconds."""
        ms = np.array(self.seconds) * 1000
        at = np.percentile(ms, (50, 95, 99, 100)).round(2).tolist() if len(ms) else [None] * 4
        return {
            "n": len(ms),
            "status": dict(self.status),
            **dict(zip(("p50", "p95", "p99", "max"), at, strict=True)),
        }


async def stream(
    host: str, port: int, make: Make, *, rate: float, seconds: float, connections: int
) -> Answers:
    """Sends `rate` requests a second for so long; connections are opened first."""
    answers, due = Answers(), asyncio.Queue[tuple[int, float] | None]()
    pipes = [await asyncio.open_connection(host, port) for _ in range(connections)]

    async def worker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (one := await due.get()) is not None:
            n, when = one
            try:
                status, body = await _ask(reader, writer, make(n))
            except (OSError, asyncio.IncompleteReadError):
                answers.status[0] += 1
                with contextlib.suppress(OSError):
                    reader, writer = await asyncio.open_connection(host, port)
                continue
            answers.seconds.append(time.perf_counter() - when)
            answers.status[status] += 1
            if n % 100 == 0:
                answers.bodies.append(body)
        writer.close()

    workers = [asyncio.ensure_future(worker(*pipe)) for pipe in pipes]
    began = time.perf_counter()
    for n in range(int(rate * seconds)):
        when = began + n / rate
        wait = when - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        due.put_nowait((n, when))
    for _ in workers:
        due.put_nowait(None)
    await asyncio.gather(*workers)
    return answers


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw: bytes) -> tuple[int, bytes]:
    writer.write(raw)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(re.search(rb"content-length: (\d+)", head, re.I)[1])  # type: ignore[index]
    return int(head[9:12]), await reader.readexactly(length)


def get(path: str) -> bytes:
    """Returns a GET request."""
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()


def post(path: str, document: Any) -> bytes:
    """Returns a POST request of JSON."""
    body = json.dumps(document).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


@contextlib.contextmanager
def served(command: list[str], *, said: str, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Runs a server whose standard error names its port after `said`; yields the process and the port."""
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, stdout=errors, stderr=errors, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        try:
            end = time.monotonic() + 1800
            while (found := re.search(rf"{said}.*?:(\d+)", log.read_text(errors="replace"))) is None:
                if process.poll() is not None or time.monotonic() > end:
                    raise SystemExit(f"no server came up:\n{log.read_text()[-2000:]}")
                time.sleep(0.1)
            yield process, int(found[1])
        finally:
            process.terminate()
            process.wait(60)


def serve_command(folder: Path) -> list[str]:
    """Returns the command that serves a model folder on a free port."""
    return [sys.executable, "-m", "recsmith.cli.main", "serve", str(folder), "--port", "0"]


def load_now() -> list[float]:
    """Returns the machine's load averages, which stand beside every figure."""
    return [round(value, 2) for value in os.getloadavg()]
