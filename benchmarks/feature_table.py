"""What item features add to NextItem, by encoder and context: python benchmarks/feature_table.py --data 100k.

Leave last out, all unseen items ranked, Recall@10 (one item is held out, so it is HitRate@10). Every network
is trained twice with the same settings: on item ids alone, and with a second group of the same encoder over
each event's genres, year and rating, genres and year joining the item vectors too. Nothing is tuned for
either side. The article on TensorFlow's on-device framework says that features add 48 % on average.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from protocols import data_folder

from recsmith.config import Run
from recsmith.data import Split, leave_last_out
from recsmith.data.sources.movielens import load_movielens
from recsmith.models.neural.next_item import NextItem

Found = dict[str, Any]

IDS = [{"name": "item_id", "type": "int"}]
OF_ITEMS = [{"name": "genres", "embedding_dim": 8}, {"name": "year", "type": "int", "embedding_dim": 4}]
OF_EVENTS = [*OF_ITEMS, {"name": "rating", "type": "float"}]
ENCODERS = ("bow", "cnn", "lstm", "transformer")
CONTEXTS = (10, 50, 100)
SIDES = ("ids", "features")
LEARNING = {
    "100k": {"dim": 32, "n_epochs": 15, "events": 1000},
    "1m": {"dim": 32, "n_epochs": 4, "events": 1500},
}


def settings(encoder: str, context: int, side: str, data: str) -> Found:
    """Returns the settings of one network; a step learns about the same number of events in all of them."""
    chosen = LEARNING[data]
    window = max(128, 2 * context) if encoder in ("bow", "cnn") else context
    label: Found = {"embedding_dim": chosen["dim"]}
    groups: list[Found] = [{"features": IDS, "encoder": encoder}]
    if side == "features":
        label["features"] = OF_ITEMS
        groups.append({"features": OF_EVENTS, "encoder": encoder, **of_second(encoder)})
    return {
        "activity_groups": groups,
        "label": label,
        "context_length": context,
        "n_epochs": chosen["n_epochs"],
        "batch_size": max(1, chosen["events"] // window),
        "learning_rate": 0.005,
        "schedule": "cosine",
        "warmup": 0.05,
        "clip_norm": 5.0,
        "init_scale": 0.16,
        "dropout": 0.1,
    }


def of_second(encoder: str) -> Found:
    """Returns the widths of the encoder over the features, half of the ids'."""
    if encoder == "cnn":
        return {"n_filters": [16]}
    if encoder == "lstm":
        return {"n_units": 16}
    return {"width": 16} if encoder == "transformer" else {}


def measure(split: Split, *, encoder: str, context: int, side: str, data: str, seed: int) -> Found:
    """Trains one network and returns its figures, with the hits of each user as a string of 0 and 1."""
    began = time.process_time()
    model = NextItem(**settings(encoder, context, side, data))
    model.fit(split.train, run=Run(seed=seed, n_threads=1))
    seconds = time.process_time() - began
    users = split.test_users()
    relevant = split.relevant(users).indices
    found = np.concatenate([block.codes for block in model.top_k(split.visible(users), k=10)])
    hits = (found == relevant[:, None]).any(1)
    return {
        "data": data,
        "encoder": encoder,
        "context": context,
        "side": side,
        "seed": seed,
        "recall": float(hits.mean()),
        "parameters": sum(p.numel() for p in model.net.parameters()),
        "cpu_seconds": round(seconds, 1),
        "hits": "".join("01"[hit] for hit in hits.astype(int)),
    }


def table(lines: list[Found], data: str) -> str:
    """Returns Markdown: both sides by encoder and context, the gain, and the mean gain of each context."""
    text = ["| encoder | context | ids | ids + features | gain |", "|---|---|---|---|---|"]
    for context in CONTEXTS:
        pairs = []
        for encoder in ENCODERS:
            pair = [hits_of(lines, data, encoder, context, side) for side in SIDES]
            if all(len(side) for side in pair):
                pairs.append(pair)
                cells = [said(side) for side in pair]
                text.append(f"| {encoder} | {context} | {cells[0]} | {cells[1]} | {gain([pair])} |")
        if pairs:
            text.append(f"| *mean* | {context} | | | **{gain(pairs)}** |")
    return "\n".join(text)


def hits_of(lines: list[Found], data: str, encoder: str, context: int, side: str) -> np.ndarray:
    """Returns [seeds, users]."""
    wanted = {"data": data, "encoder": encoder, "context": context, "side": side}
    rows = [line["hits"] for line in lines if all(line[name] == value for name, value in wanted.items())]
    return np.array([[letter == "1" for letter in row] for row in rows], float)


def said(hits_SU: np.ndarray) -> str:
    """Returns the mean over seeds, with the deviation where there are several."""
    recall_S = hits_SU.mean(1)
    spread = f" ± {recall_S.std(ddof=1):.4f}" if len(recall_S) > 1 else ""
    return f"{recall_S.mean():.4f}{spread}"


def gain(pairs: list[list[np.ndarray]], n_bootstrap: int = 1000) -> str:
    """Returns the mean gain of some pairs with its 95 % interval over users, the same users on both sides."""
    user_PU = [[side.mean(0) for side in pair] for pair in pairs]
    n_users = len(user_PU[0][0])
    drawn = np.random.default_rng(0).multinomial(n_users, np.full(n_users, 1 / n_users), n_bootstrap)
    gains_S = np.mean([(drawn @ b) / np.maximum(drawn @ a, 1) - 1 for a, b in user_PU], 0)
    mean = np.mean([b.mean() / a.mean() - 1 for a, b in user_PU])
    low, high = np.quantile(gains_S, [0.025, 0.975])
    return f"{mean:+.0%} [{low:+.0%}, {high:+.0%}]"


def main() -> None:
    """Prints a line for each network, then the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=sorted(LEARNING), default="100k")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--encoders", nargs="*", choices=ENCODERS, default=ENCODERS)
    parser.add_argument("--contexts", nargs="*", type=int, choices=CONTEXTS, default=CONTEXTS)
    parser.add_argument(
        "--out", type=Path, help="lines of JSON; networks that are there are not trained again"
    )
    asked = parser.parse_args()
    folder = data_folder()
    if folder is None:
        parser.error("set RECSMITH_DATA to the folder that holds ml-100k and ml-1m")
    split = leave_last_out(load_movielens(asked.data, path=folder / f"ml-{asked.data}"))
    lines: list[Found] = []
    if asked.out and asked.out.is_file():
        lines = [json.loads(line) for line in asked.out.read_text().splitlines()]
    for seed in range(asked.seeds):  # the first seed of every network comes first
        for context in asked.contexts:
            for encoder in asked.encoders:
                for side in SIDES:
                    asks: Found = {"encoder": encoder, "context": context, "side": side, "seed": seed}
                    asks["data"] = asked.data
                    if any(all(line[name] == asks[name] for name in asks) for line in lines):
                        continue
                    line = measure(split, **asks)
                    lines.append(line)
                    print({name: value for name, value in line.items() if name != "hits"}, flush=True)
                    if asked.out:
                        with asked.out.open("a") as file:
                            file.write(json.dumps(line) + "\n")
    print(table(lines, asked.data))


if __name__ == "__main__":
    main()
