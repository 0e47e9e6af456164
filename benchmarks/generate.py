"""Makes an interaction log of any size: Zipf popularity, log-normal activity, written in bounded memory.

    python benchmarks/generate.py --events 25000000 --out big.parquet
    python benchmarks/generate.py --events 10000000 --users 69878 --items 10677 --tastes 20 --out t.parquet

With tastes there is something to learn: an item has a genre and a kind, people are drawn to a few of each.

Needs pyarrow (in the `dev` extra), whose Parquet writer takes one block after another.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recsmith.rng import generator

BLOCK = 1_000_000
_START, _END = 789_652_009, 1_574_327_703  # seconds; the span of MovieLens 25M
_POPULARITY_SHIFT = 30  # Zipf-Mandelbrot: the first few items do not take everything
_ROUNDS = 30
_KINDS = 8


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Says how large the log is and how it is spread; the defaults are those of MovieLens 25M."""

    n_events: int = 25_000_000
    n_users: int = 162_541
    n_items: int = 59_047
    zipf: float = 1.1
    """Popularity of the item of rank r is proportional to 1 / (r + 30) ** zipf."""
    sigma: float = 1.25
    """Spread of the logarithm of users' activity."""
    tastes: int = 0
    """Genres; each has 8 kinds. 0 makes a log without structure: everybody draws from the same popularity."""
    noise: float = 0.3
    """With tastes: the share of events that follow popularity alone."""
    seed: int = 0


def blocks(shape: Shape) -> Iterator[dict[str, np.ndarray]]:
    """Yields columns userId, movieId, rating, timestamp of about a million events at a time.

    No user meets an item twice. Users come in random order and the events of a block are shuffled, so that a
    reader has to sort. The same seed gives the same log.
    """
    rng = generator(shape.seed, "shape")
    counts = _activity(shape, rng)
    users = rng.permutation(shape.n_users)
    # Popularity has nothing to do with the order of ids.
    item_of_rank = rng.permutation(shape.n_items) + 1
    weight = (np.arange(1, shape.n_items + 1) + _POPULARITY_SHIFT) ** -shape.zipf
    cumulative = np.cumsum(weight) / weight.sum()
    quality = rng.normal(3.4, 0.45, shape.n_items)
    ends = np.cumsum(counts[users])
    first, number = 0, 0
    while first < shape.n_users:
        start = ends[first - 1] if first else 0
        last = int(np.searchsorted(ends, start + BLOCK, side="right"))
        last = max(last, first + 1)
        yield _block(
            users[first:last],
            counts,
            item_of_rank,
            cumulative,
            quality,
            generator(shape.seed, "block", number),
            shape,
        )
        first, number = last, number + 1


def write(shape: Shape, path: Path) -> int:
    """Writes the log as Parquet and returns the number of events; holds one block in memory."""
    schema = pa.schema(
        [("userId", pa.int64()), ("movieId", pa.int64()), ("rating", pa.float32()), ("timestamp", pa.int64())]
    )
    n_events = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for block in blocks(shape):
            writer.write_table(pa.table(block, schema=schema))
            n_events += len(block["userId"])
    return n_events


def _activity(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Returns int64[n_users]: log-normal, at least 1, at most a third of the items, n_events in all."""
    most = max(shape.n_items // 3, 1)
    if not shape.n_users <= shape.n_events <= shape.n_users * most:
        raise SystemExit(
            f"--events must be between {shape.n_users:,} and {shape.n_users * most:,} for these users"
        )
    raw = rng.lognormal(0.0, shape.sigma, shape.n_users)
    counts = np.clip(np.floor(raw * shape.n_events / raw.sum()), 1, most).astype(np.int64)
    while (short := shape.n_events - int(counts.sum())) != 0:
        able = np.flatnonzero(counts < most if short > 0 else counts > 1)
        chosen = rng.choice(able, size=min(abs(short), len(able)), replace=False)
        counts[chosen] += 1 if short > 0 else -1
    return counts


def _block(
    users: np.ndarray,
    counts: np.ndarray,
    item_of_rank: np.ndarray,
    cumulative: np.ndarray,
    quality: np.ndarray,
    rng: np.random.Generator,
    shape: Shape,
) -> dict[str, np.ndarray]:
    n_items = len(item_of_rank)
    wanted = counts[users]
    missing = wanted.copy()
    open_pairs = np.zeros(0, np.int64)
    finished: list[np.ndarray] = []
    drawn_to = _tastes(shape, len(users), rng) if shape.tastes else None
    for attempt in range(_ROUNDS):
        owner = np.repeat(np.arange(len(users)), missing)
        # The last rounds draw evenly: a very active user has long had all that is popular.
        draw = rng.random(len(owner))
        even = attempt >= _ROUNDS // 3
        rank = (draw * n_items).astype(np.int64) if even else np.searchsorted(cumulative, draw)
        if drawn_to is not None and not even:
            rank = _to_taste(rank, owner, drawn_to, shape, rng)
        drawn = owner * n_items + np.minimum(rank, n_items - 1)
        open_pairs = np.unique(np.concatenate([open_pairs, drawn]))
        who = open_pairs // n_items
        missing = np.where(missing > 0, wanted - np.bincount(who, minlength=len(users)), 0)
        still = missing[who] > 0
        finished.append(open_pairs[~still])
        open_pairs = open_pairs[still]
        if not missing.any():
            break
    pairs = np.concatenate([*finished, open_pairs])
    rng.shuffle(pairs)
    owner, rank = pairs // n_items, pairs % n_items
    taste = rng.normal(0.0, 0.4, len(users))
    stars = quality[rank] + taste[owner] + rng.normal(0.0, 0.85, len(pairs))
    if drawn_to is not None:  # people like what they are drawn to
        genre, kind = _place(rank, shape.tastes)
        liking = np.log(drawn_to[0][owner, genre] * drawn_to[1][owner, kind] * shape.tastes * _KINDS + 0.05)
        stars += 0.15 * liking
    joined = rng.integers(_START, _END - 86_400 * 30, len(users))
    since = rng.exponential(86_400 * 60, len(pairs)).astype(np.int64)
    return {
        "userId": users[owner] + 1,
        "movieId": item_of_rank[rank],
        "rating": np.clip(np.rint(stars * 2) / 2, 0.5, 5.0).astype(np.float32),
        "timestamp": np.minimum(joined[owner] + since, _END),
    }


def _tastes(shape: Shape, n_users: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Returns how much each user is drawn to each genre [n, tastes] and to each kind [n, 8]: shares."""
    genre = rng.dirichlet(np.full(shape.tastes, 0.25), n_users)
    return genre, rng.dirichlet(np.full(_KINDS, 0.5), n_users)


def _to_taste(
    rank: np.ndarray,
    owner: np.ndarray,
    drawn_to: tuple[np.ndarray, np.ndarray],
    shape: Shape,
    rng: np.random.Generator,
) -> np.ndarray:
    """Returns for each drawn rank one about as popular, of a genre and a kind that its user is drawn to."""
    genre, kind = (
        (np.cumsum(share, axis=1)[owner] < rng.random(len(owner))[:, None]).sum(axis=1) for share in drawn_to
    )
    cell = np.minimum(genre, shape.tastes - 1) * _KINDS + np.minimum(kind, _KINDS - 1)
    n_cells = shape.tastes * _KINDS
    wanted = rank // n_cells * n_cells + cell
    follows = (rng.random(len(rank)) >= shape.noise) & (wanted < shape.n_items)
    return np.where(follows, wanted, rank)


def _place(rank: np.ndarray, tastes: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the genre and the kind of items by their rank: every 8 · tastes ranks hold one of each pair."""
    cell = rank % (tastes * _KINDS)
    return cell // _KINDS, cell % _KINDS


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=Shape.n_events)
    parser.add_argument("--users", type=int, default=Shape.n_users)
    parser.add_argument("--items", type=int, default=Shape.n_items)
    parser.add_argument("--zipf", type=float, default=Shape.zipf)
    parser.add_argument("--sigma", type=float, default=Shape.sigma)
    parser.add_argument("--tastes", type=int, default=Shape.tastes)
    parser.add_argument("--noise", type=float, default=Shape.noise)
    parser.add_argument("--seed", type=int, default=Shape.seed)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    shape = Shape(
        n_events=given.events,
        n_users=given.users,
        n_items=given.items,
        zipf=given.zipf,
        sigma=given.sigma,
        tastes=given.tastes,
        noise=given.noise,
        seed=given.seed,
    )
    print(f"{write(shape, given.out):,} events in {given.out}")


if __name__ == "__main__":
    main()
