"""Fold-in on the device: ridge regression of a history on item vectors, solved by conjugate gradients.

Hu, Koren, Volinsky, Collaborative filtering for implicit feedback datasets, ICDM 2008, for what is solved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recsmith.errors import InvalidValue, Shown

_CLOSE = 3e-6  # of the largest coordinate of the solution: about as near as float32 comes
_MOST_STEPS = 128
_TINY = 1e-30  # below it a step has nothing left to do; not added, for ONNX's optimizer takes that for + 0


class Ridge(nn.Module):
    """Solves (G + λ + Σ c v vᵀ) w = Σ c t v over the events of a history, a fixed number of steps.

    The vectors are turned once into the basis in which G is diagonal: the products with item vectors stay
    what they were, and the diagonal is a good preconditioner. Twelve steps are usual. O(H·D²) a person.
    """

    vector_ID: Tensor
    """Item vectors in that basis."""
    base_D: Tensor

    def __init__(self, vector_ID: np.ndarray, base_DD: np.ndarray, *, n_steps: int = 16) -> None:
        super().__init__()
        base_D, turn_DD = np.linalg.eigh(base_DD.astype(np.float64))
        self.n_steps = n_steps
        turned_ID = (vector_ID.astype(np.float64) @ turn_DD).astype(np.float32)
        self.register_buffer("vector_ID", torch.from_numpy(turned_ID))
        self.register_buffer("base_D", torch.from_numpy(np.maximum(base_D, 0).astype(np.float32)))

    def forward(self, row_BH: Tensor, weight_BH: Tensor, target_BH: Tensor, penalty_B1: Tensor) -> Tensor:
        """Returns w [B, D], in the basis of `vector_ID`; c is `weight_BH`, 0 for what does not count."""
        return self._system(row_BH, weight_BH, target_BH, penalty_B1).solved(self.n_steps)

    def _system(self, row_BH: Tensor, weight_BH: Tensor, target_BH: Tensor, penalty_B1: Tensor) -> _System:
        vector_BHD = functional.embedding(row_BH, self.vector_ID)
        weighted_BHD = vector_BHD * weight_BH.unsqueeze(2)
        weighted_BDH = weighted_BHD.transpose(1, 2)
        ridge_BD = self.base_D + penalty_B1
        return _System(
            weighted_BDH @ vector_BHD,
            ridge_BD,
            1 / (ridge_BD + (weighted_BHD * vector_BHD).sum(1)),
            (weighted_BDH @ target_BH.unsqueeze(2)).squeeze(2),
        )

    def settle(
        self, row_BH: Tensor, weight_BH: Tensor, target_BH: Tensor, penalty_B1: Tensor, *, what: str
    ) -> None:
        """Sets `n_steps` to what these histories need to be solved as nearly as float32 can.

        Raises `InvalidValue` when they need more than 128 steps.
        """
        system = self._system(row_BH, weight_BH, target_BH, penalty_B1)
        whole_BDD = system.matrix_BDD.double() + torch.diag_embed(system.ridge_BD.double())
        exact_BD = torch.linalg.solve(whole_BDD, system.right_BD.double())
        scale = float(exact_BD.abs().max()) + _TINY
        for n_steps in range(8, _MOST_STEPS + 1, 4):
            error = float((system.solved(n_steps) - exact_BD).abs().max()) / scale
            if error <= _CLOSE:
                self.n_steps = n_steps + 4
                return
        steps = Shown(f"an error of {error:.1e} after {_MOST_STEPS} steps")
        raise InvalidValue(
            what, f"solved to {_CLOSE:g} by conjugate gradients", steps, "Raise the regularization."
        )


@dataclass(frozen=True)
class _System:
    """Holds (M + diag d) w = b for each person."""

    matrix_BDD: Tensor
    ridge_BD: Tensor
    inverse_BD: Tensor
    """1 over the diagonal of M + diag d: the preconditioner."""
    right_BD: Tensor

    def solved(self, n_steps: int) -> Tensor:
        """Returns w [B, D] after so many conjugate gradient steps from 0."""
        left_BD = self.right_BD
        toward_BD = self.inverse_BD * left_BD
        length_B1 = (left_BD * toward_BD).sum(1, keepdim=True)
        found_BD = torch.zeros_like(left_BD)
        for _ in range(n_steps):
            moved_BD = (self.matrix_BDD @ toward_BD.unsqueeze(2)).squeeze(2) + self.ridge_BD * toward_BD
            curve_B1 = (toward_BD * moved_BD).sum(1, keepdim=True)
            step_B1 = torch.where(curve_B1 > _TINY, length_B1 / curve_B1, 0.0)
            found_BD = found_BD + step_B1 * toward_BD
            left_BD = left_BD - step_B1 * moved_BD
            scaled_BD = self.inverse_BD * left_BD
            next_B1 = (left_BD * scaled_BD).sum(1, keepdim=True)
            toward_BD = scaled_BD + (next_B1 / length_B1.clamp(min=_TINY)) * toward_BD
            length_B1 = next_B1
        return found_BD
