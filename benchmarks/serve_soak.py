"""Soaks the service: python benchmarks/serve_soak.py --out runs/soak [--seconds 600] [--every 20].

Lists and events flow at a steady rate while `recsmith refresh` trains on what came in and publishes a new
version every so many seconds. Nothing may fail, every version must be taken up, and memory must stay flat:
what the one worker holds is taken once a second and drawn over time with the swaps.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from serve_client import get, load_now, post, serve_command, served, stream

from recsmith import load_movielens
from recsmith.models import IALS
from recsmith.rng import generator


def main() -> None:
    """Prints a line of JSON; the samples and the picture go to --out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("runs/soak"))
    parser.add_argument("--data", default="latest-small", help="a MovieLens size")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--every", type=float, default=20, help="seconds between two refreshes")
    parser.add_argument("--rate", type=float, default=50, help="lists a second")
    parser.add_argument("--events", type=float, default=10, help="events a second beside them")
    asked = parser.parse_args()
    shutil.rmtree(asked.out, ignore_errors=True)
    model = IALS(embedding_dim=32).fit(load_movielens(asked.data))
    model.save(asked.out / "model")
    users = [str(user) for user in model.memory.users.ids.to_list()]
    items = [str(item) for item in model.memory.items.ids.to_list()]
    with served(serve_command(asked.out / "model"), said="Serving on", log=asked.out / "log") as (
        process,
        port,
    ):
        beside = Beside(process.pid, port, asked)
        beside.start()
        streams = asyncio.run(flow(port, users, items, asked))
        beside.ending.set()
        beside.join()
    found = {name: answers.summary() for name, answers in zip(("lists", "events"), streams, strict=True)}
    document = {**found, **beside.told(), "load": load_now()}
    print(json.dumps(document), flush=True)
    (asked.out / "soak.json").write_text(json.dumps({**document, "samples": beside.samples}))
    plot(beside, asked.out / "soak.svg")


async def flow(port: int, users: list[str], items: list[str], asked: Any) -> list[Any]:
    """Returns the answers of both streams."""
    drawn = generator(0, "soak")
    who, what = drawn.choice(users, size=100_000), drawn.choice(items, size=100_000)

    def ask(n: int) -> bytes:
        return get(f"/v1/recommend/{who[n % len(who)]}?k=10&explain={'true' if n % 10 == 0 else 'false'}")

    def tell(n: int) -> bytes:
        event = {"user_id": str(who[-n % len(who)]), "item_id": str(what[n % len(what)]), "weight": 4}
        return post("/v1/events", {**event, "event_id": f"soak-{n}"})

    host, seconds = "127.0.0.1", asked.seconds
    return await asyncio.gather(
        stream(host, port, ask, rate=asked.rate, seconds=seconds, connections=8),
        stream(host, port, tell, rate=asked.events, seconds=seconds, connections=2),
    )


class Beside(threading.Thread):
    """Takes the server's memory once a second and refreshes every so often, till it is told to end."""

    def __init__(self, pid: int, port: int, asked: Any) -> None:
        super().__init__()
        self._process, self._port, self._asked = psutil.Process(pid), port, asked
        self.ending = threading.Event()
        self.samples: list[tuple[float, float]] = []
        """Seconds since the start, megabytes."""
        self.swaps: list[float] = []
        self.published = 0

    def run(self) -> None:
        """Goes on till `ending`; the last refresh is waited for."""
        began, next_one, training = time.monotonic(), self._asked.every, None
        command = [sys.executable, "-m", "recsmith.cli.main", "refresh", str(self._asked.out / "model")]
        # The events are drawn at random, so a model may well be judged worse: a margin of 1 publishes all.
        command += ["--margin", "1", "--json"]
        version = self._version()
        while not self.ending.wait(1):
            now = time.monotonic() - began
            self.samples.append((round(now, 1), round(self._process.memory_info().rss / 2**20, 1)))
            if training is None and now >= next_one:
                training, next_one = (
                    subprocess.Popen(command, stdout=subprocess.PIPE),
                    now + self._asked.every,
                )
            if training is not None and training.poll() is not None:
                self._published(training)
                training = None
            if (newest := self._version()) != version:
                version = newest
                self.swaps.append(now)
        if training is not None:
            self._published(training)

    def _published(self, training: subprocess.Popen[bytes]) -> None:
        said, _ = training.communicate()
        if training.returncode:
            raise SystemExit("recsmith refresh must end well. Got an error; see above.")
        self.published += json.loads(said)["version"] is not None

    def _version(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/v1/model") as answer:
            found: str = json.load(answer)["version"]
        return found

    def told(self) -> dict[str, Any]:
        """Returns the swaps and the memory: its mean in thirds of the time, and its slope after the first."""
        at, mb = np.array(self.samples).T
        thirds = [round(float(part.mean()), 1) for part in np.array_split(mb, 3)]
        late = at > at[-1] / 3
        slope = float(np.polyfit(at[late], mb[late], 1)[0]) * 60
        return {
            "swaps": len(self.swaps),
            "published": self.published,
            "rss_mb": {"first": mb[0], "thirds": thirds, "last": mb[-1], "most": float(mb.max())},
            "mb_a_minute_after_the_first_third": round(slope, 2),
        }


def plot(beside: Beside, out: Path) -> None:
    """Draws memory over time; each dash is a swap."""
    import vl_convert

    x = {"field": "minutes", "type": "quantitative", "title": "minutes"}
    y = {"field": "MB", "type": "quantitative", "title": "resident memory, MB", "scale": {"zero": True}}
    line = {
        "data": {
            "values": [{"minutes": round(at / 60, 2), "MB": round(mb)} for at, mb in beside.samples[::3]]
        },
        "mark": {"type": "line", "color": "#0b6b6b"},
        "encoding": {"x": x, "y": y},
    }
    rules = {
        "data": {"values": [{"minutes": round(at / 60, 2)} for at in beside.swaps]},
        "mark": {"type": "rule", "strokeDash": [2, 4], "color": "#c0c0c0"},
        "encoding": {"x": x},
    }
    spec = {"width": 560, "height": 220, "background": "white", "layer": [rules, line]}
    out.write_text(vl_convert.vegalite_to_svg(spec), encoding="utf-8")


if __name__ == "__main__":
    main()
