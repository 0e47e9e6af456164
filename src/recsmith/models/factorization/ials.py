"""IALS: implicit feedback by alternating least squares. Hu, Koren, Volinsky, Collaborative filtering for
implicit feedback datasets, ICDM 2008; Rendle et al., Revisiting the performance of iALS, RecSys 2022."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy import sparse

from recsmith.config import Run
from recsmith.config.space import Range, SearchSpace
from recsmith.data import Dataset, Histories
from recsmith.errors import InvalidValue
from recsmith.kernels.conjugate import conjugate_rows
from recsmith.kernels.threads import in_blocks
from recsmith.models.accelerator import accelerator, closed_forms
from recsmith.models.capabilities import Explains, HasVectors, SimilarItems
from recsmith.models.factorization.shared import (
    Rows,
    ask_for_vectors,
    cosine,
    gram,
    products,
    reasons,
    resumed,
    solve,
    without_evidence,
)
from recsmith.models.recency import FadingConfig, faded
from recsmith.rng import generator
from recsmith.types import CodeArray, FloatArray

if TYPE_CHECKING:
    from recsmith.nn.closed_forms import RidgeRows

_EXACT = 1e-5  # of a vector's length: float32 and Cholesky come no nearer than a third of it
_MOST_STEPS = 48
_LONG = 64  # shorter vectors are solved sooner by Cholesky


class IALSConfig(FadingConfig):
    """Says what to minimise:

    Σ_observed c (1 − ŷ)² + α Σ_all ŷ² + λ Σ_u (|N(u)| + α·items)^ν |p_u|² + λ Σ_i (|N(i)| + α·users)^ν |q_i|²

    With `history_half_life`, items are learnt so; who asks is solved for once more, against these items, with
    c times 2^(−events since / half_life).
    """

    search_space: ClassVar[SearchSpace] = {
        "embedding_dim": Range(16, 256, log=True),
        "regularization": Range(0.0005, 0.1, log=True),
        "unobserved_weight": Range(0.01, 1.0, log=True),
    }

    embedding_dim: int = Field(64, ge=1)
    """Length of the vectors, D."""
    n_epochs: int = Field(15, ge=1)
    """Passes; each solves all items, then all users."""
    regularization: float = Field(0.005, gt=0)
    """λ."""
    unobserved_weight: float = Field(0.2, ge=0)
    """α, the weight of every pair that was not observed, against 1 for an observed one."""
    frequency_exponent: float = Field(1.0, ge=0, le=2)
    """ν: 1 scales λ with how often a user or item occurs, 0 is the same λ for all."""
    weighting: Literal["binary", "weight", "log"] = "binary"
    """c of an observed pair: 1, its weight, or log(1 + weight)."""
    solver: Literal["cg", "cholesky"] = "cg"
    """How half-steps are solved: some conjugate gradient steps, or exactly (slower, more so for large D)."""
    n_cg_steps: int = Field(3, ge=1)
    """Conjugate gradient steps in a half-step."""
    init_scale: float = Field(0.1, gt=0)
    """Vectors start from N(0, (init_scale / √D)²)."""


class IALS(SimilarItems, Explains, HasVectors):
    """Recommends by p_u·q_i; a person never seen is folded in exactly, by one half-step.

    The last epoch solves users exactly, so a training user and a stranger with the same history get the
    same scores, to rounding (after Ctrl-C: as near as conjugate gradients came). Threads change no bit of
    the result; a GPU that the run names gives the same to rounding. With a half-life, users are solved for
    once more as they ask, which costs as much as the last epoch's users and 4·D·U bytes. One epoch costs
    O(events·D·steps + (U + I)·D²·steps), the last one some 20 steps for users; O(events·D² + (U + I)·D³) with
    "cholesky", and for the last one's users where D < 64 or steps do not arrive. Memory is 4·D·(U + I) bytes,
    twice that at the start, and 32 an event. Descent on blocks of
    dimensions (iALS++) needs fewer epochs but took 3 to 4 times as long to the same NDCG (docs/log.md).
    """

    Config = IALSConfig
    config: IALSConfig
    state_names = ("item_ID", "user_UD", "recent_UD", "gram_DD", "n_taken")
    item_ID: FloatArray
    user_UD: FloatArray
    recent_UD: FloatArray | None
    """Users as they ask, where recent events count more. None without half-life, and in a model whose epochs
    are not done (on the way, or after Ctrl-C), whose users are folded in as they ask."""
    gram_DD: FloatArray
    """α QᵀQ, which every fold-in shares."""
    n_taken: float
    """The number of items that somebody took."""

    def _fit(self, data: Dataset, run: Run) -> None:
        settings = self.config
        by_user = Rows.of(self._matrix(data.histories(), data.n_items))
        by_item = by_user.turned(data.n_items)
        self.n_taken = float((by_item.lengths > 0).sum())
        n_active = float((by_user.lengths > 0).sum())
        self._start(data, run)
        self.recent_UD = None
        items_there, users_there = (self._on_device(rows, run) for rows in (by_item, by_user))
        for epoch in run.epochs(settings.n_epochs, "IALS"):
            exact = settings.solver == "cholesky"
            user_gram_DD = gram(self.user_UD, n_threads=run.threads) * np.float32(settings.unobserved_weight)
            self._half_step(
                by_item,
                self.user_UD,
                user_gram_DD,
                n_active,
                self.item_ID,
                exact=exact,
                run=run,
                there=items_there,
            )
            self.gram_DD = gram(self.item_ID, n_threads=run.threads) * np.float32(settings.unobserved_weight)
            loss = self._half_step(
                by_user,
                self.item_ID,
                self.gram_DD,
                self.n_taken,
                self.user_UD,
                exact=exact or epoch == settings.n_epochs - 1,
                run=run,
                there=users_there,
            )
            item_penalty = self._penalty(by_item.lengths, n_active) @ (
                self.item_ID.astype(np.float64) ** 2
            ).sum(1)
            loss += float(item_penalty)
            if not np.isfinite(loss):
                raise InvalidValue(
                    "regularization",
                    "large enough to solve",
                    settings.regularization,
                    f"Epoch {epoch} gave {loss}.",
                )
            run.log(loss=loss / max(len(by_user.item), 1))
        if settings.history_half_life is not None and not run.interrupted:
            self.recent_UD = self._recent(data.histories(), run)

    def _recent(self, histories: Histories, run: Run) -> FloatArray:
        """Returns the users, solved exactly, with recent events counting more; what trains stays as it is."""
        rows, recent_UD = self._asked(histories), self.user_UD.copy()
        there = self._on_device(rows, run)
        self._half_step(
            rows, self.item_ID, self.gram_DD, self.n_taken, recent_UD, exact=True, run=run, there=there
        )
        return recent_UD

    def _start(self, data: Dataset, run: Run) -> None:
        n_dims = self.config.embedding_dim
        ask_for_vectors("IALS", data, n_dims)
        shapes = {
            "item_ID": (data.n_items, n_dims),
            "user_UD": (data.n_users, n_dims),
            "gram_DD": (n_dims,) * 2,
        }
        if run.state is not None:
            self.item_ID, self.user_UD, self.gram_DD = (resumed(run, *named) for named in shapes.items())
            return
        scale = self.config.init_scale / np.sqrt(n_dims)
        drawn = generator(run.seed, "ials")
        self.user_UD = (drawn.standard_normal(shapes["user_UD"], np.float32) * scale).astype(np.float32)
        self.item_ID = (drawn.standard_normal(shapes["item_ID"], np.float32) * scale).astype(np.float32)
        self.user_UD[data.histories().lengths == 0] = 0
        self.gram_DD = np.zeros(shapes["gram_DD"], np.float32)

    def _half_step(
        self,
        rows: Rows,
        vector_ID: FloatArray,
        base_DD: FloatArray,
        n_others: float,
        out_BD: FloatArray,
        *,
        exact: bool,
        run: Run,
        there: RidgeRows | None,
    ) -> float:
        """Solves one side in place, on a device where `there` has its rows; returns what its rows lose."""
        ones, penalty_B = np.ones_like(rows.value), self._penalty(rows.lengths, n_others)
        if there is not None:
            n_steps_there = None if exact else self.config.n_cg_steps
            return there.solve(vector_ID, base_DD, penalty_B, out_BD, n_steps=n_steps_there)
        loss_B = np.zeros(len(rows), np.float32)
        left: list[int] = []
        by_steps = not exact or (self.config.solver == "cg" and self.config.embedding_dim >= _LONG)
        n_steps, tolerance = (_MOST_STEPS, _EXACT) if exact else (self.config.n_cg_steps, 0.0)

        def work(start: int, stop: int) -> None:
            n_left = conjugate_rows(
                start,
                stop,
                n_steps,
                tolerance,
                rows.indptr,
                rows.item,
                rows.value,
                ones,
                vector_ID,
                base_DD,
                penalty_B,
                out_BD,
                loss_B,
            )
            left.append(n_left)

        if by_steps:
            in_blocks(work, len(rows), n_threads=run.threads)
        if exact and (not by_steps or any(left)):
            out_BD[:], loss_B = solve(rows, ones, vector_ID, base_DD, penalty_B, n_threads=run.threads)
        return float(loss_B.sum(dtype=np.float64))

    def _on_device(self, rows: Rows, run: Run) -> RidgeRows | None:
        """Returns one side's rows on the GPU that the run names, or None for the compiled kernels."""
        device = accelerator(run)
        if device is None:
            return None
        there: RidgeRows = closed_forms().RidgeRows(
            rows.indptr, rows.item, rows.value, self.config.embedding_dim, device
        )
        return there

    def _penalty(self, lengths: np.ndarray, n_others: float) -> FloatArray:
        """λ (|N| + α·others)^ν of each row."""
        frequency = lengths + self.config.unobserved_weight * n_others
        return (self.config.regularization * frequency**self.config.frequency_exponent).astype(np.float32)

    def _asked(self, histories: Histories) -> Rows:
        """Returns each row's distinct items with their c when lists are asked for."""
        matrix = self._matrix(histories, len(self.item_ID))
        return Rows.of(faded(histories, matrix, self.config.history_half_life))

    def _matrix(self, histories: Histories, n_items: int) -> sparse.csr_matrix:
        """Returns the c of observed pairs as training has them, float32 [B, I]."""
        if self.config.weighting == "binary":
            return histories.binary(n_items)
        matrix = histories.matrix(n_items)
        if len(matrix.data) and matrix.data.min() < 0:
            raise InvalidValue(
                "weight", "0 or more for IALS", float(matrix.data.min()), "Use weighting='binary', or filter."
            )
        if self.config.weighting == "log":
            matrix.data = np.log1p(matrix.data)
        return matrix

    def _score(self, histories: Histories) -> FloatArray:
        score_BI = self._user_vectors(histories) @ self.item_ID.T
        return without_evidence(score_BI, self.memory.popularity)

    def _product(self) -> tuple[Callable[[Histories], FloatArray], FloatArray] | None:
        return self._user_vectors, self.item_ID.T

    def _score_some(self, histories: Histories, item_code_BN: CodeArray) -> FloatArray:
        score_BN = products(self._user_vectors(histories), self.item_ID, item_code_BN)
        return np.where(self.memory.popularity[item_code_BN] > 0, score_BN, np.float32(-np.inf))

    def _user_vectors(self, histories: Histories) -> FloatArray:
        vector_BD = np.empty((len(histories), self.config.embedding_dim), np.float32)
        known_UD = self.user_UD if self.config.history_half_life is None else self.recent_UD
        hot = np.zeros(len(histories), bool)
        if known_UD is not None:
            hot = histories.user >= 0
            vector_BD[hot] = known_UD[histories.user[hot]]
        if not hot.all():
            rows = self._asked(histories.take(np.flatnonzero(~hot)))
            penalty_B = self._penalty(rows.lengths, self.n_taken)
            vector_BD[~hot], _ = solve(rows, np.ones_like(rows.value), self.item_ID, self.gram_DD, penalty_B)
        return vector_BD

    def _item_vectors(self) -> FloatArray:
        return self.item_ID

    def _similar(self, item_codes: CodeArray) -> FloatArray:
        return without_evidence(cosine(self.item_ID, item_codes), self.memory.popularity)

    def _contributions(self, history: Histories, item_codes: CodeArray) -> tuple[FloatArray, FloatArray]:
        """Is exact: ŷ_uj = Σ_i c_ui q_jᵀ A_u⁻¹ q_i (Hu, Koren, Volinsky, section 5); the base is 0."""
        row = self._asked(history)
        penalty = float(self._penalty(row.lengths, self.n_taken)[0])
        parts = reasons(
            history,
            row,
            np.ones_like(row.value),
            self.item_ID,
            self.gram_DD,
            penalty,
            self.item_ID[item_codes],
        )
        return np.zeros(len(item_codes), np.float32), parts
