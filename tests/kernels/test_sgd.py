"""SGD for biased factors: the slow twin, Huber's loss, clipping, a hand-made step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsmith.kernels.sgd import sgd_events_of, sgd_events_plain

sgd_events = sgd_events_of(0, False)


def tables(seed: int, dtype=np.float32, *, n_users=6, n_items=5, n_dims=3) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = ((n_users,), (n_items,), (n_users, n_dims), (n_items, n_dims))
    return [rng.normal(0, 0.1, shape).astype(dtype) for shape in shapes]


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 10_000),
    n_dims=st.integers(1, 9),
    delta=st.sampled_from([0.3, np.inf]),
    clip=st.sampled_from([0.05, np.inf]),
    known=st.booleans(),
)
def test_fast_and_plain_agree(seed, n_dims, delta, clip, known):
    n_dims = 6 if known else n_dims  # one kernel of its own is enough to compile
    rng = np.random.default_rng(seed)
    user, item = rng.integers(0, 6, 40).astype(np.int32), rng.integers(0, 5, 40).astype(np.int32)
    rating = rng.integers(1, 6, 40).astype(np.float32)
    fast, plain = tables(seed, n_dims=n_dims), tables(seed, np.float64, n_dims=n_dims)
    options = (0.05, 0.1, delta, clip)
    first, stride = seed % 40, (1, 3, 17, 39)[seed % 4]
    kernel = sgd_events_of(n_dims if known else 0, clip < np.inf)
    one = kernel(user, item, rating, first, stride, 3.0, *fast, *options)
    other = sgd_events_plain(user, item, rating, first, stride, 3.0, *plain, *options)
    assert one == pytest.approx(other, rel=1e-4)
    for mine, theirs in zip(fast, plain, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-5)


def test_one_step_by_hand():
    # r = 5, μ = 3, everything else 0 but p = (1,), q = (.5,): e = 1.5; η = .1, λ = .2.
    bias_U, bias_I = np.zeros(1, np.float32), np.zeros(1, np.float32)
    p, q = np.ones((1, 1), np.float32), np.full((1, 1), 0.5, np.float32)
    zero = np.zeros(1, np.int32)
    squared = sgd_events(
        zero, zero, np.array([5], np.float32), 0, 0, 3.0, bias_U, bias_I, p, q, 0.1, 0.2, np.inf, np.inf
    )
    assert squared == pytest.approx(2.25)
    assert [bias_U[0], bias_I[0]] == pytest.approx([0.15, 0.15])
    assert p[0, 0] == pytest.approx(1 + 0.1 * (1.5 * 0.5 - 0.2))
    assert q[0, 0] == pytest.approx(0.5 + 0.1 * (1.5 * 1 - 0.2 * 0.5))


def test_huber_is_squared_within_its_delta():
    user, item = np.arange(5, dtype=np.int32), np.arange(5, dtype=np.int32)
    rating = np.full(5, 3.2, np.float32)
    one, other = tables(1), tables(1)
    sgd_events(user, item, rating, 0, 1, 3.0, *one, 0.1, 0.0, np.inf, np.inf)
    sgd_events(user, item, rating, 0, 1, 3.0, *other, 0.1, 0.0, 1.0, np.inf)
    assert all((a == b).all() for a, b in zip(one, other, strict=True))


def test_a_clipped_step_is_no_longer_than_rate_times_clip():
    before, after = tables(2), tables(2)
    user, item = np.arange(5, dtype=np.int32), np.arange(5, dtype=np.int32)
    kernel = sgd_events_of(0, True)
    kernel(user, item, np.full(5, 1e6, np.float32), 0, 1, 3.0, *after, 0.1, 0.0, np.inf, 2.0)
    for a, b in zip(before, after, strict=True):
        assert np.abs(a - b).max() <= 0.2 + 1e-6
