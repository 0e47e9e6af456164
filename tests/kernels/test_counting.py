"""Neighbours by counting: as bits, as entries, and as both, all give what every pair and a sort give."""

from __future__ import annotations

import numpy as np
import pytest
from tests.kernels.test_neighbours import as_lists, assert_same_lists, random_matrix

from recsmith.kernels import counting
from recsmith.kernels.counting import Counter, is_countable
from recsmith.kernels.neighbours import nearest_rows, nearest_rows_plain
from recsmith.kernels.similarity import Reference
from recsmith.kernels.weighting import inverse_power, row_counts, row_norms


@pytest.mark.parametrize("n_blocks", [0, 1, 2])
@pytest.mark.parametrize("kind", ["cosine", "jaccard"])
@pytest.mark.parametrize("only_with_more", [False, True])
def test_bits_and_entries_agree_with_the_twin(monkeypatch, n_blocks, kind, only_with_more):
    monkeypatch.setattr(counting, "_blocks_worth_it", lambda *_: n_blocks)
    rows = random_matrix(1, 700, 40, binary=True, density=0.2)
    query = rows[:60]
    scale = row_counts(rows).astype(float) if kind == "jaccard" else inverse_power(row_norms(rows), 1.0)
    reference = Reference.of(rows, kind=kind, scale_R=scale, shrinkage=2.0, min_common=2)
    assert is_countable(rows, reference)
    assert Counter.of(reference, rows).bits_BTW.shape[0] == n_blocks
    fast = as_lists(*nearest_rows(
        rows, reference, scale_Q=scale, n_neighbours=30, own_Q=np.arange(700), only_with_more=only_with_more,
    ))  # fmt: skip
    plain = nearest_rows_plain(
        query, reference, rows, scale_Q=scale[:60], n_neighbours=30, own_Q=np.arange(60),
        only_with_more=only_with_more,
    )  # fmt: skip
    assert_same_lists(fast[:60], plain)


def test_where_bits_stop_changes_no_bit(monkeypatch):
    rows = random_matrix(2, 2000, 300, binary=True, density=0.1)
    scale = inverse_power(row_norms(rows), 1.0)
    reference = Reference.of(rows, kind="cosine", scale_R=scale)
    found = []
    for n_blocks in (0, 1, 4):
        monkeypatch.setattr(counting, "_blocks_worth_it", lambda *_, n=n_blocks: n)
        found.append(nearest_rows(rows, reference, scale_Q=scale, n_neighbours=50, own_Q=np.arange(2000)))
    for codes, similarities in found[1:]:
        assert (codes == found[0][0]).all()
        assert (similarities == found[0][1]).all()


def test_common_rows_become_bits_and_rare_ones_do_not():
    common, rare = (
        random_matrix(3, n_rows, 3000, binary=True, density=density)
        for n_rows, density in ((512, 0.3), (3000, 0.0005))
    )
    for matrix, n_blocks in ((common, 1), (rare, 0)):
        reference = Reference.of(matrix, kind="cosine", scale_R=np.ones(matrix.shape[0]))
        assert Counter.of(reference, matrix).bits_BTW.shape[0] == n_blocks


def test_weights_and_a_few_queries_are_not_counted():
    rows = random_matrix(4, 200, 40, binary=True)
    reference = Reference.of(rows, kind="cosine", scale_R=np.ones(200))
    assert not is_countable(rows[:3], reference)
    weighted = random_matrix(4, 200, 40, binary=False)
    assert not is_countable(weighted, Reference.of(weighted, kind="cosine", scale_R=np.ones(200)))
