"""The processes of a tuning: as many as asked for and as memory holds, started when needed, ended with it."""

from __future__ import annotations

import io
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from recsmith.config.run import cores
from recsmith.errors import RecsmithError
from recsmith.models.gigabytes import free_gb
from recsmith.runs import files

WORKERS_LOG = "workers.log"
_SAFE = 0.9
"""The share of free memory that is handed out."""
_WAIT = 10.0
_THREADS_OF_LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Message = dict[str, Any]


class Worker:
    """Is one process and the trial that it runs."""

    def __init__(self, folder: Path, n_threads: int, inbox: queue.Queue[tuple[Worker, Message]]) -> None:
        log = folder / files.LOG / WORKERS_LOG
        log.parent.mkdir(exist_ok=True)
        limits = {name: str(n_threads) for name in _THREADS_OF_LIBRARIES if name not in os.environ}
        command = [sys.executable, "-m", "recsmith.runs.tuning.worker", str(folder), str(n_threads)]
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                bufsize=0,  # nothing is left to write when a process is gone
                env={**os.environ, **limits, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,  # Ctrl-C is for the parent, which ends its workers
            )
        self.trial: int | None = None
        self.is_ready = False
        self._inbox = inbox
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def send(self, **message: Any) -> None:
        """Hands a message over; a process that is gone says so by its end."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
        except OSError:
            return

    def end(self) -> None:
        """Ends the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with io.BufferedReader(self._process.stdout) as answers:  # type: ignore[type-var]
            for line in answers:
                self._inbox.put((self, json.loads(line)))
        self._inbox.put((self, {"kind": "gone", "status": self._process.wait()}))


class Crew:
    """Holds the workers; hands out trials and brings back what they say."""

    def __init__(self, folder: Path, *, jobs: int, n_threads: int) -> None:
        self._folder = folder
        self._jobs = jobs
        self._threads = n_threads or max(1, cores() // jobs)
        self._workers: list[Worker] = []
        self._inbox: queue.Queue[tuple[Worker, Message]] = queue.Queue()
        self.most_gb: float | None = None
        """The most memory that a process of this tuning has had."""

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()

    @property
    def busy(self) -> int:
        """How many trials are running."""
        return sum(worker.trial is not None for worker in self._workers)

    def room(self) -> int:
        """Says how many trials may begin now: one alone until it is known what one needs."""
        if self.busy >= self._jobs:
            return 0
        if self._jobs == 1 or not self.busy:
            return 1
        if self.most_gb is None:
            return 0
        # What running processes have taken is no longer free; what they may still take is held for them.
        held = sum(max(self.most_gb - _resident_gb(w.pid), 0.0) for w in self._workers if w.trial is not None)
        idle = sum(_resident_gb(w.pid) for w in self._workers if w.trial is None)
        fitting = (_SAFE * free_gb() + idle - held) / max(self.most_gb, 1e-3)
        return int(min(self._jobs - self.busy, max(fitting, 0)))

    def begin(self, trial: int, values: dict[str, Any]) -> None:
        """Gives a trial to a process, a new one where all are busy."""
        worker = next((one for one in self._workers if one.trial is None), None)
        if worker is None:
            worker = Worker(self._folder, self._threads, self._inbox)
            self._workers.append(worker)
        worker.trial = trial
        worker.send(values=values)

    def next(self) -> tuple[Worker, Message] | None:
        """Returns what a worker says next, or None after a while without a word."""
        try:
            worker, message = self._inbox.get(timeout=_WAIT)
        except queue.Empty:
            return None
        if message["kind"] == "gone":
            worker.end()
            self._workers.remove(worker)
            if not worker.is_ready:
                log = self._folder / files.LOG / WORKERS_LOG
                raise RecsmithError(
                    f"a process of the tuning must start. Got status {message['status']}. {log} says why."
                )
        worker.is_ready = True
        peak = message.get("result", {}).get("peak_gb")
        if peak:
            self.most_gb = max(peak, self.most_gb or 0.0)
        return worker, message


def _resident_gb(pid: int) -> float:
    """Returns the memory a process has now; 0 where the system does not say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e9
