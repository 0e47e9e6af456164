"""Parity: what counts as the same list, what is recorded, and a plain second opinion."""

import numpy as np
import pytest

from recsmith.data import Vocabulary
from recsmith.export.parity import Cases, answers, compare, newest_events, record

from .conftest import DATA, ONE

ITEMS = Vocabulary(list(range(100, 110)))


def cases(ids, scores, spare=None):
    return Cases(len(ids), [[]], [ids], [scores], [spare])


def judged(want, got_ids, got_scores, **more):
    codes = ITEMS.encode(got_ids)[None, :]
    return compare(want, ITEMS, (codes, np.array([got_scores], np.float32)), **more)


def test_the_same_list_passes():
    found = judged(cases([100, 101], [2.0, 1.0]), [100, 101], [2.0, 1.0])
    assert found.passed and found.order_equal == 1 and found.near_ties == 0 and found.overlap == 1.0


def test_another_order_fails():
    found = judged(cases([100, 101], [2.0, 1.0]), [101, 100], [1.0, 2.0])
    assert not found.passed and found.order_equal == 0 and found.overlap == 1.0


def test_neighbours_that_are_tied_may_change_places():
    found = judged(cases([100, 101], [2.0, 2.0 - 1e-6]), [101, 100], [2.0, 2.0])
    assert found.passed and found.near_ties == 1


def test_a_tie_at_the_end_of_the_list_is_settled_by_the_spare():
    want = cases([100, 101], [2.0, 1.0], spare=(102, 1.0 - 1e-6))
    assert judged(want, [100, 102], [2.0, 1.0]).passed
    assert not judged(want, [100, 103], [2.0, 1.0]).passed
    assert not judged(want, [100, 100], [2.0, 2.0]).passed


def test_scores_that_are_apart_fail_a_float_file_alone():
    want = cases([100, 101], [2.0, 1.0])
    found = judged(want, [100, 101], [2.001, 1.0])
    assert not found.passed and found.max_score_difference == pytest.approx(0.001, rel=1e-3)
    assert judged(want, [100, 101], [2.001, 1.0], quantize="int8").passed


def test_quantised_files_are_judged_by_overlap():
    want = cases(list(range(100, 110)), list(range(10, 0, -1)))
    nine = [*range(100, 109), 109]
    assert judged(want, nine, list(range(10, 0, -1)), quantize="int8").overlap == 1.0
    other = Vocabulary(list(range(100, 111)))
    codes = other.encode([*range(100, 109), 110])[None, :]
    found = compare(want, other, (codes, np.zeros((1, 10), np.float32)), quantize="int8")
    assert found.overlap == pytest.approx(0.9) and not found.passed


def test_a_strange_item_fails():
    assert not judged(cases([100, 101], [2.0, 1.0]), [100, 102], [2.0, 0.5]).passed
    short = Cases(2, [[]], [[100]], [[2.0]], [None])
    assert not judged(short, [100, 101], [2.0, 1.0]).passed


def popular():
    from recsmith.models import Popular

    return Popular().fit(DATA, run=ONE)


def made(**more):
    asked = {"history_length": 8, "top_k": 40, "with_weights": True, "with_times": True, "n_histories": 60}
    return record(popular(), **{**asked, **more})


def test_every_kind_of_history_is_recorded():
    found = made()
    known = {len([x for x in row if x in DATA.items]) for row in found.histories}
    assert {0, 1, 8} <= known and max(known) > 8
    unknown = [row for row in found.histories if any(x not in DATA.items for x in row)]
    assert len(unknown) > 3
    assert any(all(x not in DATA.items for x in row) and row for row in found.histories)


def test_what_is_recorded_is_what_the_model_recommends():
    model, found = popular(), made()
    lists = model.recommend(histories=found.histories, k=10, unknown="popular")
    assert [list(ids) for ids in lists.item_ids] == found.item_ids


def test_encoding_drops_unknown_ids_with_their_weights():
    found = made()
    rows = found.encoded(DATA.items, liked_weight=5.0)
    plain = [[x for x in row if x in DATA.items] for row in found.histories]
    assert rows.lengths.tolist() == [len(row) for row in plain]
    assert DATA.items.decode(rows.item) == [x for row in plain for x in row]
    kept = [
        w
        for ids, weights in zip(found.histories, found.weights, strict=True)
        for x, w in zip(ids, weights, strict=True)
        if x in DATA.items
    ]
    np.testing.assert_array_equal(rows.weight, np.array(kept, np.float32))


def test_saved_cases_come_back(tmp_path):
    import json

    found = made()
    found.save(tmp_path / "parity.json", made_with={"recsmith": "x"})
    back = Cases.of_dict(json.loads((tmp_path / "parity.json").read_text(encoding="utf-8")))
    assert (back.histories, back.item_ids, back.times) == (found.histories, found.item_ids, found.times)
    assert back.spare == found.spare and back.weights == found.weights


def test_long_histories_are_answered_by_their_newest_events_and_nothing_seen():
    model = popular()
    rows = model.memory.histories.as_strangers()
    codes, _ = answers(model, rows, history_length=3, top_k=40)
    for row in range(len(rows)):
        seen = rows.item[rows.indptr[row] : rows.indptr[row + 1]]
        assert not set(codes[row].tolist()) & set(seen.tolist())
    assert newest_events(rows, 3).lengths.max() == 3
