"""Vectors of items that training never saw, from their features alone."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith.errors import InvalidValue
from recsmith.models import IALS, MultiTask, NextItem, SASRec, TwoTower, VectorsOfNewItems, load
from recsmith.testing import toy

DATA = toy.tastes()
SMALL = {"n_epochs": 2, "batch_size": 64}
LABEL = {
    "embedding_dim": 8,
    "features": [{"name": "genres", "length": 3}, {"name": "year", "type": "float"}],
}


@pytest.fixture(
    scope="module",
    params=[
        lambda: TwoTower(**SMALL, embedding_dim=8, tower_dims=(8,)),
        lambda: TwoTower(**SMALL, embedding_dim=8, normalised=False, item_id=False),
        lambda: MultiTask(**SMALL, embedding_dim=8, output_dim=8),
        lambda: NextItem(**SMALL, label=LABEL, activity_groups=[{"features": [{"name": "item_id"}]}]),
    ],
    ids=["TwoTower", "TwoTower without ids", "MultiTask", "NextItem"],
)
def model(request):
    return request.param().fit(DATA)


def features(model, item_id):
    row = DATA.item_table.row(int(model.item_codes([item_id])[0]), named=True)
    return {name: row[name] for name in ("genres", "year")}


def test_an_item_nobody_took_has_the_vector_of_its_features(model, tmp_path):
    """Its id is unknown in the catalogue too, so both ways must give the same."""
    untaken = [i for i, n in zip(DATA.items.ids, model.memory.popularity, strict=True) if n == 0]
    assert len(untaken) == 2
    found = model.vectors_of_new_items([features(model, item) for item in untaken])
    assert found == pytest.approx(model.item_vectors(untaken), abs=1e-5)
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    assert isinstance(again, VectorsOfNewItems)
    alone = again.vectors_of_new_items([features(model, untaken[1])])
    assert alone == pytest.approx(found[1:], abs=1e-5)


def test_features_tell_new_items_apart(model):
    one, other, same = model.vectors_of_new_items(
        [
            {"genres": ["g1"], "year": 1990},
            {"genres": ["g2"], "year": 1990},
            {"genres": ["g1"], "year": 1990},
        ]
    )
    assert np.abs(one - other).max() > 1e-4
    assert one == pytest.approx(same, abs=1e-6)


def test_what_cannot_be_told_is_refused(model):
    for given, words in (
        ([{"genre": ["x"]}], "Did you mean 'genres'?"),
        ([{"year": "old"}], "features.year must be a finite number"),
        ([{}], "features must be given, at least one"),
        ([], "features must be given, at least one"),
    ):
        with pytest.raises(InvalidValue) as raised:
            model.vectors_of_new_items(given)
        assert words in str(raised.value)


def test_a_model_of_ids_alone_says_so():
    ids_alone = SASRec(**SMALL, embedding_dim=8, n_blocks=1).fit(DATA)
    with pytest.raises(InvalidValue, match="features must be left out: SASRec reads none of items"):
        ids_alone.vectors_of_new_items([{"genres": ["g1"]}])
    assert not isinstance(IALS(), VectorsOfNewItems)
