"""Mean of the nearest rows that have an answer, against its slow twin and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from recsmith.kernels.nearest_mean import mean_of_nearest, mean_of_nearest_plain
from recsmith.kernels.similarity import Reference
from recsmith.kernels.weighting import inverse_power, row_norms


def ratings(seed: int, n_rows: int, n_columns: int, density: float) -> sparse.csr_matrix:
    rng = np.random.default_rng(seed)
    stored = rng.random((n_rows, n_columns)) < density
    rows, columns = np.nonzero(stored)
    values = rng.integers(1, 6, stored.sum()).astype(np.float32)
    return sparse.csr_matrix((values, (rows, columns)), shape=stored.shape)


@pytest.mark.parametrize("kind", ["cosine", "pearson"])
@pytest.mark.parametrize("amplification", [1.0, 2.5])
def test_fast_and_plain_agree(kind, amplification):
    rows, query = ratings(0, 30, 20, 0.4), ratings(1, 8, 20, 0.4)
    scale = inverse_power(row_norms(rows), 1.0)
    reference = Reference.of(rows, kind=kind, scale_R=scale, shrinkage=1.0)
    options = {
        "scale_Q": inverse_power(row_norms(query), 1.0),
        "n_neighbours": 4,
        "answer_IR": rows.T.tocsr(),
        "wanted_QI": ratings(2, 8, 20, 0.5),
        "amplification": amplification,
    }
    fast = mean_of_nearest(query, reference, **options)
    np.testing.assert_allclose(
        fast, mean_of_nearest_plain(query, reference, rows, **options), rtol=1e-4, equal_nan=True
    )
    np.testing.assert_array_equal(fast, mean_of_nearest(query, reference, **options, n_threads=3))
    assert np.isfinite(fast).mean() > 0.9


def test_known_answer_and_nothing_where_nobody_answers():
    # Cosines of the query (1, 1, 0, 0) with the rows: 1/sqrt(1)/sqrt(2)... worked out below.
    rows = sparse.csr_matrix(np.array([[1, 1, 5, 0], [1, 0, 3, 0], [0, 1, 0, 0]], np.float32))
    query = sparse.csr_matrix(np.array([[1, 1, 0, 0]], np.float32))
    binary = sparse.csr_matrix((np.ones_like(rows.data), rows.indices, rows.indptr), rows.shape)
    reference = Reference.of(binary, kind="cosine", scale_R=inverse_power(row_norms(binary), 1.0))
    wanted = sparse.csr_matrix(np.array([[0, 0, 1, 1]], np.float32))
    found = mean_of_nearest(
        query, reference, scale_Q=np.array([1 / np.sqrt(2)]), n_neighbours=2, answer_IR=rows.T.tocsr(),
        wanted_QI=wanted,
    )  # fmt: skip
    first, second = 2 / np.sqrt(2 * 3), 1 / np.sqrt(2 * 2)
    assert found[0] == pytest.approx((first * 5 + second * 3) / (first + second))
    assert np.isnan(found[1])
