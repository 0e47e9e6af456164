"""Bayesian personalized ranking by sampled gradient steps. Rendle et al., BPR: Bayesian personalized ranking
from implicit feedback, UAI 2009."""

from __future__ import annotations

import numpy as np
from numba import njit

from recsmith.kernels.strata import mix
from recsmith.kernels.vectors import dot_difference, step_pair

_TRIES = 32


@njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "nsz"})
def bpr_events(
    user,
    item,
    key,
    indptr,
    seen,
    candidate,
    item_bias_I,
    user_UD,
    item_ID,
    learning_rate,
    regularization,
):
    """Takes one step for each event (u, i) against a drawn item j, in place.

    The negative j is drawn evenly from `candidate`, and again while u has it in their `seen` list (sorted
    codes, row u at indptr[u] : indptr[u + 1]); an event that finds none in 32 draws takes no step. With
    x = b_i − b_j + p_u·(q_i − q_j), each parameter θ moves by η (σ(−x) ∂x/∂θ − λ θ). Draw t of event e
    is a hash of (key, e, t): the same key gives the same steps, whatever else runs at the time.
    Returns (events that stepped, those with x > 0 before the step, Σ log(1 + e^−x)).
    O(events·(D + log history)).
    """
    rate = np.float32(learning_rate)
    keep = np.float32(1.0 - learning_rate * regularization)
    n_candidates = np.uint64(len(candidate))
    stepped = 0
    right = 0
    loss = 0.0
    for event in range(len(user)):
        u = user[event]
        i = item[event]
        state = mix(np.uint64(key) + np.uint64(event) * np.uint64(0x9E3779B97F4A7C15))
        j = np.int32(-1)
        for _ in range(_TRIES):
            state = mix(state + np.uint64(0x9E3779B97F4A7C15))
            # The upper 32 bits times n, shifted back: an even draw without a division.
            drawn = candidate[np.int64(((state >> np.uint64(32)) * n_candidates) >> np.uint64(32))]
            if not _contains(seen, indptr[u], indptr[u + 1], drawn):
                j = drawn
                break
        if j < 0:
            continue
        user_D = user_UD[u]
        above_D = item_ID[i]
        below_D = item_ID[j]
        x = item_bias_I[i] - item_bias_I[j] + dot_difference(user_D, above_D, below_D)
        stepped += 1
        right += x > 0
        pull = np.float32(1.0) / (np.float32(1.0) + np.exp(x))
        loss -= np.log(max(np.float32(1.0) - pull, np.float32(1e-30)))
        item_bias_I[i] = keep * item_bias_I[i] + rate * pull
        item_bias_I[j] = keep * item_bias_I[j] - rate * pull
        step_pair(user_D, above_D, below_D, keep, rate * pull)
    return stepped, right, loss


@njit(nogil=True, cache=True)
def _contains(codes, start, stop, code):
    """Says whether sorted codes[start:stop] hold the code, by bisection."""
    low = start
    high = stop
    while low < high:
        middle = (low + high) >> 1
        if codes[middle] < code:
            low = middle + 1
        else:
            high = middle
    return low < stop and codes[low] == code


def bpr_events_plain(
    user,
    item,
    key,
    indptr,
    seen,
    candidate,
    item_bias_I,
    user_UD,
    item_ID,
    learning_rate,
    regularization,
):
    """Is the readable twin of `bpr_events`, with whole numbers cut to 64 bits by hand."""
    mask, golden = 2**64 - 1, 0x9E3779B97F4A7C15

    def mix(x):
        y = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((y ^ (y >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)

    stepped, right, loss = 0, 0, 0.0
    for event, (u, i) in enumerate(zip(user, item, strict=True)):
        mine = set(seen[indptr[u] : indptr[u + 1]].tolist())
        state = mix((int(key) + event * golden) & mask)
        for _ in range(_TRIES):
            state = mix((state + golden) & mask)
            j = int(candidate[((state >> 32) * len(candidate)) >> 32])
            if j not in mine:
                break
        else:
            continue
        p, above, below = user_UD[u].copy(), item_ID[i].copy(), item_ID[j].copy()
        x = item_bias_I[i] - item_bias_I[j] + p @ (above - below)
        pull = 1 / (1 + np.exp(x))
        stepped, right, loss = stepped + 1, right + (x > 0), loss + np.log1p(np.exp(-x))
        item_bias_I[i] += learning_rate * (pull - regularization * item_bias_I[i])
        item_bias_I[j] += learning_rate * (-pull - regularization * item_bias_I[j])
        user_UD[u] += learning_rate * (pull * (above - below) - regularization * p)
        item_ID[i] += learning_rate * (pull * p - regularization * above)
        item_ID[j] += learning_rate * (-pull * p - regularization * below)
    return stepped, right, loss
