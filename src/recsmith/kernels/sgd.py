"""Biased matrix factorization by stochastic gradient descent. Funk 2006; Koren, Bell, Volinsky, Matrix
factorization techniques for recommender systems, IEEE Computer 2009."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import njit

from recsmith.kernels.vectors import dot, fetch, step_both

_AHEAD = 4  # events: time enough for a vector to come from the third-level cache
_LINE = 16  # numbers in a cache line


@cache
def sgd_events_of(n_dims: int, clipped: bool) -> Callable[..., Any]:
    """Returns `sgd_events` for vectors of `n_dims` numbers, or of any length for 0; with a clip or without.

    The first call of one compiles it: a second or two, once for a length. Steps of 100 numbers take .6 of the
    time when their length is known, since their vectors stay in registers and are asked for ahead.
    """

    @njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "nsz"})
    def sgd_events(
        user,
        item,
        rating,
        first,
        stride,
        mean,
        user_bias_U,
        item_bias_I,
        user_UD,
        item_ID,
        learning_rate,
        regularization,
        huber_delta,
        clip,
    ):
        """Takes one step for each event, in place; returns Σ e² of the errors before each step.

        From event `first` it goes on by `stride`, which has no divisor with the number of events in common,
        and begins anew at the end: so each event comes once, in an order that nothing had to be moved for.

        e = r − (μ + b_u + b_i + p_u·q_i), and a parameter θ with feature x moves by η (g(e)·x − λ θ), the
        bracket cut to ±clip. g(e) = e for the squared loss; Huber's loss cuts it to ±huber_delta (infinity
        gives the squared loss). Arrays are float32, codes int32, settings float. O(events·D).
        """
        n_all = user_UD.shape[1]
        mu = np.float32(mean)
        rate = np.float32(learning_rate)
        shrink = np.float32(regularization)
        keep = np.float32(1.0 - learning_rate * regularization)
        delta = np.float32(huber_delta)
        cut = np.float32(clip)
        squared = 0.0
        event = first - stride
        coming = (first + (_AHEAD - 1) * stride) % max(len(user), 1)
        for _ in range(len(user)):
            event += stride
            if event >= len(user):
                event -= len(user)
            coming += stride
            if coming >= len(user):
                coming -= len(user)
            # Codes as unsigned numbers: a negative one would count from the end, which is looked for.
            for d in range(0, n_dims, _LINE):
                fetch(user_UD[np.uint64(user[np.uint64(coming)])], d)
                fetch(item_ID[np.uint64(item[np.uint64(coming)])], d)
            now = np.uint64(event)
            u = np.uint64(user[now])
            i = np.uint64(item[now])
            user_D = user_UD[u]
            item_D = item_ID[i]
            error = rating[now] - (mu + user_bias_U[u] + item_bias_I[i] + dot(user_D, item_D, n_dims))
            squared += error * error
            pull = min(max(error, -delta), delta)
            if not clipped:  # θ + η (g x − λ θ) = (1 − η λ) θ + η g x
                step_both(user_D, item_D, keep, rate * pull, n_dims)
                user_bias_U[u] = keep * user_bias_U[u] + rate * pull
                item_bias_I[i] = keep * item_bias_I[i] + rate * pull
                continue
            user_bias_U[u] += rate * min(max(pull - shrink * user_bias_U[u], -cut), cut)
            item_bias_I[i] += rate * min(max(pull - shrink * item_bias_I[i], -cut), cut)
            for d in range(n_all):
                p = user_D[d]
                q = item_D[d]
                user_D[d] = p + rate * min(max(pull * q - shrink * p, -cut), cut)
                item_D[d] = q + rate * min(max(pull * p - shrink * q, -cut), cut)
        return squared

    return sgd_events


def sgd_events_plain(
    user,
    item,
    rating,
    first,
    stride,
    mean,
    user_bias_U,
    item_bias_I,
    user_UD,
    item_ID,
    learning_rate,
    regularization,
    huber_delta,
    clip,
):
    """Is the readable twin of `sgd_events_of`'s; the arrays may be float64."""
    squared = 0.0
    order = (first + stride * np.arange(len(user))) % max(len(user), 1)
    for u, i, r in zip(user[order], item[order], rating[order], strict=True):
        p, q = user_UD[u].copy(), item_ID[i].copy()
        error = r - (mean + user_bias_U[u] + item_bias_I[i] + p @ q)
        squared += error**2
        pull = np.clip(error, -huber_delta, huber_delta)
        user_bias_U[u] += learning_rate * np.clip(pull - regularization * user_bias_U[u], -clip, clip)
        item_bias_I[i] += learning_rate * np.clip(pull - regularization * item_bias_I[i], -clip, clip)
        user_UD[u] += learning_rate * np.clip(pull * q - regularization * p, -clip, clip)
        item_ID[i] += learning_rate * np.clip(pull * p - regularization * q, -clip, clip)
    return squared
