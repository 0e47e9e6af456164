"""The item map, clusters and centroids: known groups, arbitrary signs, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from recsmith.errors import InvalidValue
from recsmith.models import IALS, PureSVD
from recsmith.models.factorization import centroid, clusters, item_map
from recsmith.testing import toy

TASTES = toy.tastes()
MODEL = PureSVD(embedding_dim=4, weighting="binary").fit(TASTES)


def test_the_map_is_the_first_two_principal_components():
    map_I2 = item_map(MODEL)
    vector_ID = MODEL.item_vectors()[:38].astype(float)
    centred_ID = vector_ID - vector_ID.mean(0)
    u, s, _ = np.linalg.svd(centred_ID, full_matrices=False)
    np.testing.assert_allclose(np.abs(map_I2[:38]), np.abs(u[:, :2] * s[:2]), atol=1e-4)
    assert np.isnan(map_I2[38:]).all()  # nobody took these
    assert (map_I2[:38][np.abs(map_I2[:38]).argmax(0), [0, 1]] > 0).all()


def test_one_dimension_is_a_line():
    map_I2 = item_map(IALS(embedding_dim=1, n_epochs=2).fit(TASTES))
    assert (map_I2[:38, 1] == 0).all()


def test_clusters_are_the_genres():
    found = clusters(MODEL, n_clusters=4, seed=1)
    assert sum(len(cluster.item_ids) for cluster in found) == 38
    for cluster in found:
        assert len({int(item[1:]) % 4 for item in cluster.item_ids}) == 1
        assert list(cluster.similarities) == sorted(cluster.similarities, reverse=True)
    assert found == sorted(found, key=lambda cluster: -len(cluster.item_ids))
    some = clusters(MODEL, ["i000", "i004", "i001"], n_clusters=2, n_dims=3)
    assert {frozenset(cluster.item_ids) for cluster in some} == {
        frozenset({"i000", "i004"}),
        frozenset({"i001"}),
    }


def test_more_clusters_than_items_are_refused():
    with pytest.raises(InvalidValue, match="n_clusters must be 1 to 2, the number of items. Got 3"):
        clusters(MODEL, ["i000", "i001"], n_clusters=3)


def test_the_centroid_is_the_mean():
    expected = MODEL.item_vectors()[[0, 4]].mean(0)
    np.testing.assert_allclose(centroid(MODEL, ["i000", "i004"]), expected)
