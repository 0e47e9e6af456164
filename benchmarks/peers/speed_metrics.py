"""RecTools' and ranx's jobs for benchmarks/speed.py: eight metrics of lists that are there."""

from __future__ import annotations

from typing import Any

import numpy as np
from speed_worker import Arrays, Job, serve


def rectools(data: Arrays, *, threads: int, k: int) -> Job:
    """Asks `calc_metrics` once for all, which shares what it can among them."""
    import pandas as pd
    from rectools import metrics as m

    del threads
    asked = {
        "NDCG": m.NDCG(k=k, divide_by_achievable=True),
        "HitRate": m.HitRate(k=k),
        "Recall": m.Recall(k=k),
        "Precision": m.Precision(k=k),
        "F1": m.F1Beta(k=k),
        "MRR": m.MRR(k=k),
        "MAP": m.MAP(k=k),
        "Novelty": m.MeanInvUserFreq(k=k),
    }
    names = {"user": "user_id", "item": "item_id", "rank": "rank"}
    lists = pd.DataFrame({names[key]: data[f"list_{key}"] for key in names})
    test = pd.DataFrame({"user_id": data["test_user"], "item_id": data["test_item"]})
    train = pd.DataFrame({"user_id": data["user"], "item_id": data["item"]})
    catalog = np.arange(data["shape"][1])

    def work(_: Any) -> Any:
        return m.calc_metrics(asked, lists, test, train, catalog)

    return lambda: None, work, lambda found: {name: np.array(value) for name, value in found.items()}


def ranx(data: Arrays, *, threads: int, k: int) -> Job:
    """Asks `evaluate` of lists and relevant items that have been made into its own types before."""
    import pandas as pd
    from ranx import Qrels, Run, evaluate

    asked = {
        "NDCG": "ndcg", "HitRate": "hit_rate", "Recall": "recall", "Precision": "precision", "F1": "f1",
        "MRR": "mrr", "MAP": "map", "Hits": "hits",
    }  # fmt: skip
    lists = pd.DataFrame(
        {
            "q_id": data["list_user"].astype(str),
            "doc_id": data["list_item"].astype(str),
            "score": -data["list_rank"].astype(float),
        }
    )
    test = pd.DataFrame(
        {"q_id": data["test_user"].astype(str), "doc_id": data["test_item"].astype(str), "score": 1}
    )
    run, qrels = Run.from_df(lists), Qrels.from_df(test)
    names = [f"{name}@{k}" for name in asked.values()]

    def work(_: Any) -> Any:
        return evaluate(qrels, run, names, threads=threads, save_results_in_run=False)

    def arrays(found: Any) -> Arrays:
        return {name: np.array(found[f"{theirs}@{k}"]) for name, theirs in asked.items()}

    return lambda: None, work, arrays


if __name__ == "__main__":
    serve({"rectools": rectools, "ranx": ranx})
