"""What models without a network compute on a torch device: the inverse of a Gram matrix, alternating least
squares, the best of many products. float32 unless said, and never TF32."""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from torch.nn import functional

_DENSE_ROWS = 4096
_BATCH_NUMBERS = 2**25  # of gathered vectors at once: 128 MiB
_NOTHING = 1e-20


def gram_inverse(
    matrix: sparse.csr_matrix, regularization: float, *, precision: str, device: torch.device
) -> np.ndarray:
    """Returns (XᵀX + λ)⁻¹ [I, I] in `precision`, by Cholesky; X is made dense 4,096 rows at a time.

    Raises `numpy.linalg.LinAlgError` when that is not positive definite in this precision.
    """
    dtype = getattr(torch, precision)
    gram_II = torch.zeros((matrix.shape[1],) * 2, dtype=dtype, device=device)
    for first in range(0, matrix.shape[0], _DENSE_ROWS):
        rows = _dense(matrix[first : first + _DENSE_ROWS], dtype, device)
        gram_II.addmm_(rows.T, rows)
    gram_II.diagonal().add_(regularization)
    factor_II, failed = torch.linalg.cholesky_ex(gram_II)
    if not int(failed):
        inverse_II = torch.cholesky_inverse(factor_II)
        if bool(torch.isfinite(inverse_II).all()):
            return inverse_II.cpu().numpy()
    raise np.linalg.LinAlgError("the matrix is not positive definite")


def _dense(matrix: sparse.csr_matrix, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Returns a sparse matrix as a dense tensor; only its entries travel."""
    rows = torch.zeros(matrix.shape, dtype=dtype, device=device)
    of_entry = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    row_e, column_e, value_e = (
        torch.from_numpy(part).to(device) for part in (of_entry, matrix.indices.astype(np.int64), matrix.data)
    )
    rows[row_e, column_e] = value_e.to(dtype)
    return rows


class RidgeRows:
    """Solves min_w Σ_l c_l (1 − v_l·w)² + wᵀ(G + λ)w for every row of events on a device.

    Rows of about one length are a batch, padded to its longest: sums run in one order, and no two threads of
    a GPU add to the same place. Batches stay on the device, 8 bytes an event and what is padded.
    """

    def __init__(
        self, indptr: np.ndarray, item: np.ndarray, weight: np.ndarray, n_dims: int, device: torch.device
    ) -> None:
        self._device = device
        lengths = np.diff(indptr)
        self._empty = torch.from_numpy(np.flatnonzero(lengths == 0)).to(device)
        order = np.argsort(lengths, kind="stable")
        order = order[lengths[order] > 0]
        self._batches: list[tuple[Tensor, Tensor, Tensor]] = []
        while len(order):
            # The longest that are left, as many as fit.
            size = max(1, _BATCH_NUMBERS // (int(lengths[order[-1]]) * n_dims))
            self._batches.append(self._padded(order[-size:], indptr, item, weight))
            order = order[:-size]

    def solve(
        self,
        vector_ID: np.ndarray,
        base_DD: np.ndarray,
        regularization_B: np.ndarray,
        out_BD: np.ndarray,
        *,
        n_steps: int | None,
    ) -> float:
        """Improves `out_BD` by conjugate gradient steps, for None solves exactly; returns the loss of all."""
        vector, base = self._there(vector_ID), self._there(base_DD)
        ridge_B1, found_BD = self._there(regularization_B)[:, None], self._there(out_BD)
        loss = torch.zeros((), dtype=torch.float64, device=self._device)
        found_BD[self._empty] = 0
        for row_N, item_NL, weight_NL in self._batches:
            seen_NLD, ridge_N1 = functional.embedding(item_NL, vector), ridge_B1[row_N]
            if n_steps is None:
                found_ND = _exactly(seen_NLD, weight_NL, base, ridge_N1)
            else:
                found_ND = _by_steps(seen_NLD, weight_NL, base, ridge_N1, found_BD[row_N], n_steps)
            error_NL = 1 - _inner(seen_NLD, found_ND)
            held_ND = found_ND @ base + ridge_N1 * found_ND
            loss += (weight_NL * error_NL**2).double().sum() + (held_ND * found_ND).double().sum()
            found_BD[row_N] = found_ND
        out_BD[:] = found_BD.cpu().numpy()
        return float(loss)

    def _padded(
        self, row_N: np.ndarray, indptr: np.ndarray, item: np.ndarray, weight: np.ndarray
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Returns rows [N], their items int32 [N, L], their weights [N, L], 0 where a row has ended."""
        length_N = indptr[row_N + 1] - indptr[row_N]
        place_NL = np.arange(length_N.max())[None, :]
        there_NL = place_NL < length_N[:, None]
        event_NL = np.where(there_NL, indptr[row_N][:, None] + place_NL, 0)
        weight_NL = np.where(there_NL, weight[event_NL], np.float32(0))
        return self._there(row_N), self._there(item[event_NL]), self._there(weight_NL)

    def _there(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)


def _inner(seen_NLD: Tensor, x_ND: Tensor) -> Tensor:
    return torch.bmm(seen_NLD, x_ND[:, :, None])[:, :, 0]


def _exactly(seen_NLD: Tensor, weight_NL: Tensor, base: Tensor, ridge_N1: Tensor) -> Tensor:
    """Returns A⁻¹ b with A = VᵀCV + G + λ and b = VᵀC 1, by Cholesky."""
    weighted_NLD = weight_NL[:, :, None] * seen_NLD
    matrix_NDD = torch.bmm(weighted_NLD.transpose(1, 2), seen_NLD) + base
    matrix_NDD.diagonal(dim1=1, dim2=2).add_(ridge_N1)
    factor_NDD = torch.linalg.cholesky_ex(matrix_NDD)[0]
    return torch.cholesky_solve(weighted_NLD.sum(dim=1)[:, :, None], factor_NDD)[:, :, 0]


def _by_steps(
    seen_NLD: Tensor, weight_NL: Tensor, base: Tensor, ridge_N1: Tensor, start_ND: Tensor, n_steps: int
) -> Tensor:
    """Takes the steps of `kernels.conjugate`, for all rows at once."""

    def back(value_NL: Tensor) -> Tensor:
        return torch.bmm(value_NL[:, None, :], seen_NLD)[:, 0, :]

    def image(x_ND: Tensor) -> Tensor:
        return x_ND @ base + ridge_N1 * x_ND + back(weight_NL * _inner(seen_NLD, x_ND))

    found_ND = start_ND
    residual_ND = back(weight_NL) - image(found_ND)
    direction_ND = residual_ND
    squared_N1 = (residual_ND**2).sum(dim=1, keepdim=True)
    for _ in range(n_steps):
        image_ND = image(direction_ND)
        moves = squared_N1 > _NOTHING
        curvature_N1 = torch.where(moves, (direction_ND * image_ND).sum(dim=1, keepdim=True), 1.0)
        step_N1 = torch.where(moves, squared_N1 / curvature_N1, 0.0)
        found_ND = found_ND + step_N1 * direction_ND
        residual_ND = residual_ND - step_N1 * image_ND
        next_N1 = (residual_ND**2).sum(dim=1, keepdim=True)
        turn_N1 = torch.where(moves, next_N1 / torch.where(moves, squared_N1, 1.0), 0.0)
        direction_ND = residual_ND + turn_N1 * direction_ND
        squared_N1 = next_N1
    return found_ND


class Products:
    """Finds the best of L R for blocks of people; R [K, I] stays on the device."""

    def __init__(self, right_KI: np.ndarray, device: torch.device) -> None:
        self._device = device
        self._right_KI = self._there(right_KI)

    def top(
        self,
        left_BK: np.ndarray,
        k: int,
        *,
        unknown_I: np.ndarray,
        cold: tuple[np.ndarray, np.ndarray],
        seen: tuple[np.ndarray, np.ndarray],
        barred_I: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns codes int32 [B, k] and scores of the best, -1 and -inf where there are fewer.

        In this order: items that are `unknown_I` have no score, rows `cold[0]` have the scores `cold[1]` [I],
        pairs of rows and items that were `seen` and items `barred_I` do not come back. Equal scores go by
        item code, but for which of several is the last that fits.
        """
        score_BI = self._there(left_BK) @ self._right_KI
        score_BI[:, self._there(unknown_I)] = -torch.inf
        score_BI[self._there(cold[0])] = self._there(cold[1])
        score_BI[tuple(self._there(array.astype(np.int64)) for array in seen)] = -torch.inf
        score_BI[:, self._there(barred_I)] = -torch.inf
        score_BI.nan_to_num_(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)
        code_BK = torch.topk(score_BI, k, dim=1).indices.sort(dim=1).values
        best_BK, order = score_BI.gather(1, code_BK).sort(dim=1, descending=True, stable=True)
        code_BK = code_BK.gather(1, order).masked_fill(best_BK == -torch.inf, -1)
        return code_BK.to(torch.int32).cpu().numpy(), best_BK.cpu().numpy()

    def _there(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)
