"""Service: what one process holds while it serves: store, engine, gate, door, counters, a watcher."""

from __future__ import annotations

import threading
from pathlib import Path

from recsmith.errors import RecsmithError
from recsmith.serving.counters import Counters
from recsmith.serving.engine import Engine
from recsmith.serving.gate import Gate
from recsmith.serving.log import log
from recsmith.serving.security import Door
from recsmith.serving.settings import ServeSettings
from recsmith.serving.stages import StageSettings
from recsmith.serving.store import Store
from recsmith.serving.versions import Versions


class Service:
    """Opens everything, and looks for new versions and items in a thread of its own till it is closed."""

    def __init__(self, settings: ServeSettings, stages: StageSettings | None = None) -> None:
        settings.check_address()
        self.settings = settings
        self.counters = Counters()
        self.door = Door(settings)
        self.store = Store(settings.store)
        self.versions = Versions(Path(settings.place))
        limits = settings.limits
        try:
            self.engine = Engine(self.store, self.versions, settings=stages, history_limit=limits.history)
        except BaseException:
            self.store.close()
            raise
        self.gate = Gate(threads=settings.threads, waiting=limits.waiting, seconds=limits.seconds)
        self._closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="watcher", daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        while not self._closing.wait(self.settings.poll_seconds):
            try:
                self.engine.keep_shown()
                if self.engine.look_around():
                    self.counters.swaps.inc()
                    log("model", version=self.engine.world.version)
            except (RecsmithError, OSError) as error:  # the old version stays in place
                log("watcher", error=f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Finishes what is at work and gives everything back."""
        self._closing.set()
        self._watcher.join(timeout=10)
        self.gate.close()
        try:
            self.engine.keep_shown()
        except RecsmithError as error:  # lists that were shown, no events
            log("close", error=f"{type(error).__name__}: {error}")
        self.store.close()
