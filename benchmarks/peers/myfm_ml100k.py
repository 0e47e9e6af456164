"""myFM's Gibbs sampler on a fold, as its examples fit it: python myfm_ml100k.py FOLD.npz RANK ITERATIONS.

Runs in an environment of its own (pip install myfm). Prints the CPU seconds of fitting and of predicting,
and the RMSE, as JSON.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import scipy.sparse as sp
from myfm import MyFMGibbsRegressor


def main() -> None:
    """Fits on one-hot users and items, each a group of columns."""
    fold = np.load(sys.argv[1])
    rank, n_iterations = int(sys.argv[2]), int(sys.argv[3])
    n_users, n_items = int(fold["n_users"]), int(fold["n_items"])

    def features(user: np.ndarray, item: np.ndarray) -> sp.csr_matrix:
        column = np.stack([user, item + n_users], axis=1).ravel()
        ends = np.arange(0, len(column) + 1, 2)
        return sp.csr_matrix((np.ones(len(column)), column, ends), (len(user), n_users + n_items))

    train = features(fold["train_user"], fold["train_item"])
    test = features(fold["test_user"], fold["test_item"])
    began = time.process_time()
    machine = MyFMGibbsRegressor(rank=rank, random_seed=int(sys.argv[4]))
    machine.fit(train, fold["train_rating"], grouping=[0] * n_users + [1] * n_items, n_iter=n_iterations)
    fitted = time.process_time()
    predicted = np.clip(machine.predict(test), 1, 5)
    done = time.process_time()
    rmse = float(np.sqrt(np.mean((predicted - fold["test_rating"]) ** 2)))
    print(json.dumps({"fit": fitted - began, "predict": done - fitted, "RMSE": rmse}))


if __name__ == "__main__":
    main()
