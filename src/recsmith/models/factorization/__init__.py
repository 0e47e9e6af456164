"""Models with hidden factors, and EASE, their linear limit."""

from recsmith.models.factorization.fm_table import TableMachine
from recsmith.models.factorization.item_space import Cluster, centroid, clusters, item_map

__all__ = ["Cluster", "TableMachine", "centroid", "clusters", "item_map"]
