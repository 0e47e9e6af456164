"""Indexes: exact against a plain sort, approximate against exact, files, bad input."""

import numpy as np
import pytest

from recsmith.errors import InvalidValue, ModelFileError
from recsmith.index import ExactIndex, load_index, make_index

try:
    import faiss  # noqa: F401

    KINDS = ["exact", "hnsw", "scann"]
except ImportError:
    KINDS = ["exact"]

RNG = np.random.default_rng(0)
CENTRES = RNG.normal(size=(40, 16))


def cloud(n, seed):
    """Points around a few centres: what item vectors look like."""
    rng = np.random.default_rng(seed)
    points = CENTRES[rng.integers(0, 40, n)] + 0.5 * rng.normal(size=(n, 16))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def plain(vectors, queries, k):
    scores = queries @ vectors.T
    return np.array([sorted(range(len(vectors)), key=lambda i: (-row[i], i))[:k] for row in scores])


def test_exact_is_a_plain_sort():
    vectors, queries = cloud(500, 1), cloud(70, 2)
    vectors[7] = vectors[3]  # a tie
    codes, scores = ExactIndex().build(vectors).search(queries, 12)
    np.testing.assert_array_equal(codes, plain(vectors, queries, 12))
    np.testing.assert_allclose(scores, np.take_along_axis(queries @ vectors.T, codes, 1), rtol=1e-6)


def test_exact_in_blocks_of_items_is_the_same(monkeypatch):
    monkeypatch.setattr("recsmith.index.exact._BLOCK_BYTES", 4 * 64 * 33)
    # Small whole numbers: their sums are exact, so that a product in blocks rounds as a whole one does.
    vectors, queries = (np.round(16 * cloud(n, n)) for n in (500, 130))
    vectors[[40, 260, 499]] = vectors[3]  # ties over the blocks
    for k in (1, 12, 40):
        codes, _ = ExactIndex().build(vectors).search(queries, k, n_threads=2)
        np.testing.assert_array_equal(codes, plain(vectors, queries, k))


@pytest.mark.parametrize("kind", KINDS)
def test_most_of_the_best_are_found(kind):
    vectors, queries = cloud(4000, 3), cloud(200, 4)
    truth, _ = ExactIndex().build(vectors).search(queries, 10)
    codes, scores = make_index(kind).build(vectors).search(queries, 10, n_threads=2)
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(truth, codes, strict=True)])
    assert recall > 0.95
    assert (np.diff(scores, axis=1) <= 1e-6).all(), "best first"
    expected = np.take_along_axis(queries @ vectors.T, codes, 1)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 5, 1500])
def test_files_and_threads_change_nothing(kind, n, tmp_path):
    index = make_index(kind).build(cloud(n, 5))
    queries = cloud(20, 6)
    codes, scores = index.search(queries, 8)
    assert codes.shape == (20, min(8, n)), "k above the number of items gives what there is"
    index.save(tmp_path / "index")
    again = load_index(tmp_path / "index")
    for found in (again.search(queries, 8), again.search(queries, 8, n_threads=2)):
        np.testing.assert_array_equal(found[0], codes)
        np.testing.assert_allclose(found[1], scores, rtol=1e-6)
    assert again.n_bytes >= 64 * n


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_kept_gives_the_same_index(kind):
    vectors, queries = cloud(3000, 5), cloud(50, 6)
    index = make_index(kind).build(vectors)
    again = make_index(kind).restore(vectors, index.keep())
    for one, other in zip(index.search(queries, 8), again.search(queries, 8), strict=True):
        np.testing.assert_array_equal(one, other)


def far(kept):
    kept["neighbour"][7] = 3000


def up(kept):
    """A neighbour on a level that it is not on."""
    high, low = np.flatnonzero(kept["level"] > 1)[0], np.flatnonzero(kept["level"] == 1)[0]
    first = 48 + sum(48 + 24 * (level - 1) for level in kept["level"][:high])
    kept["neighbour"][first] = low


def enter(kept):
    kept["entry"][0] = np.argmin(kept["level"])


@pytest.mark.skipif("hnsw" not in KINDS, reason="the index extra is not installed")
@pytest.mark.parametrize(
    "alter",
    [
        far,
        up,
        enter,
        lambda kept: kept.update(level=kept["level"][:-1]),
        lambda kept: kept.update(level=kept["level"] + np.int32(40)),
        lambda kept: kept.update(neighbour=kept["neighbour"][:-1]),
        lambda kept: kept.pop("entry"),
    ],
)
def test_a_graph_that_leads_astray_is_refused(alter):
    """faiss would follow it out of its arrays."""
    vectors = cloud(3000, 5)
    kept = {name: array.copy() for name, array in make_index("hnsw").build(vectors).keep().items()}
    make_index("hnsw").restore(vectors, kept)
    alter(kept)
    with pytest.raises(ModelFileError, match="A graph of neighbours must be"):
        make_index("hnsw").restore(vectors, kept)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: ExactIndex().build(np.zeros((0, 4), np.float32)),
            r"vectors must be a table \[I, D\] that is not",
        ),
        (lambda: ExactIndex().build(np.full((2, 2), np.nan)), "vectors must be finite. Got '4 NaN"),
        (
            lambda: ExactIndex().build(cloud(5, 0)).search(np.zeros((1, 3)), 2),
            r"queries must be a table \[B, 16\]",
        ),
        (lambda: ExactIndex().build(cloud(5, 0)).search(cloud(1, 0), 0), "k must be 1 or more. Got 0"),
        (lambda: make_index("annoy"), "index must be one of exact, hnsw, scann. Got 'annoy'"),
    ],
)
def test_wrong_calls(call, message):
    with pytest.raises(InvalidValue, match=message):
        call()


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_index_says_so(kind, tmp_path):
    make_index(kind).build(cloud(50, 0)).save(tmp_path / "index")
    (tmp_path / "index" / "index.json").write_text("{")
    with pytest.raises(ModelFileError, match="must be an index folder"):
        load_index(tmp_path / "index")
