"""The loop closes: train on half a log, serve it, replay the other half as live events, refresh twice.

At each moment of the replay somebody is about to do something: is it among the ten items that the service
shows them just before? Beside it, the model of the first day, once as it was (it never learns), once told
what the person did since (what folding in gives without training). Needs the extras `serve` and `report`;
writes the plot beside the run.

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
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from recsmith import load_movielens
from recsmith.data import Dataset
from recsmith.models import Recommender, UserKNN

BLOCK = 250  # events posted at once


def main() -> None:
    """Runs the whole loop and prints a table; the figures are also in loop.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("runs/loop"))
    parser.add_argument("--asked", type=int, default=3000, help="events of the replay that are asked about")
    asked = parser.parse_args()
    shutil.rmtree(asked.out, ignore_errors=True)
    data = load_movielens("latest-small")
    order = np.argsort(data.interactions.time, kind="stable")
    first, second = order[: len(order) // 2], order[len(order) // 2 :]
    frozen = UserKNN().fit(data.with_interactions(data.interactions.select(first)))
    frozen.save(asked.out / "model")
    rows = replay(data, first, second, frozen, asked.out / "model", n_asked=asked.asked)
    table = summed(rows)
    with pl.Config(tbl_cols=-1, tbl_width_chars=120, float_precision=4):
        print(table)
    (asked.out / "loop.json").write_text(json.dumps({"rows": rows, "table": table.to_dicts()}))
    plot(rows, asked.out / "loop.svg")
    last = table.to_dicts()[-1]
    print(
        f"After two refreshes {last['live']:.1%} of the next events were on the list, {last['frozen']:.1%} "
        f"on the first day's model's: {last['gain']:+.1%} [{last['low']:+.1%}, {last['high']:+.1%}]."
    )
    print(f"Plot: {asked.out / 'loop.svg'}")


def replay(
    data: Dataset, first: np.ndarray, second: np.ndarray, frozen: Recommender, model: Path, *, n_asked: int
) -> list[dict[str, Any]]:
    """Posts the events in order, asks before some of them, and refreshes after each third."""
    log = [told(data, part) for part in (first, second)]
    since: dict[str, dict[int, float]] = {}  # what everybody did till now
    for event in log[0]:
        since.setdefault(event["user_id"], {})[int(event["item_id"])] = event["weight"]
    drawn = np.random.default_rng(0)
    asked = {*drawn.choice(len(second), min(n_asked, len(second)), replace=False).tolist()}
    refresh_at = {len(second) // 3, 2 * len(second) // 3}
    rows: list[dict[str, Any]] = []
    waiting: list[dict[str, Any]] = []
    with Service(model) as service:
        for n, event in enumerate(log[1]):
            user, item = event["user_id"], int(event["item_id"])
            if n in refresh_at or n in asked or len(waiting) == BLOCK:
                service.post(waiting)
                waiting = []
            if n in refresh_at:
                print(service.refresh(), flush=True)
            if n in asked:
                known = since.get(user)
                never = frozen.recommend([int(user)], unknown="popular").item_ids[0]
                folded = frozen.recommend(histories=[known]).item_ids[0] if known else never
                row = {"event": n, "user": user, "live": item in service.ask(user)}
                row |= {"version": service.version, "told": item in folded, "frozen": item in never}
                rows.append(row)
            since.setdefault(user, {})[item] = event["weight"]
            waiting.append(event)
        service.post(waiting)
    return rows


def told(data: Dataset, part: np.ndarray) -> list[dict[str, Any]]:
    """Returns events as the service takes them."""
    events = data.interactions.select(part)
    assert events.time is not None
    columns = (data.users.decode(events.user), data.items.decode(events.item), events.weight, events.time)
    return [
        {
            "user_id": str(user),
            "item_id": str(item),
            "weight": float(weight),
            "time": int(time),
            "event_id": f"replay-{n}",
        }
        for n, user, item, weight, time in zip(part.tolist(), *columns, strict=True)
    ]


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
        assert self._process.stderr is not None
        self._process.stderr.close()

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
        # Some twenty people are too few to be sure; the plot shows whether it was right to publish.
        command = [
            sys.executable,
            "-m",
            "recsmith.cli.main",
            "refresh",
            str(self._model),
            "--anyway",
            "--json",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
        said = json.loads(done.stdout)
        while said["version"] not in (None, self._in_place()):
            time.sleep(0.1)
        return f"Version {said['version']}: {said['why']}."

    def _in_place(self) -> str:
        with urllib.request.urlopen(f"{self._at}/v1/model") as answer:
            found: str = json.load(answer)["version"]
        return found


def summed(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Returns the hit rates by version; `gain` is live − frozen with its 95 % bootstrap over people."""
    frame = pl.DataFrame(rows)
    told = frame.group_by("version", maintain_order=True).agg(
        pl.len().alias("asked"),
        pl.col("user").n_unique().alias("people"),
        pl.col("frozen", "told", "live").mean(),
    )
    intervals = []
    for version in told["version"]:
        of_user = (
            frame.filter(pl.col("version") == version)
            .group_by("user", maintain_order=True)
            .agg((pl.col("live").cast(pl.Int32) - pl.col("frozen")).sum().alias("gain"), pl.len().alias("n"))
        )
        gain, n = of_user["gain"].to_numpy(), of_user["n"].to_numpy()
        drawn = np.random.default_rng(0).integers(0, len(n), (2000, len(n)))
        intervals.append(np.quantile(gain[drawn].sum(axis=1) / n[drawn].sum(axis=1), (0.025, 0.975)))
    low, high = np.array(intervals).T
    return told.with_columns(
        (pl.col("live") - pl.col("frozen")).alias("gain"), pl.Series("low", low), pl.Series("high", high)
    )


def plot(rows: list[dict[str, Any]], out: Path) -> None:
    """Draws the hit rates over the replay, each point the mean of a sixth of it; dashes are the refreshes."""
    import vl_convert

    names = {
        "live": "the service, refreshed twice",
        "told": "first day's model, told",
        "frozen": "first day's model, frozen",
    }
    frame = pl.DataFrame(rows)
    width = frame["event"].max() // 6 + 1  # type: ignore[operator]
    points = (
        frame.with_columns((pl.col("event") // width * width + width // 2).alias("events"))
        .group_by("events")
        .agg(pl.col(column).mean().alias(name) for column, name in names.items())
        .unpivot(index="events", variable_name="model", value_name="hit rate")
        .sort("events")
    )
    swaps = frame.group_by("version").agg(pl.col("event").min()).sort("event")["event"].to_list()[1:]
    x = {"field": "events", "type": "quantitative", "title": "events replayed"}
    y = {
        "field": "hit rate",
        "type": "quantitative",
        "title": "next event among the ten",
        "axis": {"format": "%"},
    }
    colour = {"domain": list(names.values()), "range": ["#0b6b6b", "#d08a3a", "#8a8a8a"]}
    lines = {
        "data": {"values": points.to_dicts()},
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": x,
            "y": y,
            "color": {"field": "model", "title": None, "scale": colour, "legend": {"orient": "top"}},
        },
    }
    rules = {
        "data": {"values": [{"events": n} for n in swaps]},
        "mark": {"type": "rule", "strokeDash": [4, 4], "color": "#8a8a8a"},
        "encoding": {"x": x},
    }
    spec = {"width": 560, "height": 280, "background": "white", "layer": [rules, lines]}
    out.write_text(vl_convert.vegalite_to_svg(spec), encoding="utf-8")


if __name__ == "__main__":
    main()
