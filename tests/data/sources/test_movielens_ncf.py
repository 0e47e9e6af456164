"""The NCF protocol's files: held-out pairs, candidates, and nothing lost from the train part."""

import os
from pathlib import Path

import numpy as np
import pytest

from recsmith.data.sources.movielens_ncf import load_ncf_ml1m
from recsmith.errors import DataError

SHARED = Path(os.environ.get("RECSMITH_DATA") or Path(__file__).parents[4] / "shared" / "data")


@pytest.fixture
def small(tmp_path):
    (tmp_path / "ratings.dat").write_text(
        "1::50::5::978300760\n1::60::4::978300761\n2::60::3::978302109\n2::70::2::978302110\n"
    )
    (tmp_path / "ncf_item_map.csv").write_text("ncf_item,movieId\n0,70\n1,60\n2,50\n")
    # Users may come in any order.
    (tmp_path / "ncf_ml-1m.test.rating").write_text("1\t0\t2\t978302110\n0\t1\t4\t978300761\n")
    (tmp_path / "ncf_ml-1m.test.negative").write_text("(1,0)\t2\t0\n(0,1)\t0\t2\n")
    return tmp_path


def test_known_answer(small):
    split, candidates = load_ncf_ml1m(small)
    train = split.train
    assert train.items.decode(train.interactions.item) == [50, 60]
    assert train.items.decode(split.test.item) == [60, 70]
    assert [train.items.decode(row) for row in candidates] == [[60, 70, 50], [70, 50, 70]]
    assert candidates.dtype == np.int32
    assert (split.relevant().indices == candidates[:, 0]).all()


def test_files_that_do_not_fit_together(small):
    (small / "ncf_ml-1m.test.negative").write_text("(0,0)\t2\t0\n(0,1)\t0\t2\n")
    with pytest.raises(DataError, match="must have a line for each pair"):
        load_ncf_ml1m(small)
    (small / "ncf_ml-1m.test.rating").write_text("1\t2\t2\t978302110\n0\t1\t4\t978300761\n")
    with pytest.raises(DataError, match="held-out pairs must be ratings of the log. Got 1 of 2 there"):
        load_ncf_ml1m(small)
    (small / "ncf_item_map.csv").unlink()
    with pytest.raises(DataError, match="without ncf_item_map.csv"):
        load_ncf_ml1m(small)


def test_as_published():
    folder = SHARED / "ml-1m"
    if not (folder / "ncf_item_map.csv").is_file():
        pytest.skip(f"the NCF files are not in {folder} (set RECSMITH_DATA)")
    split, candidates = load_ncf_ml1m(folder)
    assert (len(split.train), len(split.test)) == (994_169, 6_040)
    assert candidates.shape == (6_040, 100)
    assert (candidates >= 0).all()
    assert int((candidates[:, 1:] == candidates[:, :1]).sum()) == 156
    # Popularity's hit rate, published as .4533, is a check of the whole coding.
    popularity = np.bincount(split.train.interactions.item, minlength=split.train.n_items)[candidates]
    rank = (popularity[:, 1:] > popularity[:, :1]).sum(axis=1)
    assert (rank < 10).mean() == pytest.approx(0.4533, abs=0.002)
