"""What can be seen in a space of item vectors: a map in two dimensions, clusters, centroids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.cluster.vq import kmeans2

from recsmith.errors import InvalidValue
from recsmith.models.capabilities import HasVectors
from recsmith.rng import generator
from recsmith.types import FloatArray, Id


def item_map(model: HasVectors) -> FloatArray:
    """Returns float32 [I, 2]: item vectors on their two principal axes, by PCA over items that were taken.

    Items that nobody took lie at NaN. Each axis points to where its largest coordinate is positive.
    """
    vector_ID = model.item_vectors().astype(np.float64)
    taken = model.memory.popularity > 0
    centred_ID = vector_ID[taken] - vector_ID[taken].mean(axis=0)
    _, axis_DD = np.linalg.eigh(centred_ID.T @ centred_ID)
    best_D2 = axis_DD[:, ::-1][:, :2]
    map_I2 = np.full((len(vector_ID), 2), np.nan, np.float32)
    map_I2[taken, : best_D2.shape[1]] = with_signs(centred_ID @ best_D2)
    if best_D2.shape[1] < 2:
        map_I2[taken, 1] = 0
    return map_I2


def centroid(model: HasVectors, item_ids: list[Id]) -> FloatArray:
    """Returns the mean of the items' vectors, float32 [D]."""
    return model.item_vectors(item_ids).mean(axis=0)


@dataclass(frozen=True)
class Cluster:
    """Holds a centroid [D] and its items, those nearest in cosine first."""

    centroid: FloatArray
    item_ids: tuple[Id, ...]
    similarities: tuple[float, ...]


def clusters(
    model: HasVectors,
    item_ids: list[Id] | None = None,
    *,
    n_clusters: int = 5,
    n_dims: int | None = None,
    seed: int = 0,
) -> list[Cluster]:
    """Returns k-means clusters of items, of all that were taken by default, the largest first.

    `n_dims` keeps the first dimensions alone: of `PureSVD` those say most. Empty clusters are left out.
    """
    codes = np.flatnonzero(model.memory.popularity > 0) if item_ids is None else model.item_codes(item_ids)
    if not 1 <= n_clusters <= len(codes):
        raise InvalidValue("n_clusters", f"1 to {len(codes)}, the number of items", n_clusters)
    vector_ND = model.item_vectors()[codes][:, :n_dims].astype(np.float64)
    center_KD, label_N = kmeans2(
        vector_ND, n_clusters, minit="++", missing="warn", rng=generator(seed, "kmeans")
    )
    found = []
    for label, center_D in enumerate(center_KD):
        members = np.flatnonzero(label_N == label)
        if not len(members):
            continue
        lengths = np.linalg.norm(vector_ND[members], axis=1) * np.linalg.norm(center_D)
        cosine_N = vector_ND[members] @ center_D / np.where(lengths == 0, 1, lengths)
        order = np.lexsort((codes[members], -cosine_N))
        found.append(
            Cluster(
                center_D.astype(np.float32),
                tuple(model.memory.items.decode(codes[members[order]])),
                tuple(cosine_N[order].tolist()),
            )
        )
    return sorted(found, key=lambda cluster: -len(cluster.item_ids))


def with_signs(vector_ID: np.ndarray) -> np.ndarray:
    """Returns the columns, each turned so that its largest entry is positive; an SVD leaves signs open."""
    largest_D = vector_ID[np.abs(vector_ID).argmax(axis=0), np.arange(vector_ID.shape[1])]
    return vector_ID * np.where(largest_D < 0, -1, 1)
