"""implicit's and Surprise's jobs for benchmarks/speed.py, each as its documentation fits and asks it."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from speed_worker import Arrays, Job, serve


def _matrix(data: Arrays) -> csr_matrix:
    n_users, n_items = data["shape"]
    ones = np.ones(len(data["user"]), np.float32)
    return csr_matrix((ones, (data["user"], data["item"])), shape=(n_users, n_items))


def cosine(data: Arrays, *, n_neighbours: int, threads: int) -> Job:
    """Fits CosineRecommender; its lists hold the item itself, so it is asked for one more."""
    from implicit.nearest_neighbours import CosineRecommender

    matrix = _matrix(data)

    def work(given: csr_matrix) -> Any:
        model = CosineRecommender(K=n_neighbours + 1, num_threads=threads)
        model.fit(given, show_progress=False)
        return model.similarity

    def arrays(similarity: csr_matrix) -> Arrays:
        return {"indptr": similarity.indptr, "item": similarity.indices, "similarity": similarity.data}

    return matrix.copy, work, arrays


def als(data: Arrays, *, threads: int, **settings: Any) -> Job:
    """Fits AlternatingLeastSquares on the CPU, with its native conjugate gradients."""
    from implicit.cpu.als import AlternatingLeastSquares

    matrix = _matrix(data)

    def work(given: csr_matrix) -> Any:
        model = AlternatingLeastSquares(num_threads=threads, **settings)
        model.fit(given, show_progress=False)
        return model

    return matrix.copy, work, _factors


def bpr(data: Arrays, *, threads: int, **settings: Any) -> Job:
    """Fits BayesianPersonalizedRanking."""
    from implicit.cpu.bpr import BayesianPersonalizedRanking

    matrix = _matrix(data)

    def work(given: csr_matrix) -> Any:
        model = BayesianPersonalizedRanking(num_threads=threads, **settings)
        model.fit(given, show_progress=False)
        return model

    return matrix.copy, work, _factors


def recommend(data: Arrays, *, threads: int, k: int) -> Job:
    """Asks for the best k of all users at once, from factors that are given."""
    from implicit.cpu.als import AlternatingLeastSquares

    matrix = _matrix(data)
    model = AlternatingLeastSquares(factors=data["item_ID"].shape[1], num_threads=threads)
    model.user_factors, model.item_factors = data["user_UD"], data["item_ID"]
    everybody = np.arange(matrix.shape[0])

    def work(given: csr_matrix) -> Any:
        return model.recommend(everybody, given, N=k, filter_already_liked_items=True)

    return matrix.copy, work, lambda found: {"item": found[0], "score": found[1]}


def svd(data: Arrays, *, threads: int, **settings: Any) -> Job:
    """Fits Surprise's SVD, which has one thread; predicts the test ratings."""
    from surprise import SVD, Dataset, Reader

    del threads
    rows = zip(data["user"].tolist(), data["item"].tolist(), data["weight"].tolist(), strict=True)
    reader = Reader(rating_scale=(float(data["weight"].min()), float(data["weight"].max())))
    held = Dataset(reader)
    trainset = held.construct_trainset([(u, i, r, None) for u, i, r in rows])

    def work(given: Any) -> Any:
        model = SVD(random_state=0, **settings)
        model.fit(given)
        return model

    def arrays(model: Any) -> Arrays:
        pairs = zip(data["test_user"].tolist(), data["test_item"].tolist(), strict=True)
        return {"predicted": np.array([model.predict(u, i).est for u, i in pairs])}

    return lambda: trainset, work, arrays


def _factors(model: Any) -> Arrays:
    return {"user_UD": np.asarray(model.user_factors), "item_ID": np.asarray(model.item_factors)}


if __name__ == "__main__":
    serve({"cosine": cosine, "als": als, "bpr": bpr, "recommend": recommend, "svd": svd})
