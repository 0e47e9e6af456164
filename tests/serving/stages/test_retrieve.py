"""Retrieval: a short list answers as the whole row of scores does."""

import numpy as np
import pytest

pytest.importorskip("sqlalchemy")

from recsmith.models import Pipeline
from recsmith.serving.catalogue import Catalogue
from recsmith.serving.stages import Request, answer, make_stages
from recsmith.serving.world import World
from recsmith.testing.toy import tastes


@pytest.mark.parametrize("index", ["none", "exact"])
def test_a_short_list_gives_what_the_model_gives(index):
    ials = {"class": "IALS", "embedding_dim": 8, "n_epochs": 3}
    model = Pipeline(retriever=ials, ranker={**ials, "embedding_dim": 4}, n_candidates=9, index=index).fit(
        tastes()
    )
    world = World(model, Catalogue.of(model.memory))
    for user in (1, 2, 30):
        rows, _ = model.memory.of_users([user])
        own = model.recommend([user], k=5)
        (work,) = answer(world, [Request(rows.item, rows, k=5)], make_stages())
        assert model.memory.items.decode(work.place) == list(own.item_ids[0])
        assert np.allclose(work.score, own.scores[0])
        blocked = str(own.item_ids[0][0])
        (work,) = answer(world, [Request(rows.item, rows, k=5, blocked=(blocked,))], make_stages())
        assert blocked not in [str(one) for one in model.memory.items.decode(work.place)]


def test_a_stranger_still_gets_popular_items():
    ials = {"class": "IALS", "embedding_dim": 4, "n_epochs": 1}
    model = Pipeline(retriever=ials, ranker=ials, n_candidates=9).fit(tastes())
    world = World(model, Catalogue.of(model.memory))
    rows = model.memory.of_items([[]])
    (work,) = answer(world, [Request(rows.item, rows, k=3)], make_stages())
    assert len(work.place) == 3
    assert work.fallback
