"""EASE: a linear model from items to items in closed form. Steck, Embarrassingly shallow autoencoders for
sparse data, WWW 2019."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy import sparse

from recsmith.config import Run
from recsmith.config.space import Choices, Range, SearchSpace
from recsmith.data import Dataset, Histories
from recsmith.errors import InvalidValue
from recsmith.kernels.gram import gram_rows
from recsmith.kernels.inverse import BLOCK, invert_spd
from recsmith.kernels.threads import in_blocks
from recsmith.models.accelerator import accelerator, closed_forms
from recsmith.models.capabilities import Explains, SimilarItems
from recsmith.models.factorization.shared import Rows, by_event, without_evidence
from recsmith.models.gigabytes import ask_for, free_gb
from recsmith.models.recency import FadingConfig, faded
from recsmith.types import CodeArray, FloatArray


class EASEConfig(FadingConfig):
    """Says what to minimise: Σ_u |N(u)|^−η |x_u − x_u B|² + λ |B|² with a zero diagonal of B."""

    search_space: ClassVar[SearchSpace] = {
        "regularization": Range(10.0, 5000.0, log=True),
        "activity_exponent": Range(0.0, 0.6),
        "weighting": Choices(("binary", "weight")),
    }

    regularization: float = Field(500.0, gt=0)
    """λ; in the hundreds for logs of people's tastes."""
    activity_exponent: float = Field(0.0, ge=0, le=1)
    """η: above 0, a very active person's many items do not drown the others'; Steck has 0."""
    weighting: Literal["binary", "weight"] = "binary"
    """X holds 1 for what was taken, or its weight."""
    solver: Literal["auto", "primal", "dual"] = "auto"
    """Primal inverts items × items; dual inverts users × users and never forms B. Auto takes the smaller."""
    precision: Literal["float32", "float64"] = "float32"
    """Of the inversion; what is kept is float32."""
    max_memory_gb: float | None = Field(None, gt=0)
    """Refuse to fit with more than this; by default, with more than is free."""


class EASE(SimilarItems, Explains):
    """Scores by s = h B, with P = (XᵀX + λ)⁻¹, B_ij = −P_ij / P_jj and B_jj = 0; nothing is random.

    Training users and strangers are scored alike, from their history. Primal costs O(I³) time and 4 I²
    bytes. The dual never forms B: P = (1 − XᵀZ) / λ with Z = (XXᵀ + λ)⁻¹X (Woodbury), O(U³ + events·U)
    time and 4·U·I bytes; its scores are those of the primal up to rounding. Threads change no bit;
    a GPU that the run names gives the same to rounding.
    """

    Config = EASEConfig
    config: EASEConfig
    state_names = ("weight_II", "matrix_UI", "solved_UI", "diagonal_I")
    weight_II: FloatArray | None
    """B, or None when the dual form is kept."""
    matrix_UI: sparse.csr_matrix | None
    """X, for the dual form."""
    solved_UI: FloatArray | None
    """Z, for the dual form."""
    diagonal_I: FloatArray | None
    """λ P_jj = 1 − x_j·z_j, for the dual form."""

    def _fit(self, data: Dataset, run: Run) -> None:
        matrix = self._matrix(data.histories(), data.n_items)
        active = matrix[np.diff(matrix.indptr) > 0]
        if self.config.activity_exponent > 0:
            length_U = np.diff(active.indptr)
            weight_U = length_U.astype(np.float32) ** np.float32(-self.config.activity_exponent / 2)
            active.data = active.data * np.repeat(weight_U, length_U)
        self.weight_II = self.matrix_UI = self.solved_UI = self.diagonal_I = None
        dual = self._is_dual(*active.shape)
        try:
            if dual:
                self._fit_dual(active, run)
            else:
                self.weight_II = self._primal(active, run)
        except np.linalg.LinAlgError:
            raise InvalidValue(
                "regularization",
                f"large enough to invert in {self.config.precision}",
                self.config.regularization,
                "Raise it, or set precision='float64'.",
            ) from None

    def _is_dual(self, n_users: int, n_items: int) -> bool:
        """Chooses the form, and refuses before memory is taken that is not there."""
        single = self.config.precision == "float32"
        bytes_each = 4 if single else 12  # float64, and the float32 that is kept
        primal_gb = bytes_each * n_items**2 / 1e9 + _inverting_gb(n_items, single=single)
        dual_gb = bytes_each * (n_users**2 + 3 * n_users * n_items) / 1e9
        dual_gb += _inverting_gb(n_users, single=single)
        solver = self.config.solver
        dual = solver == "dual" or (solver == "auto" and dual_gb < primal_gb)
        limit_gb = self.config.max_memory_gb or free_gb()
        other = "solver='dual'" if not dual and dual_gb < limit_gb else "IALS or ItemKNN, or fewer items"
        ask_for(
            dual_gb if dual else primal_gb,
            name="EASE",
            shape=f"{n_items:,} items and {n_users:,} users",
            cure=f"Use {other} (a filter on interactions per item), or set max_memory_gb.",
            limit_gb=limit_gb,
        )
        return dual

    def _primal(self, matrix: sparse.csr_matrix, run: Run) -> FloatArray:
        inverse_II = self._inverse(matrix, run)
        inverse_II /= -inverse_II.diagonal()
        np.fill_diagonal(inverse_II, 0)
        return inverse_II.astype(np.float32, copy=False)

    def _fit_dual(self, matrix: sparse.csr_matrix, run: Run) -> None:
        inverse_UU = self._inverse(matrix.T.tocsr(), run)
        solved_UI = np.ascontiguousarray((matrix.T.tocsr() @ inverse_UU).T)
        leverage_I = np.asarray(matrix.multiply(solved_UI).sum(axis=0)).ravel()
        self.matrix_UI = matrix
        self.solved_UI = solved_UI.astype(np.float32, copy=False)
        self.diagonal_I = (1 - leverage_I).astype(np.float32)

    def _inverse(self, matrix: sparse.csr_matrix, run: Run) -> np.ndarray:
        """Returns (XᵀX + λ)⁻¹ in `precision`, by compiled kernels or on the GPU that the run names."""
        device = accelerator(run)
        if device is not None:
            settings = self.config
            inverse: np.ndarray = closed_forms().gram_inverse(
                matrix, settings.regularization, precision=settings.precision, device=device
            )
            return inverse
        rows = Rows.of(matrix)
        inverse = self._gram(rows.turned(matrix.shape[1]), rows, run)
        invert_spd(inverse, n_threads=run.threads)
        return inverse

    def _gram(self, rows: Rows, columns: Rows, run: Run) -> np.ndarray:
        """Returns the lower half of (rows · columns) + λ, for `columns` the same entries turned."""
        # Zeros: nothing reads the upper half, but what lay in that memory could overflow in passing.
        out = np.zeros((len(rows), len(rows)), self.config.precision)

        def work(start: int, stop: int) -> None:
            gram_rows(
                start,
                stop,
                rows.indptr,
                rows.item,
                rows.value,
                columns.indptr,
                columns.item,
                columns.value,
                out,
            )

        in_blocks(work, len(rows), n_threads=run.threads)
        out[np.diag_indices(len(rows))] += self.config.regularization
        return out

    def _matrix(self, histories: Histories, n_items: int) -> sparse.csr_matrix:
        binary = self.config.weighting == "binary"
        return histories.binary(n_items) if binary else histories.matrix(n_items)

    def _asked(self, histories: Histories) -> sparse.csr_matrix:
        """Returns h: the histories as fit saw them, recent events counting more where that is asked for."""
        matrix = self._matrix(histories, len(self.memory.popularity))
        return faded(histories, matrix, self.config.history_half_life)

    def _score(self, histories: Histories) -> FloatArray:
        matrix = self._asked(histories)
        if self.weight_II is not None:
            score_BI = matrix @ self.weight_II
        else:
            score_BI = self._dual_scores(matrix)
        return without_evidence(score_BI, self.memory.popularity)

    def _dual_scores(self, matrix: sparse.csr_matrix) -> FloatArray:
        """s_j = −(Σ_i h_i P_ij − h_j P_jj) / P_jj = ((h Xᵀ) z_j − h_j x_j·z_j) / λP_jj."""
        assert self.matrix_UI is not None and self.solved_UI is not None and self.diagonal_I is not None
        score_BI = (matrix @ self.matrix_UI.T) @ self.solved_UI
        row_n = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        score_BI[row_n, matrix.indices] -= matrix.data * (1 - self.diagonal_I[matrix.indices])
        score_BI /= self.diagonal_I
        return score_BI

    def _product(self) -> tuple[Callable[[Histories], FloatArray], FloatArray] | None:
        """Scores are histories times B."""
        if self.weight_II is None:
            return None
        return lambda histories: self._asked(histories).toarray(), self.weight_II

    def _item_weights(self, from_L: CodeArray, to_K: CodeArray) -> FloatArray:
        """Returns B[from, to] as float32 [L, K]."""
        if self.weight_II is not None:
            return self.weight_II[np.ix_(from_L, to_K)]
        assert self.matrix_UI is not None and self.solved_UI is not None and self.diagonal_I is not None
        weight_LK = (self.matrix_UI[:, from_L].T @ self.solved_UI[:, to_K]) / self.diagonal_I[to_K]
        weight_LK[from_L[:, None] == to_K[None, :]] = 0
        return weight_LK

    def _similar(self, item_codes: CodeArray) -> FloatArray:
        """Returns what having the given item adds to the others' scores."""
        everything = np.arange(len(self.memory.popularity), dtype=np.int32)
        return without_evidence(self._item_weights(item_codes, everything), self.memory.popularity)

    def _contributions(self, history: Histories, item_codes: CodeArray) -> tuple[FloatArray, FloatArray]:
        """Is exact: event i adds h_i B_ij; the base is 0."""
        row = Rows.of(self._asked(history))
        part_NK = row.value[:, None] * self._item_weights(row.item, item_codes)
        return np.zeros(len(item_codes), np.float32), by_event(history, row.item, part_NK)


def _inverting_gb(n: int, *, single: bool) -> float:
    """Returns the working memory of `invert_spd`: two stripes of a block."""
    return 2 * min(BLOCK, n) * n * (4 if single else 8) / 1e9
