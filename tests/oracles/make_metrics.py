"""Writes metrics.json: golden metric values computed by other libraries on small random lists.

Run where they are installed: `pip install rectools==0.19.0 scikit-learn==1.9.1`, then
`python tests/oracles/make_metrics.py > tests/oracles/metrics.json`. recsmith itself is not imported.
"""

import importlib.metadata
import json
import sys

import numpy as np
import pandas as pd
from rectools.metrics import (
    MAP,
    MRR,
    NDCG,
    CatalogCoverage,
    F1Beta,
    HitRate,
    MeanInvUserFreq,
    Precision,
    Recall,
)
from sklearn.metrics import log_loss, ndcg_score, roc_auc_score

N_USERS, N_ITEMS, K = 40, 60, 10


def main() -> None:
    rng = np.random.default_rng(20261122)
    lists = [rng.permutation(N_ITEMS)[:K].tolist() for _ in range(N_USERS)]
    relevant = [
        sorted(rng.choice(N_ITEMS, rng.integers(1, 9), replace=False).tolist()) for _ in range(N_USERS)
    ]
    train = [rng.choice(N_ITEMS, 12, replace=False, p=zipf()).tolist() for _ in range(N_USERS)]
    for item in range(N_ITEMS):  # everybody's item is in train: libraries differ on unseen ones
        train[item % N_USERS].append(item) if item not in train[item % N_USERS] else None

    label = rng.integers(0, 2, 200)
    score = np.round(rng.random(200) * 0.6 + 0.3 * label + 0.05, 2)

    reco = table(lists).rename(columns={"place": "rank"})
    held, seen = table(relevant), table(train)
    per_user = {}
    for k in (1, 5, 10):
        per_user[f"NDCG@{k}"] = NDCG(k=k, divide_by_achievable=True).calc_per_user(reco, held)
        per_user[f"Recall@{k}"] = Recall(k=k).calc_per_user(reco, held)
        per_user[f"Precision@{k}"] = Precision(k=k).calc_per_user(reco, held)
        per_user[f"F1@{k}"] = F1Beta(k=k).calc_per_user(reco, held)
        per_user[f"HitRate@{k}"] = HitRate(k=k).calc_per_user(reco, held)
        per_user[f"MRR@{k}"] = MRR(k=k).calc_per_user(reco, held)
        per_user[f"Novelty@{k}"] = MeanInvUserFreq(k=k).calc_per_user(reco, seen)
    per_user["MAP@10"] = MAP(k=10).calc_per_user(reco, held)

    truth = np.zeros((N_USERS, N_ITEMS))
    rank_score = np.zeros((N_USERS, N_ITEMS))
    for user in range(N_USERS):
        truth[user, relevant[user]] = 1
        rank_score[user, lists[user]] = np.arange(K, 0, -1)
        rank_score[user, [i for i in range(N_ITEMS) if i not in lists[user]]] = -np.arange(1, N_ITEMS - K + 1)
    figures = {f"NDCG@{k}": ndcg_score(truth, rank_score, k=k) for k in (1, 5, 10)}
    for k in (1, 5, 10):
        figures[f"Coverage@{k}"] = CatalogCoverage(k=k, normalize=True).calc(reco, range(N_ITEMS))
    figures |= {"AUC": roc_auc_score(label, score), "LogLoss": log_loss(label, score)}

    json.dump(
        {
            "origin": {
                "command": "python tests/oracles/make_metrics.py > tests/oracles/metrics.json",
                "rectools": importlib.metadata.version("rectools"),
                "scikit-learn": importlib.metadata.version("scikit-learn"),
                "note": "per_user is RecTools (NDCG with divide_by_achievable); in figures NDCG, AUC and "
                "LogLoss are scikit-learn, Coverage is RecTools.",
            },
            "n_items": N_ITEMS, "lists": lists, "relevant": relevant, "train": train,
            "label": label.tolist(), "score": score.tolist(),
            "per_user": {
                name: [round(float(x), 12) for x in one.sort_index()] for name, one in per_user.items()
            },
            "figures": {name: round(float(value), 12) for name, value in figures.items()},
        },
        sys.stdout,
    )  # fmt: skip


def zipf() -> np.ndarray:
    share = 1.0 / np.arange(1, N_ITEMS + 1)
    return share / share.sum()


def table(rows: list[list[int]]) -> pd.DataFrame:
    return pd.DataFrame(
        [(user, item, place) for user, items in enumerate(rows) for place, item in enumerate(items, 1)],
        columns=["user_id", "item_id", "place"],
    )


if __name__ == "__main__":
    main()
