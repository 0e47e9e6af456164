"""Ridge rows and conjugate gradients: the slow twins, edges, blocks, contributions that add up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsmith.kernels.conjugate import conjugate_row_plain, conjugate_rows
from recsmith.kernels.ridge import gramian, ridge_contributions, ridge_rows, ridge_rows_plain


def problem(seed: int, *, n_rows=7, n_items=12, n_dims=5) -> tuple:
    """Draws rows (the first is empty), weights, targets, vectors, a Gramian and penalties."""
    rng = np.random.default_rng(seed)
    lengths = np.append(0, rng.integers(1, 20, n_rows - 1))
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    item = rng.integers(0, n_items, indptr[-1]).astype(np.int32)
    weight, target = rng.uniform(0.1, 3, (2, indptr[-1])).astype(np.float32)
    vector_ID = rng.normal(size=(n_items, n_dims)).astype(np.float32)
    base_DD = (0.3 * vector_ID.T @ vector_ID).astype(np.float32)
    return indptr, item, weight, target, vector_ID, base_DD, rng.uniform(0.5, 2, n_rows).astype(np.float32)


def solved(
    kernel, arrays: tuple, *, blocks: list[tuple[int, int]], start=0.0
) -> tuple[np.ndarray, np.ndarray]:
    n_rows, n_dims = len(arrays[0]) - 1, arrays[4].shape[1]
    out_BD, loss_B = np.full((n_rows, n_dims), start, np.float32), np.full(n_rows, np.nan, np.float32)
    for first, last in blocks:
        kernel(first, last, *arrays, out_BD, loss_B)
    return out_BD, loss_B


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), n_dims=st.integers(1, 20), n_rows=st.integers(1, 8))
def test_fast_and_plain_agree(seed, n_dims, n_rows):
    arrays = problem(seed, n_dims=n_dims, n_rows=n_rows)
    fast_BD, fast_B = solved(ridge_rows, arrays, blocks=[(0, n_rows)])
    plain_BD, plain_B = ridge_rows_plain(*arrays)
    np.testing.assert_allclose(fast_BD, plain_BD, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(fast_B, plain_B, rtol=1e-3, atol=1e-3)


def test_blocks_change_no_bit():
    arrays = problem(1)
    whole = solved(ridge_rows, arrays, blocks=[(0, 7)])
    parts = solved(ridge_rows, arrays, blocks=[(5, 7), (0, 2), (2, 5)])
    assert (whole[0] == parts[0]).all() and (whole[1] == parts[1]).all()


def test_a_row_without_events_is_zero():
    out_BD, loss_B = solved(ridge_rows, problem(2), blocks=[(0, 7)], start=9.0)
    assert (out_BD[0] == 0).all() and loss_B[0] == 0


@pytest.mark.parametrize("n_steps", [1, 2, 3])
def test_conjugate_steps_are_the_twins(n_steps):
    arrays = problem(3)
    indptr, item, weight, target, vector_ID, base_DD, penalty_B = arrays
    fast_BD, _ = solved(
        lambda a, b, *rest: conjugate_rows(a, b, n_steps, 0.0, *rest), arrays, blocks=[(0, 7)], start=0.1
    )
    for row in range(1, 7):
        events = slice(indptr[row], indptr[row + 1])
        seen_LD = vector_ID[item[events]].astype(float)
        matrix_DD = base_DD + penalty_B[row] * np.eye(5) + seen_LD.T @ (weight[events, None] * seen_LD)
        right_D = seen_LD.T @ (weight[events] * target[events])
        plain_D = conjugate_row_plain(matrix_DD, right_D, np.full(5, 0.1), n_steps)
        np.testing.assert_allclose(fast_BD[row], plain_D, rtol=1e-3, atol=1e-4)


def test_enough_conjugate_steps_are_the_exact_solution():
    arrays = problem(4)
    exact_BD, exact_B = solved(ridge_rows, arrays, blocks=[(0, 7)])
    many_BD, many_B = solved(
        lambda a, b, *rest: conjugate_rows(a, b, 30, 0.0, *rest), arrays, blocks=[(0, 7)]
    )
    np.testing.assert_allclose(many_BD, exact_BD, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(many_B, exact_B, rtol=1e-3, atol=1e-3)


def test_conjugate_steps_end_within_the_tolerance_and_say_who_is_not_there():
    arrays = problem(5, n_dims=12, n_rows=40)
    exact_BD, exact_B = ridge_rows_plain(*arrays)
    left = []

    def kernel(n_steps, tolerance):
        return lambda a, b, *rest: left.append(conjugate_rows(a, b, n_steps, tolerance, *rest))

    near_BD, _ = solved(kernel(50, 1e-2), arrays, blocks=[(0, 40)], start=0.1)
    error_B = np.linalg.norm(near_BD - exact_BD, axis=1)
    assert (error_B <= 1e-2 * np.linalg.norm(near_BD, axis=1)).all() and error_B.max() > 1e-4
    close_BD, close_B = solved(kernel(50, 1e-5), arrays, blocks=[(0, 40)], start=0.1)
    np.testing.assert_allclose(close_BD, exact_BD, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(close_B, exact_B, rtol=1e-4, atol=1e-4)
    solved(kernel(1, 1e-5), arrays, blocks=[(0, 40)], start=0.1)
    assert left[:2] == [0, 0] and left[2] > 0


def test_gramian_is_the_lower_half_of_the_product():
    vector_ID = np.random.default_rng(5).normal(size=(21, 6)).astype(np.float32)
    out_DD = np.full((6, 6), 7, np.float32)
    gramian(3, 20, vector_ID, out_DD)
    np.testing.assert_allclose(np.tril(out_DD), np.tril(vector_ID[3:20].T @ vector_ID[3:20]), atol=1e-5)


def test_contributions_sum_to_the_products():
    indptr, item, weight, target, vector_ID, base_DD, penalty_B = arrays = problem(6)
    solution_BD, _ = ridge_rows_plain(*arrays)
    row = slice(indptr[3], indptr[4])
    part_LK = ridge_contributions(
        item[row], weight[row], target[row], vector_ID, base_DD, float(penalty_B[3]), vector_ID[:4]
    )
    np.testing.assert_allclose(part_LK.sum(axis=0), vector_ID[:4] @ solution_BD[3], rtol=1e-5, atol=1e-6)
