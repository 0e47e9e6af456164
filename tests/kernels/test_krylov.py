"""Block Lanczos: LAPACK's eigenvalues, its own promise on residuals, restarts, repeated values, few ranks."""

from __future__ import annotations

import numpy as np
import pytest

from recsmith.kernels import krylov
from recsmith.kernels.krylov import TOLERANCE, largest_eigenpairs
from recsmith.kernels.threads import one_blas_thread


def square(value_S: np.ndarray, seed: int = 0) -> np.ndarray:
    """Returns a symmetric matrix with these eigenvalues."""
    rng = np.random.default_rng(seed)
    turn_SS = np.linalg.qr(rng.standard_normal((len(value_S),) * 2))[0]
    return (turn_SS * value_S) @ turn_SS.T


def found(matrix_SS: np.ndarray, n_dims: int, **options: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Returns values, vectors and the number of products."""
    count = 0
    single_SS = matrix_SS.astype(np.float32)

    def product(block_SK: np.ndarray) -> np.ndarray:
        nonlocal count
        count += 1
        return single_SS @ block_SK

    drawn = np.random.default_rng(3)
    return *largest_eigenpairs(product, len(matrix_SS), n_dims, drawn=drawn, **options), count


SPECTRA = {
    "slowly falling": 1 / np.arange(1, 601) ** 0.5,
    "steep": 0.9 ** np.arange(600),
    "one far above": np.r_[1000, np.linspace(30, 1, 599)],
    "repeated": np.repeat([5, 4, 3, 2, 1, 0.5], 100),
    "few ranks": np.r_[3, 2, 1, np.zeros(597)],
    "nothing": np.zeros(600),
    "less than a block": np.linspace(2, 1, 20),
}


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("n_dims", [1, 12, 20])
def test_values_are_those_that_were_put_in_and_residuals_are_as_said(name, n_dims):
    value_S = SPECTRA[name]
    matrix_SS = square(value_S)
    value_D, vector_SD, _ = found(matrix_SS, n_dims)
    np.testing.assert_allclose(value_D, value_S[:n_dims], atol=1e-6 * value_S[0])
    np.testing.assert_allclose(vector_SD.T @ vector_SD, np.eye(n_dims), atol=1e-5)
    residual_D = np.linalg.norm(matrix_SS @ vector_SD - vector_SD * value_D, axis=0)
    assert residual_D.max() <= 2 * TOLERANCE * value_S[0]


def test_a_small_basis_is_begun_anew_and_comes_to_the_same():
    matrix_SS = square(SPECTRA["slowly falling"])
    whole_D, _, n_whole = found(matrix_SS, 8, block=8, most=400)
    part_D, vector_SD, n_part = found(matrix_SS, 8, block=8, most=40)
    assert min(n_whole, n_part) * 8 > 40  # so it was begun anew
    np.testing.assert_allclose(part_D, whole_D, rtol=1e-6)
    np.testing.assert_allclose(
        np.linalg.norm(matrix_SS @ vector_SD - vector_SD * part_D, axis=0), 0, atol=2e-6
    )


def test_one_that_does_not_arrive_says_how_near_it_came(monkeypatch):
    monkeypatch.setattr(krylov, "_MOST_RESTARTS", 1)
    matrix_SS = square(SPECTRA["slowly falling"])
    with pytest.warns(RuntimeWarning, match=r"After 1 restarts .* not 1e-06") as told:
        value_D, vector_SD, _ = found(matrix_SS, 8, block=8, most=40)
    said = float(str(told[0].message).split("residual is ")[1].split()[0])
    residual_D = np.linalg.norm(matrix_SS @ vector_SD - vector_SD * value_D, axis=0)
    assert residual_D.max() == pytest.approx(said, rel=0.1)  # the largest eigenvalue is 1


def test_it_ends_well_before_it_has_met_all():
    assert found(square(SPECTRA["slowly falling"]), 12)[2] <= 8


def test_the_same_draw_gives_the_same_bits():
    matrix_SS = square(SPECTRA["steep"])
    with one_blas_thread():
        one, other = (found(matrix_SS, 5) for _ in range(2))
    np.testing.assert_array_equal(one[1], other[1])
