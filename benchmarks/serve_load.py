"""Measures the service under a steady load: python benchmarks/serve_load.py [--million] [--implicit PYTHON].

MovieLens 1M, IALS with 64 dimensions, k = 10, what was seen left out, one worker process; so many lists and
events a second side by side, for goals of p50 ≤ 5 ms and p99 ≤ 20 ms at 300 and 50. `--million` serves
generated vectors of a million items through an HNSW index instead (goal: p99 ≤ 50 ms). `--implicit` names the
interpreter of an environment with implicit, fastapi and uvicorn, and measures in the same run a service
written as implicit's documentation shows. The machine's load stands beside the figures: compare none taken
above 4.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psutil
from serve_client import get, load_now, post, serve_command, served, stream

from recsmith import load_movielens
from recsmith.data import Dataset
from recsmith.data.door.door import read_frame
from recsmith.models import IALS, Pipeline
from recsmith.rng import generator

PEER = Path(__file__).parent / "peers" / "implicit_service.py"


def main() -> None:
    """Prints a line of JSON for each service measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="1m", help="a MovieLens size; latest-small for a trial")
    parser.add_argument("--rate", type=float, default=300, help="lists a second")
    parser.add_argument("--events", type=float, default=50, help="events a second beside them")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--million", action="store_true", help="generated vectors behind HNSW")
    parser.add_argument("--items", type=int, default=1_000_000, help="with --million, so many")
    parser.add_argument("--implicit", metavar="PYTHON", help="measure implicit's service too")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        if asked.million:
            model: Any = million(asked.items)
        else:
            model = IALS(embedding_dim=64).fit(load_movielens(asked.data))
        model.save(work / "model")
        users = [str(user) for user in model.memory.users.ids.to_list()]
        items = [str(item) for item in model.memory.items.ids.to_list()[:3000]]
        what = {
            "rate": asked.rate,
            "events": asked.events,
            "seconds": asked.seconds,
            "items": len(model.memory.items),
        }
        with served(serve_command(work / "model"), said="Serving on", log=work / "log") as (process, port):
            show("recsmith", what, measure(process.pid, port, users, items, asked))
        if asked.implicit and not asked.million:
            pairs(model, work / "pairs.parquet")
            command = [asked.implicit, str(PEER), str(work / "pairs.csv")]
            with served(command, said="Serving on", log=work / "peer-log") as (process, port):
                show("implicit", what, measure(process.pid, port, users, [], asked))


def measure(pid: int, port: int, users: list[str], items: list[str], asked: Any) -> dict[str, Any]:
    """Returns percentiles of lists and of events, CPU seconds a request, and what each stage cost."""
    drawn = generator(0, "load")
    who = drawn.choice(users, size=100_000)
    what = drawn.choice(items, size=100_000) if items else np.zeros(0)
    once = str(time.time_ns())

    def ask(n: int) -> bytes:
        return get(f"/v1/recommend/{who[n % len(who)]}?k=10" + ("&trace=true" if n % 100 == 0 else ""))

    def tell(n: int) -> bytes:
        event = {"user_id": str(who[-n % len(who)]), "item_id": str(what[n]), "event_id": f"{once}-{n}"}
        return post("/v1/events", event)

    async def both(seconds: float) -> list[Any]:
        streams = [stream("127.0.0.1", port, ask, rate=asked.rate, seconds=seconds, connections=16)]
        if items and asked.events:
            streams.append(stream("127.0.0.1", port, tell, rate=asked.events, seconds=seconds, connections=4))
        return await asyncio.gather(*streams)

    asyncio.run(both(min(3.0, asked.seconds)))  # what is compiled and cached at first use
    once += "b"
    before, cpu = load_now(), psutil.Process(pid).cpu_times()
    lists, *events = asyncio.run(both(asked.seconds))
    after = psutil.Process(pid).cpu_times()
    stages: dict[str, list[float]] = defaultdict(list)
    for body in lists.bodies:
        for step in json.loads(body).get("trace") or []:
            stages[step["stage"]].append(step["ms"])
    spent = after.user + after.system - cpu.user - cpu.system
    return {
        "load_before": before,
        "load_after": load_now(),
        "lists": lists.summary(),
        "events": events[0].summary() if events else None,
        "cpu_ms_a_request": round(
            1000 * spent / max(len(lists.seconds) + sum(len(e.seconds) for e in events), 1), 3
        ),
        "stage_ms_p50": {name: round(float(np.median(ms)), 3) for name, ms in stages.items()},
        "rss_mb": round(psutil.Process(pid).memory_info().rss / 2**20),
    }


def show(name: str, what: dict[str, Any], found: dict[str, Any]) -> None:
    """Prints a service's figures."""
    print(json.dumps({"service": name, **what, **found}), flush=True)


def million(n_items: int, *, n_dims: int = 64, n_users: int = 20_000) -> Pipeline:
    """Returns a pipeline over generated vectors: IALS as both stages, with vectors that were not learnt.

    The people's histories are real rows (20 items each); only the vectors are drawn, in clusters.
    """
    drawn = generator(0, "million")
    user = np.repeat(np.arange(n_users), 20)
    item = drawn.integers(0, n_items, len(user))
    item[:n_items] = np.arange(n_items)[: len(item)]
    frame = pl.DataFrame({"user_id": user, "item_id": item, "time": np.arange(len(user))})
    data = read_frame(
        frame, user="user_id", item="item_id", time="time", feedback="implicit", name="generated"
    )
    data = Dataset(
        data.interactions, data.users, data.items.extend(pl.Series(range(n_items))), name="generated"
    )
    ials = {"class": "IALS", "embedding_dim": n_dims, "n_epochs": 1}
    model = Pipeline(retriever=ials, ranker=ials, n_candidates=200).fit(data)
    centre = drawn.standard_normal((2000, n_dims), np.float32)
    vectors = centre[drawn.integers(0, 2000, n_items)] + 0.5 * drawn.standard_normal(
        (n_items, n_dims), np.float32
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for stage in (model.retriever, model.ranker):
        assert isinstance(stage, IALS)
        stage.item_ID = vectors
        stage.user_UD = centre[drawn.integers(0, 2000, n_users)]
    model.config = model.config.model_copy(update={"index": "hnsw"})
    model._index = model._new_index({})
    return model


def pairs(model: Any, path: Path) -> None:
    """Writes the training pairs for the other service."""
    rows = model.memory.histories
    user = np.repeat(model.memory.users.ids.to_numpy(), rows.lengths)
    item = model.memory.items.ids.to_numpy()[rows.item]
    pl.DataFrame({"user": user, "item": item}).write_csv(path.with_suffix(".csv"))


if __name__ == "__main__":
    main()
