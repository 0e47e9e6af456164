"""The loop closes: train on half a log, serve it, replay the other half as live events, refresh twice.

At each moment of the replay some people are about to do something: is it in the ten items that the service
shows them just before? Beside it, the model of the first day that never learns. Needs the extras `serve` and
`report`; writes the plot beside the run.

    python examples/close_the_loop.py --out runs/loop
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from recsmith import load_movielens
from recsmith.data import Dataset
from recsmith.models import IALS

BLOCK = 250  # events posted at once
ASKED = 12  # of them asked about before


def main() -> None:
    """Runs the whole loop and prints a table; the figures are also in loop.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("runs/loop"))
    parser.add_argument("--events", type=int, default=20_000, help="replay so many of the second half")
    asked = parser.parse_args()
    shutil.rmtree(asked.out, ignore_errors=True)
    data = load_movielens("latest-small")
    order = np.argsort(data.interactions.time, kind="stable")
    half = len(order) // 2
    first, second = order[:half], order[half : half + asked.events]
    frozen = IALS(embedding_dim=32).fit(data.with_interactions(data.interactions.select(first)))
    frozen.save(asked.out / "model")
    rows = replay(data, second, frozen, asked.out / "model")
    table = summed(rows)
    print(table)
    (asked.out / "loop.json").write_text(json.dumps({"rows": rows, "table": table.to_dicts()}))
    plot(rows, asked.out / "loop.svg")
    print(f"Plot: {asked.out / 'loop.svg'}")


def replay(data: Dataset, second: np.ndarray, frozen: IALS, model: Path) -> list[dict[str, Any]]:
    """Posts the events in order, asks before some of them, and refreshes after each third."""
    events = data.interactions
    users, items = data.users.decode(events.user[second]), data.items.decode(events.item[second])
    drawn = np.random.default_rng(0)
    rows = []

    def told(n: int) -> dict[str, Any]:
        return {
            "user_id": str(users[n]),
            "item_id": str(items[n]),
            "weight": float(events.weight[second[n]]),
            "time": int(events.time[second[n]]),
            "event_id": f"replay-{n}",
        }

    with Service(model) as service:
        refresh_at = {len(second) // 3, 2 * len(second) // 3}
        for start in range(0, len(second), BLOCK):
            block = range(start, min(start + BLOCK, len(second)))
            if any(start <= moment < start + BLOCK for moment in refresh_at):
                print(service.refresh(), flush=True)
            posted = start
            for place in sorted(drawn.choice(block, min(ASKED, len(block)), replace=False).tolist()):
                service.post([told(n) for n in range(posted, place)])
                posted = place
                shown = service.ask(users[place])
                never = frozen.recommend([users[place]], unknown="popular").item_ids[0]
                rows.append(
                    {
                        "event": place,
                        "version": service.version,
                        "live": items[place] in shown,
                        "frozen": items[place] in never,
                    }
                )
            service.post([told(n) for n in range(posted, block.stop)])
    return rows


class Service:
    """Is `recsmith serve` in a process of its own, on a free port."""

    def __init__(self, model: Path) -> None:
        self._model, self.version = model, ""

    def __enter__(self) -> Service:
        command = [sys.executable, "-m", "recsmith.cli.main", "serve", str(self._model), "--port", "0"]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if found := re.search(r"http://\S+:\d+", line):
                self._at = found[0]
                break
        else:
            raise SystemExit("The service must start. Got nothing.")
        # Its log goes on: it must be read, or the pipe fills.
        self._log = subprocess.Popen(["cat"], stdin=self._process.stderr, stdout=subprocess.DEVNULL)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._log.wait(5)

    def ask(self, user: Any) -> list[Any]:
        """Returns the ten items that the service shows a person now."""
        with urllib.request.urlopen(f"{self._at}/v1/recommend/{user}?k=10") as answer:
            said = json.load(answer)
        self.version = said["version"]
        return [line["item_id"] for line in said["recommendations"]]

    def post(self, events: list[dict[str, Any]]) -> None:
        """Posts events and checks that all are new."""
        if not events:
            return
        request = urllib.request.Request(
            f"{self._at}/v1/events", json.dumps(events).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            assert json.load(answer)["accepted"] == len(events)

    def refresh(self) -> str:
        """Trains on what came in and waits till the service has taken it up; returns what was said."""
        command = [sys.executable, "-m", "recsmith.cli.main", "refresh", str(self._model)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
        return done.stdout.strip()


def summed(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Returns the hit rate of both, for the time of each version."""
    return (
        pl.DataFrame(rows)
        .group_by("version", maintain_order=True)
        .agg(pl.len().alias("asked"), pl.col("live").mean(), pl.col("frozen").mean())
        .with_columns((pl.col("live") - pl.col("frozen")).alias("difference"))
    )


def plot(rows: list[dict[str, Any]], out: Path) -> None:
    """Draws the hit rate of both over the replay, each point the mean of a tenth of it."""
    import vl_convert

    frame = pl.DataFrame(rows)
    width = frame["event"].max() // 10 + 1  # type: ignore[operator]
    points = (
        frame.with_columns((pl.col("event") // width * width + width // 2).alias("events"))
        .group_by("events")
        .agg(pl.col("live").mean(), pl.col("frozen").mean())
        .unpivot(index="events", variable_name="model", value_name="hit rate")
        .sort("events")
    )
    swaps = frame.group_by("version").agg(pl.col("event").min()).sort("event")["event"].to_list()[1:]
    spec = {
        "width": 560,
        "height": 280,
        "layer": [
            {
                "data": {"values": points.to_dicts()},
                "mark": {"type": "line", "point": True},
                "encoding": {
                    "x": {"field": "events", "type": "quantitative", "title": "events replayed"},
                    "y": {
                        "field": "hit rate",
                        "type": "quantitative",
                        "title": "hit rate of the next event in ten",
                    },
                    "color": {"field": "model", "title": None, "scale": {"range": ["#888888", "#1f6feb"]}},
                },
            },
            {
                "data": {"values": [{"events": n} for n in swaps]},
                "mark": {"type": "rule", "strokeDash": [4, 4]},
                "encoding": {"x": {"field": "events", "type": "quantitative"}},
            },
        ],
    }
    out.write_text(vl_convert.vegalite_to_svg(spec), encoding="utf-8")


if __name__ == "__main__":
    main()
