"""The service that implicit's documentation leads to: a fitted model, a matrix, `model.recommend` in FastAPI.

Runs in an environment of its own (pip install implicit fastapi uvicorn): no store, no events, no filters but
what was liked. Called by `serve_load.py --implicit PYTHON` with the pairs as CSV.
"""

from __future__ import annotations

import csv
import socket
import sys

import implicit
import numpy as np
import scipy.sparse as sp
import uvicorn
from fastapi import FastAPI, HTTPException


def main() -> None:
    """Fits as the documentation's first page does, then serves on a free port."""
    with open(sys.argv[1], newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    users, user = np.unique([row["user"] for row in rows], return_inverse=True)
    items, item = np.unique([row["item"] for row in rows], return_inverse=True)
    user_items = sp.csr_matrix((np.ones(len(rows), np.float32), (user, item)), (len(users), len(items)))
    model = implicit.als.AlternatingLeastSquares(factors=64)
    model.fit(user_items, show_progress=False)
    code = {name: n for n, name in enumerate(users.tolist())}
    app = FastAPI()

    @app.get("/v1/recommend/{user_id}")
    def recommend(user_id: str, k: int = 10) -> dict:
        if user_id not in code:
            raise HTTPException(404)
        at = code[user_id]
        ids, scores = model.recommend(at, user_items[at], N=k, filter_already_liked_items=True)
        return {
            "recommendations": [
                {"item_id": items[i], "score": float(s)} for i, s in zip(ids, scores, strict=True)
            ]
        }

    listening = socket.create_server(("127.0.0.1", 0))
    print(f"Serving on http://127.0.0.1:{listening.getsockname()[1]}", file=sys.stderr, flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listening])


if __name__ == "__main__":
    main()
