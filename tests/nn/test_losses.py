"""Each loss against a plain NumPy second implementation; the chunked softmax by its gradients too."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith.nn import losses  # noqa: E402


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def log_sigmoid(x):
    return -np.log1p(np.exp(-x))


def cross_entropy(logit_NV, target_N):
    rows = []
    for logit_V, target in zip(logit_NV, target_N, strict=True):
        p = np.exp(logit_V - logit_V.max())
        rows.append(-np.log(p[target] / p.sum()))
    return np.mean(rows)


@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("n", [1, 16, 37])
@pytest.mark.parametrize("width", [5, 20])  # products that are transposed, and those that are not
def test_full_softmax_and_its_gradients(monkeypatch, n, with_bias, width):
    monkeypatch.setattr(losses, "_CHUNK_BYTES", 64)  # sixteen rows a chunk, the fewest there are
    h, v, b = numbers(n, width), numbers(11, width, seed=1), numbers(11, seed=2)
    target = np.random.default_rng(3).integers(0, 11, n)
    ours = [torch.tensor(x, dtype=torch.float32, requires_grad=True) for x in (h, v, b)]
    plain = [torch.tensor(x, requires_grad=True) for x in (h, v, b)]
    loss = losses.full_softmax(*ours[:2], torch.tensor(target), bias_V=ours[2] if with_bias else None)
    logits = plain[0] @ plain[1].t() + (plain[2] if with_bias else 0)
    torch.nn.functional.cross_entropy(logits, torch.tensor(target)).backward()
    (loss * 1.0).backward()
    assert loss.item() == pytest.approx(cross_entropy(h @ v.T + (b if with_bias else 0), target), rel=1e-5)
    for mine, other in zip(ours[: 2 + with_bias], plain, strict=False):
        np.testing.assert_allclose(mine.grad, other.grad, rtol=1e-4, atol=1e-6)


def test_full_softmax_bears_large_scores():
    h, v = torch.full((2, 3), 100.0), torch.eye(3) * 100
    assert losses.full_softmax(h, v, torch.tensor([0, 1])).item() == pytest.approx(np.log(3), abs=1e-4)


@pytest.mark.parametrize("scale", [0.1, 300.0])  # sums that float32 holds, and sums that it does not
def test_full_softmax_of_small_and_large_scores_has_the_same_gradient_as_the_plain_one(scale):
    h, v = torch.tensor(numbers(9, 5) * scale).float(), torch.tensor(numbers(11, 5, seed=1)).float()
    target = torch.arange(9)
    ours, plain = ([x.clone().requires_grad_() for x in (h, v)] for _ in range(2))
    loss = losses.full_softmax(*ours, target)
    same = torch.nn.functional.cross_entropy(plain[0] @ plain[1].t(), target)
    loss.backward()
    same.backward()
    assert loss.item() == pytest.approx(same.item(), rel=1e-5)
    for mine, other in zip(ours, plain, strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-3, atol=1e-4 * max(scale, 1))


def test_sampled_softmax_corrects_and_leaves_the_target_out():
    positive, negative = numbers(4), numbers(4, 6, seed=1)
    target, sample = np.array([0, 3, 2, 9]), np.array([3, 5, 5, 0, 7, 1])
    log_q = np.log(np.linspace(0.01, 0.2, 10))
    expected = []
    for n in range(4):
        own = positive[n] - log_q[target[n]]
        others = [negative[n, k] - log_q[sample[k]] for k in range(6) if sample[k] != target[n]]
        expected.append(np.log(np.exp([own, *others]).sum()) - own)
    found = losses.sampled_softmax(
        torch.tensor(positive),
        torch.tensor(negative),
        target_N=torch.tensor(target),
        sample_K=torch.tensor(sample),
        log_q_positive_N=torch.tensor(log_q[target]),
        log_q_negative_K=torch.tensor(log_q[sample]),
    )
    assert found.item() == pytest.approx(np.mean(expected))


def test_sampled_softmax_of_every_item_is_the_full_one():
    h, v = torch.tensor(numbers(5, 3)), torch.tensor(numbers(8, 3, seed=1))
    target = torch.tensor([0, 1, 7, 3, 3])
    found = losses.sampled_softmax(
        (h * v[target]).sum(1), h @ v.t(), target_N=target, sample_K=torch.arange(8)
    )
    assert found.item() == pytest.approx(losses.full_softmax(h, v, target).item())


def test_in_batch_softmax_removes_accidental_hits():
    logits, target = numbers(4, 4), np.array([5, 2, 5, 1])
    log_q = np.log([0.3, 0.1, 0.3, 0.05])
    expected = []
    for n in range(4):
        kept = [m for m in range(4) if m == n or target[m] != target[n]]
        values = np.array([logits[n, m] - log_q[m] for m in kept])
        expected.append(np.log(np.exp(values).sum()) - (logits[n, n] - log_q[n]))
    found = losses.in_batch_softmax(
        torch.tensor(logits), target_N=torch.tensor(target), log_q_N=torch.tensor(log_q)
    )
    assert found.item() == pytest.approx(np.mean(expected))


def test_binary_losses():
    positive, negative = numbers(3), numbers(3, 4, seed=1)
    tensors = torch.tensor(positive), torch.tensor(negative)
    bce = np.mean(
        [-log_sigmoid(p) - np.mean(log_sigmoid(-n)) for p, n in zip(positive, negative, strict=True)]
    )
    assert losses.binary_cross_entropy(*tensors).item() == pytest.approx(bce)
    pairs = np.mean([-log_sigmoid(p - x) for p, n in zip(positive, negative, strict=True) for x in n])
    assert losses.bpr(*tensors).item() == pytest.approx(pairs)
    alpha, t = 4 / 20, 0.75
    beta = alpha * (t * (1 - 1 / alpha) + 1 / alpha)
    gbce = np.mean(
        [-beta * log_sigmoid(p) - log_sigmoid(-n).sum() for p, n in zip(positive, negative, strict=True)]
    )
    assert losses.generalised_bce(*tensors, n_items=21, calibration=t).item() == pytest.approx(gbce)
    plain = losses.generalised_bce(*tensors, n_items=21, calibration=0.0).item()
    assert plain == pytest.approx(
        np.mean([-log_sigmoid(p) - log_sigmoid(-n).sum() for p, n in zip(positive, negative, strict=True)])
    )


def test_an_accidental_negative_of_minus_infinity_adds_nothing():
    positive = torch.zeros(1, requires_grad=True)
    negative = torch.tensor([[-torch.inf, 1.0]], requires_grad=True)
    loss = losses.binary_cross_entropy(positive, negative)
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(negative.grad).all() and negative.grad[0, 0] == 0


def test_losses_of_ratings():
    predicted, truth = numbers(6) * 3, numbers(6, seed=1)
    tensors = torch.tensor(predicted), torch.tensor(truth)
    error = predicted - truth
    assert losses.squared(*tensors).item() == pytest.approx(np.mean(error**2))
    far = np.abs(error) > 1.5
    expected = np.mean(np.where(far, 1.5 * (np.abs(error) - 0.75), error**2 / 2))
    assert far.any() and not far.all()
    assert losses.huber(*tensors, delta=1.5).item() == pytest.approx(expected)
