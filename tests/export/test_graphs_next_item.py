"""NextItem's graph before any conversion: the scores are the model's, encoder by encoder."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith.data import Histories  # noqa: E402
from recsmith.errors import InvalidValue  # noqa: E402
from recsmith.export.graphs import express  # noqa: E402
from recsmith.export.graphs.base import Recommend, newest  # noqa: E402
from recsmith.export.inputs import InputMaker  # noqa: E402
from recsmith.export.make import _features  # noqa: E402
from recsmith.models import NextItem, Popular, UserKNN  # noqa: E402

from .conftest import DATA, ONE, RICH, SETTINGS, SMALL, next_item  # noqa: E402


def histories(lengths, *, n_items=60, seed=0):
    drawn = np.random.default_rng(seed)
    n = sum(lengths)
    return Histories(
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        drawn.integers(0, n_items, n).astype(np.int32),
        drawn.integers(1, 6, n).astype(np.float32),
        np.full(len(lengths), -1, np.int32),
        np.sort(drawn.integers(0, 10**9, n)),
    )


ROWS = histories([1, 3, 6, 7, 12, 30])


def given(graph, rows):
    """The graph's inputs, made by the reader's own code."""
    from recsmith.export.manifest import ColumnSpec, SignatureSpec
    from recsmith.export.signatures import _inputs

    class Described:
        padding, history_length, request_time = -1, graph.history_length, None
        features = _features(graph)

    assert all(isinstance(c, ColumnSpec) for columns in Described.features.values() for c in columns)
    signature = SignatureSpec(name="scores", batch=None, inputs=_inputs(graph.inputs, None), outputs=())
    return {name: torch.from_numpy(a) for name, a in InputMaker(Described(), signature).make(rows).items()}


def scores(graph, rows):
    inputs = given(graph, rows)
    with torch.no_grad():
        return graph.eval().scores(inputs.pop("history"), inputs).numpy()


@pytest.mark.parametrize("encoder", SETTINGS)
def test_the_scores_are_the_models(encoder):
    model = next_item(encoder).fit(DATA, run=ONE)
    graph = express(model)
    np.testing.assert_allclose(scores(graph, ROWS), model._score(ROWS), atol=1e-5)
    assert [i.name for i in graph.inputs] == ["history"]


def test_features_of_events_items_and_people():
    model = NextItem(**{**SMALL, **RICH}).fit(DATA, run=ONE)
    graph = express(model)
    np.testing.assert_allclose(scores(graph, ROWS), model._score(ROWS), atol=1e-5)
    assert [i.name for i in graph.inputs] == ["history", "event_rating", "event_gap", "event_day_of_week"]


def test_the_item_table_is_there_once():
    graph = express(next_item("bow").fit(DATA, run=ONE))
    tables = {p.data_ptr() for p in graph.parameters() if p.shape == (60, 4)}
    assert len(tables) == 1


def test_items_nobody_took_are_never_listed():
    model = next_item("bow").fit(DATA, run=ONE)
    graph = express(model)
    never = np.flatnonzero(model.memory.popularity == 0)
    assert len(never) and np.isneginf(scores(graph, ROWS)[:, never]).all()
    recommend = Recommend(graph, torch.from_numpy(model.memory.popularity), k=60)
    inputs = given(graph, ROWS)
    with torch.no_grad():
        found = recommend(**inputs)
    assert not set(found["item"].flatten().tolist()) & set(never.tolist())
    assert (found["item"] == -1).any() and (found["score"][found["item"] == -1] == 0).all()


def test_lists_are_the_models_own():
    for model in (next_item("gru").fit(DATA, run=ONE), Popular().fit(DATA, run=ONE)):
        graph = express(model)
        rows = histories([0, 1, 5, 30])
        with torch.no_grad():
            found = Recommend(graph, torch.from_numpy(model.memory.popularity), k=60)(**given(graph, rows))
        want = next(model.top_k(rows, k=60, unknown="popular"))
        # torch breaks ties as it likes; the runtimes that read the file go by code, and are tested for it.
        np.testing.assert_allclose(
            found["score"].numpy(), np.where(want.codes >= 0, want.scores, 0), atol=1e-5
        )
        np.testing.assert_array_equal((found["item"] >= 0).numpy(), want.codes >= 0)


def test_the_newest_events_are_kept():
    row = torch.tensor([[5, 6, 7, 8, -1], [1, -1, -1, -1, -1], [1, 2, 3, 4, 5]])
    there = row >= 0
    cut = newest(row, there, 3, filler=-1)
    assert cut.tolist() == [[6, 7, 8], [1, -1, -1], [3, 4, 5]]
    wide = newest(row.unsqueeze(2).float(), there, 3)
    assert wide.squeeze(2).tolist() == [[6, 7, 8], [1, 0, 0], [3, 4, 5]]
    assert newest(row, there, 9) is row


def test_models_that_have_no_graph_say_why():
    with pytest.raises(
        InvalidValue, match="UserKNN must be a model that can be expressed as a graph. Got its"
    ):
        express(UserKNN().fit(DATA, run=ONE))
