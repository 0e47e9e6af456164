"""Growing a model: codes stay, tables get longer, what was learnt is kept and new people are understood."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from recsmith.data import Dataset, Interactions, Vocabulary
from recsmith.errors import InvalidValue
from recsmith.models.growth import grown
from recsmith.models.memory import Memory
from recsmith.testing import toy


def more(rows, *, time=10**9, table=None):
    """Events (user, item, weight) after those of the toy data."""
    users, items = Vocabulary(sorted({r[0] for r in rows})), Vocabulary(sorted({r[1] for r in rows}))
    events = Interactions.from_arrays(
        users.encode([r[0] for r in rows]),
        items.encode([r[1] for r in rows]),
        np.array([r[2] for r in rows]),
        None if time is None else np.arange(len(rows)) + time,
    )
    return Dataset(events, users, items, item_table=table, feedback="ratings")


def test_old_codes_stay_and_new_ones_follow():
    data = toy.tastes()
    new = more([(1, "i000", 4), (999, "i001", 5), (999, "a-new-one", 5)])
    whole = grown(Memory.of(data), new)
    assert whole.users.ids[:60].equals(data.users.ids)
    assert whole.users.ids[60:].to_list() == [999]
    assert whole.items.ids[40:].to_list() == ["a-new-one"]
    assert len(whole) == len(data) + 3
    assert (np.diff(whole.interactions.user) >= 0).all()
    assert whole.histories(np.array([0])).item.tolist() == [*data.histories(np.array([0])).item, 0]
    assert whole.histories(np.array([60])).item.tolist() == [1, 40]


def test_tables_get_longer_and_old_rows_stay():
    data = toy.tastes()
    table = pl.DataFrame(
        {"item_id": ["a-new-one", "i001"], "title": ["A New One", "Renamed"], "genres": [["g1"], []]}
    )
    new = more([(999, "i001", 5), (999, "a-new-one", 5)], table=table.select(pl.all().gather([0, 1])))
    whole = grown(Memory.of(data), new)
    assert whole.item_table["title"].to_list()[1] == "Film 1 of genre 1"
    assert whole.item_table["title"].to_list()[40] == "A New One"
    assert whole.item_table["genres"].to_list()[40] == ["g1"]
    assert whole.item_table["year"].to_list()[40] is None


def test_logs_with_and_without_times_do_not_mix():
    with pytest.raises(InvalidValue, match="new data must be with times, as the old, or both without"):
        grown(Memory.of(toy.tastes()), more([(1, "i000", 4)], time=None))


def test_what_was_learnt_is_kept_and_new_people_are_understood():
    pytest.importorskip("torch", reason="the neural extra is not installed")
    from recsmith.models import EmbeddingDotBias

    data = toy.tastes(n_users=120)
    log = data.interactions
    late = log.user >= 100  # twenty people come later
    early = replace(data, interactions=log.select(~late))
    settings = {
        "embedding_dim": 4,
        "batch_size": 64,
        "learning_rate": 0.02,
        "n_epochs": 25,
        "update_epochs": 8,
    }
    model = EmbeddingDotBias(**settings).fit(early)

    def error(which):
        rows = log.select(which)
        predicted = model.predict(data.users.decode(rows.user), data.items.decode(rows.item))
        return float(np.sqrt(np.mean((predicted - rows.weight) ** 2)))

    old_before, new_before = error(~late), error(late)
    model.partial_fit(replace(data, interactions=log.select(late)))
    assert error(~late) < old_before + 0.05, "what was learnt is kept"
    assert error(late) < 0.6 * new_before, "who came later is understood"
    assert len(model.learning_curve) == 25 + 8
