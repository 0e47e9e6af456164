"""The comparisons of benchmarks/speed.py: data, both sides' jobs, how results are held to each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from generate import Shape, blocks
from protocols import SEED, data_folder, tasks
from scipy import sparse

from recsmith import Run
from recsmith.data import Dataset, random_holdout
from recsmith.data.sources.movielens import load_movielens
from recsmith.models import IALS
from recsmith.rng import generator

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Side:
    """A job of one side: the file beside this one that does it, its name there, its settings."""

    title: str
    file: str
    job: str
    settings: dict[str, Any] = field(default_factory=dict)
    environment: str = "models"
    """Which of peers/speed-*.txt it runs in; no matter for recsmith."""
    per: int = 1
    """What the seconds are divided by: the epochs, where they are compared an epoch."""


@dataclass(frozen=True)
class Comparison:
    """One line of the table."""

    name: str
    title: str
    data: str
    ours: Side
    peer: Side
    target: float
    check: Callable[[Arrays, Arrays, Arrays], tuple[bool, str]]
    """(data, our arrays, their arrays) → whether the results are the same, and in which figures."""
    repeats: int = 5
    threads: tuple[int, ...] = (1, 2)


# Data ------------------------------------------------------------------------------------------------


def _ml1m() -> Dataset:
    folder = data_folder()
    if folder is None or not (folder / "ml-1m").is_dir():
        raise SystemExit("ml-1m must be there. Set RECSMITH_DATA to the folder that holds it.")
    return load_movielens("1m", path=folder / "ml-1m")


def _pairs(data: Dataset) -> Arrays:
    events = data.interactions
    return {"user": events.user, "item": events.item, "shape": np.array([data.n_users, data.n_items])}


def _generated() -> Arrays:
    shape = Shape(n_events=8_000_000, n_users=52_000, n_items=20_000)
    parts = [(block["userId"] - 1, block["movieId"] - 1) for block in blocks(shape)]
    user, item = (np.concatenate(column).astype(np.int32) for column in zip(*parts, strict=True))
    order = np.argsort(user, kind="stable")
    return {"user": user[order], "item": item[order], "shape": np.array([shape.n_users, shape.n_items])}


def _ncf() -> Arrays:
    task = tasks("ncf")[0]
    assert task.candidates is not None
    held = task.split.test.item[np.argsort(task.split.test.user, kind="stable")]
    candidate_UN = np.hstack([held[:, None], task.candidates.item.reshape(len(held), -1)])
    return {**_pairs(task.split.train), "candidate_UN": candidate_UN}


def _ratings() -> Arrays:
    split = random_holdout(_ml1m(), fraction=0.1, seed=SEED)
    test = split.test
    return {
        **_pairs(split.train),
        "weight": split.train.interactions.weight,
        "test_user": test.user, "test_item": test.item, "test_weight": test.weight,
    }  # fmt: skip


def _factors() -> Arrays:
    data = tasks("ncf")[0].split.train
    model = IALS(embedding_dim=64).fit(data)
    return {**_pairs(data), "user_UD": model.user_UD, "item_ID": model.item_ID}


def _lists() -> Arrays:
    split = random_holdout(_ml1m(), fraction=0.2, seed=SEED)
    model = IALS(embedding_dim=64).fit(split.train)
    code_UK = np.concatenate([b.codes for b in model.top_k(model.memory.histories, k=10, run=Run())])
    # Who has nothing in test is left out: the libraries differ in whom they count.
    user = np.flatnonzero(np.bincount(split.test.user, minlength=split.train.n_users))
    return {
        **_pairs(split.train),
        "test_user": split.test.user, "test_item": split.test.item,
        "list_user": np.repeat(user, 10), "list_item": code_UK[user].ravel(),
        "list_rank": np.tile(np.arange(1, 11), len(user)),
    }  # fmt: skip


DATA: dict[str, Callable[[], Arrays]] = {
    "ml1m": lambda: _pairs(_ml1m()), "generated": _generated, "ncf": _ncf, "ratings": _ratings,
    "factors": _factors, "lists": _lists,
}  # fmt: skip


# Checks ----------------------------------------------------------------------------------------------


def same_neighbours(data: Arrays, ours: Arrays, theirs: Arrays) -> tuple[bool, str]:
    """Compares similarities place by place, and lists but for items that tie with the last one."""
    n_items = int(data["shape"][1])
    mine, yours = (
        sparse.csr_matrix((side["similarity"], side["item"], side["indptr"]), shape=(n_items, n_items))
        for side in (ours, theirs)
    )
    yours = sparse.csr_matrix(yours - sparse.diags(yours.diagonal()))
    yours.eliminate_zeros()
    same, most, checked = 0, 0.0, 0
    for item in generator(SEED, "speed").choice(n_items, min(n_items, 2_000), replace=False):
        a, b = mine[item], yours[item]
        left, right = np.sort(a.data)[::-1], np.sort(b.data)[::-1]
        if len(left) != len(right):
            return False, f"item {item}: {len(left)} and {len(right)} neighbours"
        most = max(most, float(np.abs(left - right).max(initial=0)))
        above = right.min() * (1 + 1e-5) if len(right) else 0
        checked += 1
        same += set(a.indices[a.data > above]) == set(b.indices[b.data > above])
    text = f"{same:,} of {checked:,} lists alike but for ties, similarities within {most:.0e}"
    return same == checked and most < 1e-5, text


def ndcg(data: Arrays, factors: Arrays) -> np.ndarray:
    """Returns each user's NDCG@10 of the held item among its 99 negatives; ties go against it."""
    score_UN = np.einsum("ud,und->un", factors["user_UD"], factors["item_ID"][data["candidate_UN"]])
    rank_U = (score_UN[:, 1:] >= score_UN[:, :1]).sum(axis=1)
    return np.where(rank_U < 10, 1 / np.log2(rank_U + 2), 0.0)


def same_ndcg(data: Arrays, ours: Arrays, theirs: Arrays) -> tuple[bool, str]:
    """Holds our NDCG@10 to theirs: not below by more than a standard error of the paired difference."""
    mine, yours = ndcg(data, ours), ndcg(data, theirs)
    error = float((mine - yours).std(ddof=1) / np.sqrt(len(mine)))
    text = f"NDCG@10 {mine.mean():.4f} and {yours.mean():.4f} (± {error:.4f} paired)"
    return bool(mine.mean() >= yours.mean() - error), text


def same_rmse(data: Arrays, ours: Arrays, theirs: Arrays) -> tuple[bool, str]:
    """Holds our test RMSE to theirs, to within .002."""
    mine, yours = (
        float(np.sqrt(np.mean((side["predicted"] - data["test_weight"]) ** 2))) for side in (ours, theirs)
    )
    return mine <= yours + 0.002, f"RMSE {mine:.4f} and {yours:.4f}"


def same_lists(data: Arrays, ours: Arrays, theirs: Arrays) -> tuple[bool, str]:
    """Compares the scores place by place, and who is listed."""
    difference = float(np.abs(ours["score"] - theirs["score"]).max())
    alike = float((ours["item"] == theirs["item"]).mean())
    return difference < 1e-4 and alike > 0.999, f"{alike:.2%} of places alike, scores within {difference:.0e}"


def same_metrics(names: tuple[str, ...]) -> Callable[[Arrays, Arrays, Arrays], tuple[bool, str]]:
    """Compares the metrics that both define alike."""

    def check(data: Arrays, ours: Arrays, theirs: Arrays) -> tuple[bool, str]:
        most = max(abs(float(ours[name]) - float(theirs[name])) for name in names)
        return most < 1e-6, f"{', '.join(names)} within {most:.0e}"

    return check


# Comparisons -----------------------------------------------------------------------------------------


def _knn(title: str, data: str, repeats: int) -> Comparison:
    return Comparison(
        name=f"itemknn-{data}",
        title=title,
        data=data,
        ours=Side("`ItemKNN`", "speed_jobs.py", "item_knn", {"n_neighbours": 100}),
        peer=Side("implicit `CosineRecommender`", "peers/speed_models.py", "cosine", {"n_neighbours": 100}),
        target=3.0,
        check=same_neighbours,
        repeats=repeats,
    )


@cache
def comparisons() -> tuple[Comparison, ...]:
    """Lists all lines."""
    return (
        _knn("fit, 100 neighbours, ML-1M", "ml1m", 5),
        _knn("fit, 100 neighbours, 8 M events of 20,000 items", "generated", 3),
        Comparison(
            "ials-64", "fit to equal NDCG, 64 factors, NCF files", "ncf",
            Side("`IALS`, 4 epochs", "speed_jobs.py", "ials", {"embedding_dim": 64, "n_epochs": 4}),
            Side("implicit `AlternatingLeastSquares`", "peers/speed_models.py", "als",
                 {"factors": 64, "iterations": 15, "random_state": 0}),
            2.0, same_ndcg,
        ),
        Comparison(
            "ials-64-tuned", "the same, both sides' settings from validation", "ncf",
            Side("`IALS`, 8 epochs", "speed_jobs.py", "ials", {"embedding_dim": 64, "n_epochs": 8}),
            Side("implicit `AlternatingLeastSquares`", "peers/speed_models.py", "als",
                 {"factors": 64, "iterations": 15, "alpha": 5.0, "regularization": 1.0, "random_state": 0}),
            2.0, same_ndcg,
        ),
        Comparison(
            "bpr", "fit to equal NDCG, 64 factors, NCF files", "ncf",
            Side("`BPR`, 15 epochs", "speed_jobs.py", "bpr", {"embedding_dim": 64, "n_epochs": 15}),
            Side("implicit `BayesianPersonalizedRanking`", "peers/speed_models.py", "bpr",
                 {"factors": 64, "iterations": 50, "random_state": 0}),
            2.0, same_ndcg, repeats=2,
        ),
        Comparison(
            "funksvd", "an epoch, 100 factors, ML-1M 90/10", "ratings",
            Side("`FunkSVD`", "speed_jobs.py", "funk_svd",
                 {"n_epochs": 20, "learning_rate": 0.005, "learning_rate_decay": 1.0,
                  "regularization": 0.02}, per=20),
            Side("Surprise `SVD`", "peers/speed_models.py", "svd",
                 {"n_factors": 100, "n_epochs": 20}, per=20),
            5.0, same_rmse, repeats=3, threads=(1,),
        ),
        Comparison(
            "recommend", "top 10 of 6,040 people, seen left out, 64 factors", "factors",
            Side("`IALS.top_k`", "speed_jobs.py", "recommend", {"k": 10}),
            Side("implicit `recommend`", "peers/speed_models.py", "recommend", {"k": 10}),
            2.0, same_lists, repeats=15,
        ),
        Comparison(
            "metrics-rectools", "eight metrics of 6,040 lists of 10", "lists",
            Side("recsmith", "speed_jobs.py", "metrics", {"k": 10}),
            Side("RecTools `calc_metrics`", "peers/speed_metrics.py", "rectools", {"k": 10}, "metrics"),
            5.0, same_metrics(("NDCG", "HitRate", "Recall", "Precision", "F1", "MRR")),
            repeats=15, threads=(1,),
        ),
        Comparison(
            "metrics-ranx", "eight metrics of 6,040 lists of 10", "lists",
            Side("recsmith", "speed_jobs.py", "metrics", {"k": 10}),
            Side("ranx `evaluate`", "peers/speed_metrics.py", "ranx", {"k": 10}, "metrics"),
            5.0, same_metrics(("NDCG", "HitRate", "Recall", "Precision", "MRR")),
            repeats=15,
        ),
    )  # fmt: skip
