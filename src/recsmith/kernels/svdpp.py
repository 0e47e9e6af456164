"""SVD++ by stochastic gradient descent, person by person. Koren, Factorization meets the neighborhood: a
multifaceted collaborative filtering model, KDD 2008."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "nsz"})
def svdpp_people(
    people,
    indptr_U,
    item,
    rating,
    taken_indptr_U,
    taken,
    mean,
    user_bias_U,
    item_bias_I,
    user_UD,
    item_ID,
    implicit_ID,
    learning_rate,
    regularization,
    implicit_regularization,
):
    """Takes one step for each rating of `people` in order, in place; returns Σ e² before each step.

    e = r − (μ + b_u + b_i + q_i·(p_u + z_u)), z_u = |N(u)|^−½ Σ_{j in N(u)} y_j. Every step moves b_u, b_i,
    p_u, q_i and all |N(u)| vectors y_j, by η (e |N(u)|^−½ q_i − λ_y y_j): the same multiple of each and the
    same vector added to each. So one factor and one vector a person, put in when their ratings are done, are
    the whole of it, exactly; and z_u moves as p_u does, by η (e q_i − λ_y z_u). O((ratings + |N(u)|)·D) a
    person instead of O(ratings·|N(u)|·D). Ratings of u stand at indptr_U[u] in `item` int32 and `rating`
    float32; N(u), distinct, at taken_indptr_U[u] in `taken`.
    """
    n_dims = user_UD.shape[1]
    mu, rate = np.float32(mean), np.float32(learning_rate)
    shrink = np.float32(regularization)
    keep = np.float32(1.0) - rate * np.float32(implicit_regularization)
    implicit_D = np.empty(n_dims, np.float32)
    added_D = np.empty(n_dims, np.float32)
    squared = 0.0
    for u in people:
        first, last = taken_indptr_U[u], taken_indptr_U[u + 1]
        if first == last:
            continue
        root = np.float32(1.0) / np.sqrt(np.float32(last - first))
        implicit_D[:] = np.float32(0.0)
        for place in range(first, last):
            implicit_D += implicit_ID[taken[place]]
        implicit_D *= root
        added_D[:] = np.float32(0.0)
        factor = np.float32(1.0)
        user_D = user_UD[u]
        for event in range(indptr_U[u], indptr_U[u + 1]):
            i = item[event]
            item_D = item_ID[i]
            product = np.float32(0.0)
            for d in range(n_dims):
                product += item_D[d] * (user_D[d] + implicit_D[d])
            error = rating[event] - (mu + user_bias_U[u] + item_bias_I[i] + product)
            squared += error * error
            user_bias_U[u] += rate * (error - shrink * user_bias_U[u])
            item_bias_I[i] += rate * (error - shrink * item_bias_I[i])
            factor *= keep
            step = rate * error
            for d in range(n_dims):
                p, q, z = user_D[d], item_D[d], implicit_D[d]
                item_D[d] = q + step * (p + z) - rate * shrink * q
                user_D[d] = p + step * q - rate * shrink * p
                implicit_D[d] = keep * z + step * q
                added_D[d] = keep * added_D[d] + step * root * q
        for place in range(first, last):
            row_D = implicit_ID[taken[place]]
            for d in range(n_dims):
                row_D[d] = factor * row_D[d] + added_D[d]
    return squared


@njit(nogil=True, cache=True)
def shuffled_rows(indptr, draw, order):
    """Fills `order` with the places of each row in an order drawn by `draw`, uniform in [0, 1). O(events)."""
    for row in range(len(indptr) - 1):
        first = indptr[row]
        for place in range(first, indptr[row + 1]):
            order[place] = place
        for place in range(indptr[row + 1] - 1, first, -1):  # Fisher and Yates
            other = first + int(draw[place] * (place - first + 1))
            order[place], order[other] = order[other], order[place]


def svdpp_people_plain(
    people,
    indptr_U,
    item,
    rating,
    taken_indptr_U,
    taken,
    mean,
    user_bias_U,
    item_bias_I,
    user_UD,
    item_ID,
    implicit_ID,
    learning_rate,
    regularization,
    implicit_regularization,
):
    """Is the readable twin of `svdpp_people`, as in the paper: each rating moves every y_j by itself."""
    squared = 0.0
    for u in people:
        mine = taken[taken_indptr_U[u] : taken_indptr_U[u + 1]]
        for event in range(indptr_U[u], indptr_U[u + 1]):
            i, root = item[event], len(mine) ** -0.5
            p, q, z = user_UD[u].copy(), item_ID[i].copy(), root * implicit_ID[mine].sum(0)
            error = rating[event] - (mean + user_bias_U[u] + item_bias_I[i] + q @ (p + z))
            squared += error**2
            user_bias_U[u] += learning_rate * (error - regularization * user_bias_U[u])
            item_bias_I[i] += learning_rate * (error - regularization * item_bias_I[i])
            user_UD[u] += learning_rate * (error * q - regularization * p)
            item_ID[i] += learning_rate * (error * (p + z) - regularization * q)
            for j in mine:
                step = error * root * q - implicit_regularization * implicit_ID[j]
                implicit_ID[j] += learning_rate * step
    return squared
