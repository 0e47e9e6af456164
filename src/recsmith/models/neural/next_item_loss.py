"""The loss of NextItem: contexts, targets and item vectors to one number, by the loss the settings name."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from recsmith.models.neural.next_item_config import SequenceConfig
from recsmith.nn import losses
from recsmith.nn.item_vectors import ItemVectors
from recsmith.types import FloatArray

_OWN_NEGATIVES = 16  # up to here each position draws its own


class NextItemLoss:
    """Draws negatives where the loss needs some, and takes the loss."""

    def __init__(self, config: SequenceConfig, popularity: FloatArray) -> None:
        self.config = config
        taken_I = popularity.astype(np.float64)
        drawn_I = taken_I if config.negative_sampling == "popularity" else (taken_I > 0).astype(np.float64)
        with np.errstate(divide="ignore"):  # items never taken are never drawn
            self._log_q_I = torch.from_numpy(np.log(drawn_I / drawn_I.sum())).float()
        share_I = np.maximum(taken_I, 0.5)
        self._log_share_I = torch.from_numpy(np.log(share_I / share_I.sum())).float()

    def __call__(self, items: ItemVectors, hidden_ND: Tensor, target_N: Tensor) -> Tensor:
        """Returns the mean loss of N contexts with their targets (item codes)."""
        config, item_ID, bias_I = self.config, items(), items.bias
        if config.loss == "softmax":
            return losses.full_softmax(hidden_ND, item_ID, target_N, bias_V=bias_I)
        if config.loss == "in_batch":
            logit_NN = _shared(hidden_ND, item_ID, bias_I, target_N)
            log_q_N = self._log_share_I.to(target_N.device)[target_N]
            return losses.in_batch_softmax(logit_NN, target_N=target_N, log_q_N=log_q_N)
        positive_N = _own(hidden_ND, item_ID, bias_I, target_N[:, None]).squeeze(1)
        log_q_I = self._log_q_I.to(target_N.device)
        if config.loss == "sampled_softmax":
            sample_K = torch.multinomial(log_q_I.exp(), config.n_negatives, replacement=True)
            return losses.sampled_softmax(
                positive_N,
                _shared(hidden_ND, item_ID, bias_I, sample_K),
                target_N=target_N,
                sample_K=sample_K,
                log_q_positive_N=log_q_I[target_N],
                log_q_negative_K=log_q_I[sample_K],
            )
        negative_NK = self._negatives(hidden_ND, item_ID, bias_I, target_N, log_q_I)
        if config.loss == "bce":
            return losses.binary_cross_entropy(positive_N, negative_NK)
        if config.loss == "gbce":
            return losses.generalised_bce(
                positive_N, negative_NK, n_items=len(item_ID), calibration=config.calibration
            )
        return losses.bpr(positive_N, negative_NK)

    def _negatives(
        self, hidden_ND: Tensor, item_ID: Tensor, bias_I: Tensor | None, target_N: Tensor, log_q_I: Tensor
    ) -> Tensor:
        """Returns the scores of drawn items [N, K]; -inf where the target itself was drawn.

        Few are drawn for each position; many are drawn once for all, so that they are one matrix product.
        """
        n, k = len(target_N), self.config.n_negatives
        if k > _OWN_NEGATIVES:
            drawn_1K = torch.multinomial(log_q_I.exp(), k, replacement=True)[None]
            score_NK = _shared(hidden_ND, item_ID, bias_I, drawn_1K[0])
            return score_NK.masked_fill(drawn_1K == target_N[:, None], -math.inf)
        drawn_NK = torch.multinomial(log_q_I.exp(), n * k, replacement=True).view(n, k)
        score_NK = _own(hidden_ND, item_ID, bias_I, drawn_NK)
        return score_NK.masked_fill(drawn_NK == target_N[:, None], -math.inf)


def _own(hidden_ND: Tensor, item_ID: Tensor, bias_I: Tensor | None, code_NK: Tensor) -> Tensor:
    """Returns the scores [N, K] of each row's own items."""
    dot_NK = (item_ID[code_NK] @ hidden_ND.unsqueeze(2)).squeeze(2)
    return dot_NK if bias_I is None else dot_NK + bias_I[code_NK]


def _shared(hidden_ND: Tensor, item_ID: Tensor, bias_I: Tensor | None, code_K: Tensor) -> Tensor:
    """Returns the scores [N, K] of the same K items for every row."""
    dot_NK = hidden_ND @ item_ID[code_K].t()
    return dot_NK if bias_I is None else dot_NK + bias_I[code_K]
