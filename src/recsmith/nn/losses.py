"""Losses: what is small when the item that came next scores above the others.

Scores are logits. N positions, each with its target; V items; K negatives shared by all positions, or a row
of them each. All give the mean over positions.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from recsmith.kernels.softmax import softmax_gradient_by

_CHUNK_BYTES = 2**20  # logits of a thread's share of a chunk stay in its core's own cache
_NARROW = 16  # a product whose result has fewer columns takes up to three times as long as its transpose


def full_softmax(
    hidden_ND: Tensor, item_VD: Tensor, target_N: Tensor, *, bias_V: Tensor | None = None
) -> Tensor:
    """Returns −mean log softmax(h·v + b)[target] over all items; [N, V] never exists as a whole on a CPU."""
    if hidden_ND.device.type != "cpu" or hidden_ND.dtype != torch.float32:
        return functional.cross_entropy(functional.linear(hidden_ND, item_VD, bias_V), target_N)
    loss: Tensor = _ChunkedSoftmax.apply(hidden_ND, item_VD, bias_V, target_N)  # type: ignore[no-untyped-call]
    return loss


class _ChunkedSoftmax(torch.autograd.Function):
    """Takes rows in chunks and finds the gradients on the way: each chunk is made once and kept nowhere."""

    @staticmethod
    def forward(
        ctx: Any, hidden_ND: Tensor, item_VD: Tensor, bias_V: Tensor | None, target_N: Tensor
    ) -> Tensor:
        n, n_items = len(hidden_ND), len(item_VD)
        narrow, learns = hidden_ND.shape[1] < _NARROW, any(ctx.needs_input_grad[:3])
        by_hidden, by_item = (x.new_zeros(x.shape[::-1] if narrow else x.shape) for x in (hidden_ND, item_VD))
        by_bias = None if bias_V is None else torch.zeros_like(bias_V)
        n_threads = torch.get_num_threads()
        n_chunks = -(-n // max(16, n_threads * _CHUNK_BYTES // (4 * n_items)))
        rows = -(-n // max(n_chunks, 1))  # chunks are about equal
        buffer, total = hidden_ND.new_empty(rows, n_items), 0.0
        for start in range(0, n, max(rows, 1)):
            some = slice(start, start + rows)
            hidden, target = hidden_ND[some], target_N[some]
            grad = torch.mm(hidden, item_VD.t(), out=buffer[: len(hidden)])  # logits, still
            if bias_V is not None:
                grad += bias_V
            top = grad.amax(1).numpy()
            total += softmax_gradient_by(n_threads, grad.numpy(), top, target.numpy(), 1 / n)
            if not learns:
                continue
            if narrow:
                by_hidden[:, some] = item_VD.t() @ grad.t()
                by_item.addmm_(hidden.t(), grad)
            else:
                torch.mm(grad, item_VD, out=by_hidden[some])
                by_item.addmm_(grad.t(), hidden)
            if by_bias is not None:
                by_bias += grad.sum(0)
        if narrow:
            by_hidden, by_item = by_hidden.t(), by_item.t()
        ctx.save_for_backward(by_hidden, by_item, by_bias)
        return hidden_ND.new_tensor(total / max(n, 1))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None]:
        by_hidden, by_item, by_bias = ctx.saved_tensors
        scale = grads[0]
        return by_hidden * scale, by_item * scale, None if by_bias is None else by_bias * scale, None


def sampled_softmax(
    positive_N: Tensor,
    negative_NK: Tensor,
    *,
    target_N: Tensor,
    sample_K: Tensor,
    log_q_positive_N: Tensor | None = None,
    log_q_negative_K: Tensor | None = None,
) -> Tensor:
    """Returns softmax cross entropy against K shared negatives (ids `sample_K`), score − log q.

    log q is the log of how often an item is expected in the sample (Bengio & Senécal 2008); without it, of
    items drawn alike, the correction is the same for all. A negative that is a row's own target is left out.
    """
    positive = positive_N if log_q_positive_N is None else positive_N - log_q_positive_N
    negative = negative_NK if log_q_negative_K is None else negative_NK - log_q_negative_K
    hit_NK = target_N[:, None] == sample_K[None, :]
    logits = torch.cat([positive[:, None], negative.masked_fill(hit_NK, -math.inf)], 1)
    return (logits.logsumexp(1) - positive).mean()


def in_batch_softmax(logit_NN: Tensor, *, target_N: Tensor, log_q_N: Tensor | None = None) -> Tensor:
    """Returns softmax cross entropy where the other rows' targets are the negatives; row n's own is column n.

    log_q_N [N] is each target's log share of all targets (Yi et al., RecSys 2019). Columns that hold the same
    item as the row's target are accidental hits and left out.
    """
    corrected = logit_NN if log_q_N is None else logit_NN - log_q_N[None, :]
    same = target_N[:, None] == target_N[None, :]
    same.fill_diagonal_(fill_value=False)
    return functional.cross_entropy(
        corrected.masked_fill(same, -math.inf), torch.arange(len(logit_NN), device=logit_NN.device)
    )


def binary_cross_entropy(positive_N: Tensor, negative_NK: Tensor) -> Tensor:
    """Returns −log σ(s⁺) − mean over the K negatives of log σ(−s⁻); SASRec's own loss for K = 1."""
    return (functional.softplus(-positive_N) + functional.softplus(negative_NK).mean(1)).mean()


def generalised_bce(positive_N: Tensor, negative_NK: Tensor, *, n_items: int, calibration: float) -> Tensor:
    """Returns gBCE (Petrov & Macdonald, RecSys 2023): −β log σ(s⁺) − Σ log σ(−s⁻), β = α(t(1 − 1/α) + 1/α).

    α = K / (n_items − 1) is the share of items drawn; t = `calibration`, 0 is plain BCE, 1 full calibration.
    """
    n_negatives = negative_NK.shape[1]
    alpha = n_negatives / max(n_items - 1, n_negatives)
    beta = alpha * (calibration * (1 - 1 / alpha) + 1 / alpha)
    return (beta * functional.softplus(-positive_N) + functional.softplus(negative_NK).sum(1)).mean()


def bpr(positive_N: Tensor, negative_NK: Tensor) -> Tensor:
    """Returns −mean log σ(s⁺ − s⁻) (Rendle et al., UAI 2009)."""
    return functional.softplus(negative_NK - positive_N[:, None]).mean()


def squared(predicted_N: Tensor, truth_N: Tensor) -> Tensor:
    """Returns the mean of (ŷ − y)²."""
    return (predicted_N - truth_N).square().mean()


def huber(predicted_N: Tensor, truth_N: Tensor, *, delta: float = 1.0) -> Tensor:
    """Returns the mean of e²/2 up to |e| = δ, of δ (|e| − δ/2) beyond (Huber 1964)."""
    return functional.huber_loss(predicted_N, truth_N, delta=delta)
