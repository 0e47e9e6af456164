"""What the tests of graphs share: histories of every kind as a device gets them, and what the model says."""

import numpy as np
import torch

from recsmith.data import Histories
from recsmith.export.graphs import express

RAGGED = [[3], [5, 9, 1, 7], [7, 7, 2], [1, 30, 12, 1, 5, 1, 22, 8, 8], [39, 38], list(range(30))]
"""One item, several, repeats, items that nobody took, many."""


def histories(rows=RAGGED, *, seed=0):
    """Returns the histories of strangers, with ratings."""
    weights = np.random.default_rng(seed).integers(1, 11, sum(map(len, rows))) / 2
    return Histories(
        np.cumsum([0, *map(len, rows)]).astype(np.int64),
        np.concatenate(rows).astype(np.int32),
        weights.astype(np.float32),
        np.full(len(rows), -1, np.int32),
    )


def padded(some, length):
    """Returns history and weight as a device gets them: the newest, right-padded."""
    history_BH = np.full((len(some), length), -1, np.int32)
    weight_BH = np.zeros((len(some), length), np.float32)
    for row in range(len(some)):
        events = slice(max(some.indptr[row], some.indptr[row + 1] - length), some.indptr[row + 1])
        history_BH[row, : events.stop - events.start] = some.item[events]
        weight_BH[row, : events.stop - events.start] = some.weight[events]
    return torch.from_numpy(history_BH), torch.from_numpy(weight_BH)


def given(graph, some):
    """Returns the graph's inputs of people who tell nothing but their history, which stands apart."""
    history_BH, weight_BH = padded(some, graph.history_length)
    told = {i.name: i.empty(len(some)) for i in graph.extra_inputs}
    return history_BH, ({"weight": weight_BH} if graph.reads_weight else {}) | told


def check_graph(model, some=None, *, within=2e-5):
    """Checks that the graph's scores are the model's of strangers, -inf where it has -inf; returns both."""
    people = histories() if some is None else some
    graph = express(model).eval()
    history_BH, inputs = given(graph, people)
    with torch.no_grad():
        found = graph.scores(history_BH, inputs).numpy()
    expected = np.asarray(model._score(people))
    np.testing.assert_array_equal(np.isneginf(found), np.isneginf(expected))
    finite = np.isfinite(expected)
    np.testing.assert_allclose(found[finite], expected[finite], rtol=within, atol=within)
    return found, expected
