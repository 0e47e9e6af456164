"""The gradient of softmax cross entropy against NumPy in float64: small, large and vanishing scores, NaN."""

import numpy as np
import pytest

from recsmith.kernels.softmax import softmax_gradient, softmax_gradient_by


def plain(logit_NV, target_N, scale):
    logit_NV = logit_NV.astype(np.float64)
    p_NV = np.exp(logit_NV - logit_NV.max(1, keepdims=True))
    p_NV /= p_NV.sum(1, keepdims=True)
    rows = np.arange(len(target_N))
    loss = -np.log(p_NV[rows, target_N]).sum()
    p_NV[rows, target_N] -= 1
    return p_NV * scale, loss


@pytest.mark.parametrize("n_items", [1, 7, 8, 1001])
@pytest.mark.parametrize("spread", [0.0, 1.0, 10.0])
def test_gradient_and_loss_are_the_plain_ones(n_items, spread):
    generator = np.random.default_rng(n_items)
    logit_NV = (generator.normal(size=(9, n_items)) * spread).astype(np.float32)
    target_N = generator.integers(0, n_items, 9)
    expected_NV, loss = plain(logit_NV, target_N, 0.25)
    found = softmax_gradient(logit_NV, logit_NV.max(1), target_N, 0.25)
    assert found == pytest.approx(loss, rel=1e-6, abs=1e-6)
    np.testing.assert_allclose(logit_NV, expected_NV, rtol=2e-6, atol=1e-7)


def test_scores_far_below_the_top_count_as_nothing_and_huge_ones_do_not_overflow():
    logit_NV = np.array([[3e38, 0, -3e38, 3e38]], np.float32)
    assert softmax_gradient(logit_NV, logit_NV.max(1), np.array([3]), 1.0) == pytest.approx(np.log(2))
    np.testing.assert_allclose(logit_NV, [[0.5, 0, 0, -0.5]], atol=1e-30)


def test_a_score_that_is_no_number_is_told():
    logit_NV = np.zeros((1, 20), np.float32)
    logit_NV[0, 5] = np.nan
    assert np.isnan(softmax_gradient(logit_NV, np.zeros(1, np.float32), np.array([3]), 1.0))


@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_threads_share_the_rows(n_threads):
    generator = np.random.default_rng(0)
    logit_NV = generator.normal(size=(3, 50)).astype(np.float32)
    target_N = np.array([4, 0, 49])
    expected_NV, loss = plain(logit_NV, target_N, 0.5)
    found = softmax_gradient_by(n_threads, logit_NV, logit_NV.max(1), target_N, 0.5)
    assert found == pytest.approx(loss, rel=1e-6)
    np.testing.assert_allclose(logit_NV, expected_NV, rtol=2e-6, atol=1e-7)
