"""Two-level search: exact when it looks into every cluster, near when not, nothing seen, nothing twice."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith.errors import InvalidValue  # noqa: E402
from recsmith.export.graphs.two_level import TwoLevel, blocks, centers  # noqa: E402

RNG = np.random.default_rng(0)
VECTORS = (np.repeat(RNG.standard_normal((20, 8)), 30, axis=0) + RNG.standard_normal((600, 8)) / 4).astype(
    "f4"
)
QUERIES = torch.from_numpy(VECTORS[::50] + RNG.standard_normal((12, 8)).astype("f4") / 4)
SEEN = torch.from_numpy(np.stack([np.arange(0, 600, 50), np.full(12, -1)], 1).astype(np.int32))


def exact(k):
    score_BI = QUERIES.numpy() @ VECTORS.T
    score_BI[np.arange(12), SEEN[:, 0]] = -np.inf
    order_BK = np.argsort(-score_BI, axis=1, kind="stable")[:, :k]
    return order_BK, np.take_along_axis(score_BI, order_BK, 1)


def test_all_clusters_are_exact():
    search = TwoLevel(VECTORS, n_clusters=15, n_probed=15)
    item_BK, score_BK = search(QUERIES, SEEN, k=10)
    np.testing.assert_array_equal(item_BK.numpy(), exact(10)[0])
    np.testing.assert_allclose(score_BK.numpy(), exact(10)[1], rtol=1e-5)


@pytest.mark.parametrize(("int8", "least"), [(False, 0.95), (True, 0.85)])
def test_some_clusters_are_near(int8, least):
    search = TwoLevel(VECTORS, n_clusters=15, n_probed=5, int8=int8)
    item_BK, _ = search(QUERIES, SEEN, k=10)
    want = exact(10)[0]
    shared = [len(set(a) & set(b)) / 10 for a, b in zip(item_BK.tolist(), want.tolist(), strict=True)]
    assert np.mean(shared) >= least
    assert all(
        len(set(row)) == 10 and seen not in row for row, seen in zip(item_BK.tolist(), range(0, 600, 50))
    )


def test_a_table_of_whole_numbers_is_near_and_a_quarter():
    whole, small = (TwoLevel(VECTORS, n_clusters=15, n_probed=5, int8=int8) for int8 in (False, True))
    rows = torch.tensor([[5, 599, 0]], dtype=torch.int32)
    np.testing.assert_array_equal(whole.vectors(rows)[0].numpy(), VECTORS[[5, 599, 0]])
    np.testing.assert_allclose(small.vectors(rows)[0].numpy(), VECTORS[[5, 599, 0]], atol=0.02)
    assert small.block_CMD.nbytes * 4 == whole.block_CMD.nbytes


def test_short_lists_end_in_minus_one():
    search = TwoLevel(VECTORS[:20], n_clusters=4, n_probed=1)
    item_BK, score_BK = search(QUERIES, SEEN, k=10)
    assert (item_BK[:, 7:] == -1).all() and (score_BK[item_BK == -1] == 0).all()


def test_every_item_has_a_place_even_when_all_are_alike():
    vectors = np.ones((100, 4), np.float32)
    row_CM = blocks(vectors, centers(vectors, 7))
    assert sorted(row_CM[row_CM >= 0].tolist()) == list(range(100)) and row_CM.shape == (7, 18)


@pytest.mark.parametrize(("n_clusters", "n_probed"), [(0, 1), (601, 1), (5, 6)])
def test_numbers_that_cannot_be(n_clusters, n_probed):
    with pytest.raises(InvalidValue, match="must be 1 to"):
        TwoLevel(VECTORS, n_clusters=n_clusters, n_probed=n_probed)
