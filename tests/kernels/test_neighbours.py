"""Nearest rows: known answers, the slow twin, ties, threads, thin and thick accumulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from recsmith.kernels.neighbours import nearest_rows, nearest_rows_plain
from recsmith.kernels.similarity import Reference
from recsmith.kernels.weighting import inverse_power, row_counts, row_norms

KINDS = ("cosine", "jaccard", "pearson", "adjusted_cosine")


def random_matrix(seed, n_rows, n_columns, *, binary, density=0.3) -> sparse.csr_matrix:
    rng = np.random.default_rng(seed)
    stored = rng.random((n_rows, n_columns)) < density
    values = np.ones(stored.sum()) if binary else rng.integers(1, 11, stored.sum()) / 2
    rows, columns = np.nonzero(stored)
    return sparse.csr_matrix((values.astype(np.float32), (rows, columns)), shape=stored.shape)


def scale_of(matrix: sparse.csr_matrix, kind: str) -> np.ndarray:
    return row_counts(matrix).astype(float) if kind == "jaccard" else inverse_power(row_norms(matrix), 1.0)


def as_lists(code_QN: np.ndarray, similarity_QN: np.ndarray) -> list[list[tuple[int, float]]]:
    return [
        [(int(c), float(s)) for c, s in zip(codes, values, strict=True) if c >= 0]
        for codes, values in zip(code_QN, similarity_QN, strict=True)
    ]


def assert_same_lists(fast, plain) -> None:
    for one, other in zip(fast, plain, strict=True):
        assert [s for _, s in one] == pytest.approx([s for _, s in other], rel=1e-5, abs=1e-7)
        mine, theirs = dict(one), dict(other)
        for code in set(mine) ^ set(theirs):  # only a tie within rounding may fall differently
            value = mine.get(code, theirs.get(code))
            assert value == pytest.approx(one[-1][1], rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("with_weights", [False, True])
@pytest.mark.parametrize("only_with_more", [False, True])
def test_fast_and_plain_agree(kind, with_weights, only_with_more):
    rows = random_matrix(1, 40, 25, binary=kind == "jaccard")
    query = random_matrix(2, 12, 25, binary=kind == "jaccard", density=0.4)
    weights = np.random.default_rng(3).uniform(0.2, 2, 25).astype(np.float32) if with_weights else None
    reference = Reference.of(
        rows, kind=kind, scale_R=scale_of(rows, kind), weight_T=weights, shrinkage=2.5, min_common=2
    )
    options = {"scale_Q": scale_of(query, kind), "n_neighbours": 7, "only_with_more": only_with_more}
    fast = as_lists(*nearest_rows(query, reference, **options))
    assert_same_lists(fast, nearest_rows_plain(query, reference, rows, **options))


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    n_rows=st.integers(1, 9),
    n_columns=st.integers(1, 7),
    kind=st.sampled_from(KINDS),
    binary=st.booleans(),
    n=st.integers(1, 12),
    min_common=st.integers(1, 3),
    shrinkage=st.sampled_from([0.0, 1.0]),
)
def test_small_matrices_agree_with_the_twin(seed, n_rows, n_columns, kind, binary, n, min_common, shrinkage):
    matrix = random_matrix(seed, n_rows, n_columns, binary=binary or kind == "jaccard", density=0.6)
    reference = Reference.of(
        matrix, kind=kind, scale_R=scale_of(matrix, kind), shrinkage=shrinkage, min_common=min_common
    )
    options = {"scale_Q": scale_of(matrix, kind), "n_neighbours": n, "own_Q": np.arange(n_rows)}
    fast = as_lists(*nearest_rows(matrix, reference, **options))
    assert_same_lists(fast, nearest_rows_plain(matrix, reference, matrix, **options))


def test_co_occurrence_cosine_is_the_formula_of_the_book():
    matrix = random_matrix(4, 30, 50, binary=True)
    scale = scale_of(matrix, "cosine")
    reference = Reference.of(matrix, kind="cosine", scale_R=scale)
    codes, similarities = nearest_rows(matrix, reference, scale_Q=scale, n_neighbours=30, own_Q=np.arange(30))
    sets = [set(matrix.indices[matrix.indptr[i] : matrix.indptr[i + 1]]) for i in range(30)]
    for i in range(30):
        for j, value in zip(codes[i], similarities[i], strict=True):
            if j >= 0:
                assert value == pytest.approx(len(sets[i] & sets[j]) / np.sqrt(len(sets[i]) * len(sets[j])))


def test_pearson_is_numpys_correlation_on_the_columns_both_have():
    matrix = random_matrix(5, 20, 30, binary=False, density=0.6)
    dense, stored = matrix.toarray(), random_matrix(5, 20, 30, binary=False, density=0.6).toarray() > 0
    reference = Reference.of(matrix, kind="pearson", scale_R=np.ones(20))
    codes, similarities = nearest_rows(matrix, reference, scale_Q=np.ones(20), n_neighbours=20)
    seen = 0
    for i in range(20):
        for j, value in zip(codes[i], similarities[i], strict=True):
            if j >= 0 and i != j:
                both = stored[i] & stored[j]
                assert value == pytest.approx(np.corrcoef(dense[i, both], dense[j, both])[0, 1], rel=1e-5)
                seen += 1
    assert seen > 50


def test_ties_go_to_the_lower_code_and_a_row_is_not_its_own_neighbour():
    matrix = sparse.csr_matrix(np.ones((6, 3), np.float32))
    scale = scale_of(matrix, "cosine")
    reference = Reference.of(matrix, kind="cosine", scale_R=scale)
    codes, similarities = nearest_rows(matrix, reference, scale_Q=scale, n_neighbours=3, own_Q=np.arange(6))
    assert codes.tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2], [0, 1, 2], [0, 1, 2]]
    assert similarities == pytest.approx(1.0)


def test_pairs_that_are_equal_on_paper_are_exact_ties():
    # cos = 1/2 twice: once of sets 2 and 2 with 1 common, once of sets 1 and 4 with 1 common.
    matrix = sparse.csr_matrix(
        np.array([[1, 1, 0, 0, 0, 0], [1, 0, 1, 0, 0, 0], [0, 1, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0]], np.float32)
    )
    query = sparse.csr_matrix(np.array([[1, 1, 0, 0, 0, 0]], np.float32))
    reference = Reference.of(matrix, kind="cosine", scale_R=scale_of(matrix, "cosine"))
    codes, similarities = nearest_rows(query, reference, scale_Q=scale_of(query, "cosine"), n_neighbours=4)
    assert codes[0].tolist() == [0, 1, 2, -1]
    assert similarities[0].tolist() == [1.0, 0.5, 0.5, 0.0]


def test_short_queries_against_many_rows_take_the_thin_path_and_agree():
    rows = random_matrix(6, 3000, 400, binary=True, density=0.004)
    query = random_matrix(7, 30, 400, binary=True, density=0.01)
    scale = scale_of(rows, "cosine")
    reference = Reference.of(rows, kind="cosine", scale_R=scale)
    options = {"scale_Q": scale_of(query, "cosine"), "n_neighbours": 10}
    work = query @ np.diff(reference.indptr_T)
    assert work.max() * 4 < 3000  # the path this test is about
    thin = as_lists(*nearest_rows(query, reference, **options))
    product = (query @ rows.T).toarray() * options["scale_Q"][:, None] * scale[None, :]
    for found, row in zip(thin, product.astype(np.float32), strict=True):
        best = sorted(np.flatnonzero(row > 0), key=lambda r: (-row[r], r))[:10]
        assert [code for code, _ in found] == best


@pytest.mark.parametrize("kind", KINDS)
def test_threads_and_blocks_change_nothing(kind):
    matrix = random_matrix(8, 500, 60, binary=kind == "jaccard", density=0.2)
    scale = scale_of(matrix, kind)
    reference = Reference.of(matrix, kind=kind, scale_R=scale)
    one = nearest_rows(matrix, reference, scale_Q=scale, n_neighbours=20)
    many = nearest_rows(matrix, reference, scale_Q=scale, n_neighbours=20, n_threads=3)
    alone = nearest_rows(matrix[[321]], reference, scale_Q=scale[[321]], n_neighbours=20)
    for a, b, c in zip(one, many, alone, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a[[321]], c)


def test_stored_zeros_are_entries_and_constant_rows_have_no_correlation():
    matrix = sparse.csr_matrix((np.zeros(4, np.float32), ([0, 0, 1, 1], [0, 1, 0, 1])), shape=(2, 2))
    for kind in ("pearson", "adjusted_cosine"):
        reference = Reference.of(matrix, kind=kind, scale_R=np.zeros(2))
        codes, _ = nearest_rows(matrix, reference, scale_Q=np.zeros(2), n_neighbours=5)
        assert (codes == -1).all()
    reference = Reference.of(matrix, kind="cosine", scale_R=inverse_power(row_norms(matrix), 1.0))
    codes, _ = nearest_rows(matrix, reference, scale_Q=np.zeros(2), n_neighbours=5)
    assert codes.shape == (2, 2)
    assert (codes == -1).all()


def test_empty_reference_and_empty_query():
    empty = sparse.csr_matrix((0, 4), dtype=np.float32)
    some = sparse.csr_matrix(np.eye(4, dtype=np.float32))
    assert nearest_rows(
        some, Reference.of(empty, kind="cosine", scale_R=np.zeros(0)), scale_Q=np.ones(4), n_neighbours=3
    )[0].shape == (4, 0)
    assert nearest_rows(
        empty, Reference.of(some, kind="cosine", scale_R=np.ones(4)), scale_Q=np.ones(0), n_neighbours=3
    )[0].shape == (0, 3)
