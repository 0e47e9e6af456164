"""Examples: read as they were made, and the same rows for every model."""

import json

import numpy as np
import pytest

from recsmith.data.examples import ExampleBatches, read_tf_examples
from recsmith.errors import DataError


@pytest.fixture
def folder(tmp_path):
    movies = [
        [3, "Heat (1995)", "Action|Crime", 9],
        [0, "", "", 0],
        [7, "Emma", "", 1],
        [1, "Big (1988)", "Comedy", 2],
    ]
    (tmp_path / "movie_vocab.json").write_text(json.dumps(movies))
    np.savez(
        tmp_path / "examples.npz",
        context_movie_id=np.array([[3, 1, 0], [7, 0, 0], [1, 3, 7]]),
        context_movie_rating=np.array([[5, 4, 0], [3, 0, 0], [4, 5, 3]], np.float32),
        label_movie_id=np.array([7, 3, 1]),
        user=np.array([4, 9, 9]),
        label_timestamp=np.array([10, 20, 15]),
        label_rating=np.array([1, 2, 3]),
        is_test=np.array([0, 1, 0]),
        is_last=np.array([1, 1, 0]),
    )
    return tmp_path


def test_the_catalogue_and_the_contexts(folder):
    found = read_tf_examples(folder)
    assert found.items.ids.to_list() == [1, 3, 7]
    assert found.item_table["genres"].to_list() == [["Comedy"], ["Action", "Crime"], []]
    assert found.item_table["year"].to_list() == ["1988", "1995", None]
    assert found.item.tolist() == [[1, 0, -1], [2, -1, -1], [0, 1, 2]]
    assert found.label.tolist() == [2, 1, 0]
    rows = found.histories()
    assert rows.lengths.tolist() == [2, 1, 3] and (rows.user == -1).all()
    assert rows.weight.tolist() == [5, 4, 3, 4, 5, 3]
    assert found.spread(rows.weight).tolist() == [[5, 4, 0], [3, 0, 0], [4, 5, 3]]


def test_the_labels_as_a_log(folder):
    log = read_tf_examples(folder).dataset()
    assert (log.n_users, log.n_items, len(log)) == (2, 3, 3)
    assert log.interactions.item.tolist() == [2, 0, 1], "in the order of user and time"
    assert [f.name for f in log.item_features] == ["genres", "year"]


def test_batches_take_every_example_once(folder):
    examples = read_tf_examples(folder).select(np.array([True, False, True]))
    batches = ExampleBatches(examples, batch_size=1, seed=0, events={"x": np.arange(6).reshape(2, 3)})
    seen = list(batches.epoch(0))
    assert len(seen) == batches.n_steps == 2
    assert sorted(batch["label"].item() for batch in seen) == [1, 3]
    first = next(batch for batch in seen if batch["label"] == 3)
    assert first["item"].tolist() == [[2, 1, 0]] and first["x"].tolist() == [[0, 1, 2]]
    late = next(batches.epoch(0, start=1))
    np.testing.assert_array_equal(late["item"], seen[1]["item"])


def test_a_folder_without_them_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"must hold examples\.npz"):
        read_tf_examples(tmp_path)
