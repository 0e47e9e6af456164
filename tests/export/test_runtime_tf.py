"""A .tflite that TensorFlow made is a Recommender: its lists are those that TensorFlow itself computed."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert.interpreter", reason="no LiteRT runtime is installed")

from recsmith.data import Dataset, Interactions, Vocabulary, leave_last_out
from recsmith.evaluation import evaluate
from recsmith.export.runtime_tf import load_tf_model

# Written by tests/oracles/make_tf_sample.py: an LSTM over forty made-up films.
MADE = Path(__file__).resolve().parents[1] / "oracles" / "tf_sample"
ANSWERS = json.loads((MADE / "answers.json").read_text())
FILES = {"tflite": MADE / "lstm.tflite", "vocabulary": MADE / "movie_vocab.json"}


def read(**more):
    return load_tf_model(FILES["tflite"], vocabulary=FILES["vocabulary"], **more)


def test_its_lists_are_tensorflows_own_whatever_was_asked_before():
    model = read()
    for order in (slice(None), slice(None, None, -1)):
        histories, want_ids, want_scores = (ANSWERS[name][order] for name in ("histories", "ids", "scores"))
        found = model.recommend(histories=histories, k=12, exclude_seen=False)
        for got, ids, row in zip(found.item_ids, want_ids, range(len(histories)), strict=True):
            real = [place for place, one in enumerate(ids) if one > 0]  # 0 is its padding, which it lists
            assert list(got) == [ids[place] for place in real]
            want = np.array(want_scores[row])[real]
            np.testing.assert_allclose(found.scores[row], want, atol=1e-6)


def test_seen_items_shorten_its_lists_and_the_newest_events_are_read():
    model, newest = read(), ANSWERS["histories"][3]
    seen = model.recommend(histories=[[1, 2, *newest]], k=12).item_ids[0]
    assert list(seen) == [one for one in ANSWERS["ids"][3] if one > 0 and one not in {1, 2, *newest}]


def test_it_is_judged_like_any_model():
    user = np.repeat(np.arange(5), [len(row) + 1 for row in ANSWERS["histories"]])
    # Each one's last event is what the file puts first.
    taken = [
        one for row, ids in zip(ANSWERS["histories"], ANSWERS["ids"], strict=True) for one in [*row, ids[0]]
    ]
    events = Interactions.from_arrays(user, np.array(taken) - 1, None, np.arange(len(user)) * 1000)
    data = Dataset(events, Vocabulary(np.arange(5)), Vocabulary(np.arange(1, 41)), feedback="implicit")
    split = leave_last_out(data)
    figures = evaluate(read(data=split.train), split, metrics=["HitRate@10", "MRR@10"], n_bootstrap=0)
    assert figures["HitRate@10"].value == figures["MRR@10"].value == 1
