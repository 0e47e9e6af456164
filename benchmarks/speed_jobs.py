"""recsmith's jobs for benchmarks/speed.py: the same work that peers/speed_*.py give their libraries."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

import recsmith.models
from recsmith import Run
from recsmith.data import Dataset, Interactions, Vocabulary
from recsmith.evaluation.metrics import Catalogue, RankedLists, RankingMetric, parse_metrics
from recsmith.models.base import Recommender
from recsmith.models.factorization.funk_svd import FunkSVD
from recsmith.models.factorization.ials import IALS
from recsmith.models.neighbourhood.item_knn import ItemKNN

sys.path.insert(0, str(Path(__file__).with_name("peers")))
from speed_worker import Arrays, Job, serve

METRICS = ("NDCG", "HitRate", "Recall", "Precision", "F1", "MRR", "MAP", "Novelty")


def _dataset(data: Arrays) -> Dataset:
    """Returns a data set of codes; made anew for each fit, so that nothing is left over from the last."""
    n_users, n_items = data["shape"]
    events = Interactions.from_arrays(data["user"], data["item"], data.get("weight"))
    users, items = (Vocabulary(np.arange(n)) for n in (n_users, n_items))
    return Dataset(events, users, items, feedback="ratings" if "weight" in data else "implicit")


def _fit(data: Arrays, model: str, threads: int, settings: dict[str, Any], arrays: Any) -> Job:
    def work(given: Dataset) -> Recommender:
        chosen: type[Recommender] = getattr(recsmith.models, model)
        return chosen(**settings).fit(given, run=Run(n_threads=threads))

    return lambda: _dataset(data), work, arrays


def item_knn(data: Arrays, *, threads: int, **settings: Any) -> Job:
    """Fits ItemKNN; its lists as rows."""

    def arrays(model: ItemKNN) -> Arrays:
        rows = model.similarity_SI.T.tocsr()
        return {"indptr": rows.indptr, "item": rows.indices, "similarity": rows.data}

    return _fit(data, "ItemKNN", threads, settings, arrays)


def ials(data: Arrays, *, threads: int, **settings: Any) -> Job:
    """Fits IALS."""
    return _fit(
        data, "IALS", threads, settings, lambda model: {"user_UD": model.user_UD, "item_ID": model.item_ID}
    )


def bpr(data: Arrays, *, threads: int, **settings: Any) -> Job:
    """Fits BPR; the bias as one more number of each item's vector."""

    def arrays(model: Any) -> Arrays:
        ones = np.ones((len(model.user_UD), 1), np.float32)
        return {
            "user_UD": np.hstack([model.user_UD, ones]),
            "item_ID": np.hstack([model.item_ID, model.item_bias_I[:, None]]),
        }

    return _fit(data, "BPR", threads, settings, arrays)


def funk_svd(data: Arrays, *, threads: int, **settings: Any) -> Job:
    """Fits FunkSVD; predicts the test ratings."""

    def arrays(model: FunkSVD) -> Arrays:
        histories = model.memory.histories
        predicted = model._predict(histories, data["test_user"], data["test_item"].astype(np.int32))
        return {"predicted": predicted}

    return _fit(data, "FunkSVD", threads, settings, arrays)


def recommend(data: Arrays, *, threads: int, k: int) -> Job:
    """Asks for the best k of all users, from factors that are given."""
    dataset = _dataset(data)
    model = IALS(embedding_dim=data["item_ID"].shape[1], n_epochs=1).fit(dataset)
    model.user_UD, model.item_ID = data["user_UD"], data["item_ID"]

    def work(_: Any) -> list[Any]:
        return list(model.top_k(model.memory.histories, k=k, run=Run(n_threads=threads)))

    def arrays(blocks: list[Any]) -> Arrays:
        return {
            "item": np.concatenate([block.codes for block in blocks]),
            "score": np.concatenate([block.scores for block in blocks]),
        }

    return lambda: None, work, arrays


def metrics(data: Arrays, *, threads: int, k: int) -> Job:
    """Judges lists that come as a table of user, item, rank, against a table of test events."""
    del threads
    n_users, n_items = (int(n) for n in data["shape"])
    asked = [m for m in parse_metrics([f"{name}@{k}" for name in METRICS]) if isinstance(m, RankingMetric)]

    def work(_: Any) -> dict[str, float]:
        code_UK = np.full((n_users, k), -1, np.int32)
        code_UK[data["list_user"], data["list_rank"] - 1] = data["list_item"]
        ones = np.ones(len(data["test_user"]), np.float32)
        pairs = (ones, (data["test_user"], data["test_item"]))
        relevant = sparse.csr_matrix(pairs, shape=(n_users, n_items))
        catalogue = Catalogue(np.bincount(data["item"], minlength=n_items), n_users)
        lists = RankedLists.of(code_UK, relevant, catalogue)
        return {type(m).__name__: float(np.nanmean(m.per_user(lists))) for m in asked}

    return lambda: None, work, lambda found: {name: np.array(value) for name, value in found.items()}


JOBS = {
    "item_knn": item_knn, "ials": ials, "bpr": bpr, "funk_svd": funk_svd, "recommend": recommend,
    "metrics": metrics,
}  # fmt: skip

if __name__ == "__main__":
    serve(JOBS)
