"""The published protocols that recsmith is measured on: data, splits, candidates, validation parts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from recsmith.data import Split, k_fold, leave_last_out, random_holdout
from recsmith.data.filters import k_core, min_rating
from recsmith.data.sources.movielens import load_movielens, movielens_folds
from recsmith.data.sources.movielens_ncf import load_ncf_ml1m
from recsmith.evaluation import Negatives, sample_negatives

SEED = 0


@dataclass(frozen=True)
class Task:
    """One split to judge on, and the candidates where the protocol samples some."""

    split: Split
    candidates: Negatives | None = None


def data_folder() -> Path | None:
    """Gives the folder with `ml-100k` and `ml-1m`: RECSMITH_DATA, or `shared/data` beside the repository."""
    named = os.environ.get("RECSMITH_DATA")
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    for folder in (Path(named) if named else None, beside):
        if folder is not None and folder.is_dir():
            return folder
    return None


def missing(protocol: str) -> str | None:
    """Says why a protocol cannot run here, or nothing."""
    needed = {
        "ncf": "ml-1m/ncf_item_map.csv",
        "10core": "ml-1m/ratings.dat",
        "100k": "ml-100k/u.data",
        "100k-official": "ml-100k/u5.test",
        "100k-u1": "ml-100k/u1.test",
        "1m-90/10": "ml-1m/ratings.dat",
    }[protocol]
    folder = data_folder()
    if folder is not None and (folder / needed).is_file():
        return None
    return f"{needed} is not there; set RECSMITH_DATA to the folder that holds it"


def tasks(protocol: str) -> list[Task]:
    """Gives the tasks of a protocol; figures are means over them.

    `ncf`: MovieLens 1M, leave last out, 99 negatives as published (He et al. 2017). `10core`: MovieLens 1M,
    ratings of 4 and 5, iterative 10-core, a random fifth of each user's events, five draws, full ranking
    (Anelli et al. 2022). `100k`: MovieLens 100K, 5 shuffled folds. `100k-official`: its folds u1 to u5;
    `100k-u1`: the first. `1m-90/10`: MovieLens 1M, a random tenth held out.
    """
    if protocol == "ncf":
        return [_ncf()]
    if protocol == "10core":
        liked = k_core(min_rating(load_movielens("1m", path=_need("ml-1m")), rating=4), k=10)
        return [
            Task(random_holdout(liked, fraction=0.2, per_user=True, seed=SEED + draw)) for draw in range(5)
        ]
    if protocol == "100k":
        return [
            Task(split) for split in k_fold(load_movielens("100k", path=_need("ml-100k")), n=5, seed=SEED)
        ]
    if protocol == "1m-90/10":
        data = load_movielens("1m", path=_need("ml-1m"))
        return [Task(random_holdout(data, fraction=0.1, seed=SEED))]
    folds = ("u1",) if protocol == "100k-u1" else ("u1", "u2", "u3", "u4", "u5")
    return [Task(split) for split in movielens_folds(_need("ml-100k"), folds=folds)]


def validation(protocol: str, *, draws: int = 1) -> list[Task]:
    """Gives tasks on one split of the train part, for choosing settings; the test is never touched.

    `ncf`: each user's last train event among 99 sampled negatives, drawn `draws` times. Else a random fifth
    of the first train part, for `10core` of each user's events, as the test is made.
    """
    train = tasks(protocol)[0].split.train
    if protocol == "ncf":
        split = leave_last_out(train)
        return [
            Task(split, sample_negatives(split, n_negatives=99, seed=SEED + draw)) for draw in range(draws)
        ]
    return [Task(random_holdout(train, fraction=0.2, per_user=protocol == "10core", seed=SEED))]


@cache
def _ncf() -> Task:
    split, item_UN = load_ncf_ml1m(_need("ml-1m"))
    held, negatives = item_UN[:, :1], item_UN[:, 1:]
    assert (held[:, 0] == split.test.item[np.argsort(split.test.user, kind="stable")]).all()
    return Task(split, Negatives.of(negatives, rule="the 99 negatives published with the data"))


def _need(name: str) -> Path:
    folder = data_folder()
    if folder is None or not (folder / name).is_dir():
        raise SystemExit(f"{name} must be there. Set RECSMITH_DATA to the folder that holds it.")
    return folder / name
