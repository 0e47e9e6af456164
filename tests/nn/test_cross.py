"""Cross networks against plain loops of the papers' formulas."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith.nn.cross import CrossMatrix, CrossMixture, CrossNet, CrossVector, factorization_term  # noqa: E402

X0 = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
X = torch.randn(5, 6, generator=torch.Generator().manual_seed(1))


def plain(tensor):
    return tensor.detach().double().numpy()


def test_v1():
    layer = CrossVector(6)
    torch.nn.init.normal_(layer.bias)
    w, b = plain(layer.weight), plain(layer.bias)
    expected = [x0 * (x @ w) + b + x for x0, x in zip(plain(X0), plain(X), strict=True)]
    np.testing.assert_allclose(plain(layer(X0, X)), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rank", [None, 2])
def test_v2(rank):
    layer = CrossMatrix(6, rank=rank)
    w, b = plain(layer.matrix()), plain(layer.up.bias)
    expected = [x0 * (w @ x + b) + x for x0, x in zip(plain(X0), plain(X), strict=True)]
    np.testing.assert_allclose(plain(layer(X0, X)), expected, rtol=1e-5, atol=1e-6)
    assert np.linalg.matrix_rank(w, tol=1e-6) == (rank or 6)


def test_mixture():
    layer = CrossMixture(6, rank=2, n_experts=3)
    torch.nn.init.normal_(layer.bias)
    down, core, up = plain(layer.down), plain(layer.core), plain(layer.up)
    expected = []
    for x0, x in zip(plain(X0), plain(X), strict=True):
        gate = np.exp(plain(layer.gate.weight) @ x)
        gate /= gate.sum()
        total = x.copy()
        for k in range(3):
            expert = np.tanh(np.tanh(x @ down[k]) @ core[k]) @ up[k] + plain(layer.bias)
            total += gate[k] * x0 * expert
        expected.append(total)
    np.testing.assert_allclose(plain(layer(X0, X)), expected, rtol=1e-5, atol=1e-5)
    matrix = sum((down[k] @ core[k] @ up[k]).T for k in range(3)) / 3
    np.testing.assert_allclose(plain(layer.matrix()), matrix, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("version", ["v1", "v2", "mix"])
def test_the_net_starts_every_layer_from_x0(version):
    net = CrossNet(6, version=version, n_layers=3, rank=2, n_experts=2)
    x = X0
    for layer in net.layers:
        x = layer(X0, x)
    assert torch.equal(net(X0), x)


def test_pairs_of_fields():
    fields = torch.randn(4, 5, 3)
    expected = [sum(row[i] @ row[j] for i in range(5) for j in range(i + 1, 5)) for row in plain(fields)]
    np.testing.assert_allclose(plain(factorization_term(fields)), expected, rtol=1e-4, atol=1e-5)
