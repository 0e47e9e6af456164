"""The graphs of all families, converted: LiteRT's and ONNX Runtime's scores are the models'."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from model_checks import RAGGED, given, histories  # noqa: E402

from recsmith.export.graphs import express, express_ranking  # noqa: E402
from recsmith.export.graphs.base import Rank  # noqa: E402
from recsmith.export.onnx import ByPlace  # noqa: E402
from recsmith.export.quiet import quiet  # noqa: E402
from recsmith.models import (  # noqa: E402
    EASE,
    IALS,
    PLE,
    EmbeddingNet,
    ItemKNN,
    Pipeline,
    PureSVD,
    RP3beta,
    TfIdfContent,
    TwoTower,
)
from recsmith.testing import toy  # noqa: E402

H = 12  # shorter than what is shipped: conversion takes as long, the runs less
ROWS = [*RAGGED[:4], []]
SMALL = {"n_epochs": 1, "embedding_dim": 4}
MODELS = {
    "ease": lambda: EASE(regularization=10.0, history_half_life=3.0),
    "pure_svd": lambda: PureSVD(embedding_dim=5, mean_center=True, normalize="both"),
    "ials": lambda: IALS(n_epochs=3, embedding_dim=8, weighting="log", frequency_exponent=0.5),
    "ials_recent": lambda: IALS(n_epochs=3, embedding_dim=8, history_half_life=3.0),
    "item_knn": lambda: ItemKNN(n_neighbours=5, history_half_life=3.0),
    "rp3beta": lambda: RP3beta(n_neighbours=5, weighting="weight", alpha=0.7),
    "tfidf": lambda: TfIdfContent(profile="centred"),
    "two_tower": lambda: TwoTower(**SMALL, context=("hour_of_day", "instant")),
    "net": lambda: EmbeddingNet(**SMALL, fold_in_steps=2),
    "ple": lambda: PLE(**SMALL, n_experts=2, n_levels=1),
    "pipeline": lambda: Pipeline(
        retriever={"class": "IALS", "n_epochs": 2, "embedding_dim": 4},
        ranker={"class": "DCN", **SMALL, "version": "mix", "history_length": 3, "deep_dims": [8]},
        n_candidates=7,
    ),
}


class Together(torch.nn.Module):
    """Is all graphs in one file, so that the test waits for one conversion only."""

    def __init__(self, graphs, rank):
        super().__init__()
        self.graphs, self.rank = torch.nn.ModuleDict(graphs), rank

    def forward(self, history, candidate, weight, **told):
        found = {
            name: graph.scores(history, {"weight": weight, **told}) for name, graph in self.graphs.items()
        }
        return {**found, "rank": self.rank(history, candidate, **told)["score"]}


@pytest.fixture(scope="module")
def fitted():
    data = toy.tastes()
    return {name: make().fit(data) for name, make in MODELS.items()}


@pytest.fixture(scope="module")
def together(fitted):
    graphs = {name: express(model) for name, model in fitted.items()}
    for graph in graphs.values():
        graph.history_length = H
    ranking = express_ranking(fitted["pipeline"])
    inputs = {}
    for graph in (*graphs.values(), ranking):
        graph.history_length = H
        history_BH, some = given(graph, histories(ROWS))
        inputs |= some
    candidate_BN = np.tile(np.arange(-1, ranking.n_candidates - 1), (len(ROWS), 1)).astype(np.int32)
    inputs |= {"history": history_BH, "candidate": torch.from_numpy(candidate_BN)}
    return Together(graphs, Rank(ranking)).eval(), inputs


def expected(fitted, candidate_BN):
    some = histories(ROWS)
    found = {name: np.asarray(model._score(some)) for name, model in fitted.items()}
    ranked = fitted["pipeline"].ranker._score_some(some, np.maximum(candidate_BN, 0))
    return {**found, "rank": np.where(candidate_BN >= 0, ranked, 0)}


def compare(got, fitted, candidate_BN):
    for name, want in expected(fitted, candidate_BN).items():
        np.testing.assert_array_equal(np.isneginf(got[name]), np.isneginf(want), err_msg=name)
        finite = np.isfinite(want)
        np.testing.assert_allclose(got[name][finite], want[finite], rtol=1e-4, atol=1e-4, err_msg=name)


def test_litert(together, fitted, tmp_path):
    litert_torch = pytest.importorskip("litert_torch", reason="the litert extra is not installed")
    from ai_edge_litert.interpreter import Interpreter

    net, inputs = together
    one = {name: tensor[:1] for name, tensor in inputs.items()}
    with quiet():
        converted = litert_torch.signature("all", net, sample_kwargs=one).convert()
        converted.export(str(tmp_path / "all.tflite"))
    run = Interpreter(str(tmp_path / "all.tflite"), num_threads=1).get_signature_runner("all")
    rows = [run(**{n: t[row : row + 1].numpy() for n, t in inputs.items()}) for row in range(len(ROWS))]
    got = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    compare(got, fitted, inputs["candidate"].numpy())


def test_onnx(together, fitted, tmp_path):
    pytest.importorskip("onnxscript", reason="the onnx extra is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="the onnx extra is not installed")
    net, inputs = together
    names = [*net.graphs, "rank"]
    batch = torch.export.Dim("batch")
    with quiet(), torch.no_grad():
        program = torch.onnx.export(
            ByPlace(net, list(inputs)).eval(),
            tuple(tensor[:2] for tensor in inputs.values()),
            input_names=list(inputs),
            output_names=names,
            dynamic_shapes=(tuple({0: batch} for _ in inputs),),
            dynamo=True,
            verbose=False,
        )
        program.save(str(tmp_path / "all.onnx"))
    session = runtime.InferenceSession(str(tmp_path / "all.onnx"), providers=["CPUExecutionProvider"])
    found = session.run(names, {name: tensor.numpy() for name, tensor in inputs.items()})
    compare(dict(zip(names, found, strict=True)), fitted, inputs["candidate"].numpy())
