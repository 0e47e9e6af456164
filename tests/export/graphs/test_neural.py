"""Towers, embedding models, rankers and pipelines as graphs: the same scores as the models."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from model_checks import RAGGED, check_graph, given, histories  # noqa: E402

from recsmith.data import Feature  # noqa: E402
from recsmith.errors import InvalidValue  # noqa: E402
from recsmith.export.graphs import express, express_ranking  # noqa: E402
from recsmith.export.graphs.base import Rank  # noqa: E402
from recsmith.models import (  # noqa: E402
    DCN,
    DNN,
    PLE,
    DeepFM,
    EmbeddingDot,
    EmbeddingDotBias,
    EmbeddingNet,
    MMoE,
    MultiTask,
    Pipeline,
    TwoTower,
)
from recsmith.testing import toy  # noqa: E402

_BARE = toy.tastes()
DATA = replace(
    _BARE,
    user_table=pl.DataFrame(
        {
            "user_id": _BARE.users.ids,
            "age": [20.0 + u % 40 for u in range(60)],
            "job": ["a" if u % 3 else "b" for u in range(60)],
        }
    ),
    user_features=(Feature("age", "number"), Feature("job", "categorical")),
)
SMALL = {"n_epochs": 1, "embedding_dim": 4}
TOWER = {**SMALL, "output_dim": 4}
CONTEXT = {"context": ("hour_of_day", "instant")}
IALS_STAGE = {"class": "IALS", "embedding_dim": 4, "n_epochs": 2}
DCN_STAGE = {"class": "DCN", **SMALL, "deep_dims": (8,), "history_length": 3}


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        (TwoTower, {**TOWER, **CONTEXT, "tower_dims": (6,)}),
        (TwoTower, {**TOWER, "history_length": 0, "normalised": False}),
        (TwoTower, {**TOWER, "history_length": 2, "user_id": False, "user_features": ()}),
        (MultiTask, TOWER),
        (EmbeddingDot, SMALL),
        (EmbeddingDotBias, SMALL),
        (EmbeddingNet, {**SMALL, "hidden_dims": (6, 4)}),
        (DCN, {**SMALL, "version": "v1", "history_length": 5}),
        (DCN, {**SMALL, **CONTEXT, "version": "v2", "structure": "parallel", "deep_dims": (8,)}),
        (DCN, {**SMALL, "version": "v2", "rank": 2, "target": "like"}),
        (DCN, {**SMALL, "version": "mix", "structure": "cross", "numbers": "value"}),
        (DNN, {**SMALL, "deep_dims": (8,)}),
        (DeepFM, {**SMALL, "deep_dims": (8,), "history_length": 4}),
        (MMoE, {**SMALL, "history_length": 4, "task_weights": {"loved": 3.0}}),
        (PLE, SMALL),
        (Pipeline, {"retriever": IALS_STAGE, "ranker": DCN_STAGE, "n_candidates": 7}),
        (
            Pipeline,
            {"retriever": {"class": "TwoTower", **TOWER}, "ranker": {"class": "EASE"}, "index": "exact"},
        ),
    ],
    ids=str,
)
def test_scores_are_the_models(model, settings):
    fitted = model(**settings).fit(DATA)
    check_graph(fitted, histories(RAGGED[:3]))  # no ties at the edge of a pipeline's candidates
    ranking = express_ranking(fitted)
    assert (ranking is not None) == (model in (DCN, DNN, DeepFM, MMoE, PLE) or "deep_dims" in str(settings))
    if ranking is not None:
        some = histories()
        candidate_BN = np.random.default_rng(0).integers(-1, 40, (len(some), ranking.n_candidates))
        history_BH, inputs = given(ranking, some)
        with torch.no_grad():
            found = Rank(ranking.eval())(
                history_BH, torch.from_numpy(candidate_BN.astype(np.int32)), **inputs
            )
        ranker = fitted.ranker if isinstance(fitted, Pipeline) else fitted
        expected = np.where(candidate_BN >= 0, ranker._score_some(some, np.maximum(candidate_BN, 0)), 0)
        np.testing.assert_allclose(found["score"].numpy(), expected, rtol=2e-5, atol=2e-5)


def test_what_a_person_tells_counts():
    """Age and job of a person as the network knows them of a training user, whose id is the unknown one."""
    model = TwoTower(**{**TOWER, "user_id": False, "history_length": 2}).fit(DATA)
    graph = express(model).eval()
    assert {(i.name, i.part) for i in graph.extra_inputs} == {
        ("person_age", "codes"),
        ("person_age_value", "value"),
        ("person_job", "codes"),
    }
    rows = DATA.histories(np.array([3, 17], np.int32))
    history_BH, inputs = given(graph, rows)
    side = model.towers.users.inputs(torch.from_numpy(rows.user.astype(np.int64) + 1))
    inputs |= {"person_age": side["age"].int(), "person_age_value": side["age#value"]}
    inputs["person_job"] = side["job"].int()
    with torch.no_grad():
        found = graph.scores(history_BH, inputs).numpy()
    np.testing.assert_allclose(found, model._score(rows), rtol=1e-5, atol=1e-5)


def test_the_time_of_a_request_is_when_training_ended_unless_told():
    model = DCN(**{**SMALL, **CONTEXT}).fit(DATA)
    graph = express(model)
    newest = int(DATA.interactions.time.max())
    assert graph.request_time == newest
    defaults = {i.name: i.default for i in graph.extra_inputs if i.source == "context"}
    assert set(defaults) == {"context_hour_of_day", "context_instant", "context_instant_value"}
    assert defaults["context_instant_value"] > 1


def test_the_users_table_stays_at_home():
    model = TwoTower(**TOWER).fit(DATA)
    shapes = {tuple(t.shape) for t in express(model).state_dict().values()}
    assert not any(len(DATA.users) + 1 in shape for shape in shapes)


def test_stages_that_read_a_person_in_two_ways_are_refused():
    model = Pipeline(
        retriever={"class": "TwoTower", **TOWER}, ranker={**DCN_STAGE, "n_buckets": 3}, n_candidates=7
    ).fit(DATA)
    with pytest.raises(InvalidValue, match="must be read the same columns|must read the same columns"):
        express(model)


@pytest.mark.parametrize("text", ["words", "tfidf", "hashed"])
def test_what_people_say_of_themselves_in_words(text):
    """Codes of known words are told from outside; hashes, which no file describes, are refused."""
    assert DATA.user_table is not None
    told = DATA.user_table.with_columns(motto=pl.col("job") + " film lover of age " + pl.col("age").cast(str))
    data = replace(DATA, user_table=told, user_features=(Feature("motto", "text"),))
    model = TwoTower(embedding_dim=4, output_dim=4, n_epochs=1, batch_size=64, text=text).fit(data)
    if text == "hashed":
        with pytest.raises(
            InvalidValue, match="motto of people must be a text whose words the file can name"
        ):
            express(model)
        return
    found = express(model).features()["person"]["columns"][0]
    assert found["tokens"]
    assert "idf" not in found, "what a word weighs is in the graph"
