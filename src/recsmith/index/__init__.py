"""Search among vectors by inner product: exact, and approximate for large catalogues."""

from recsmith.index.base import VectorIndex, load_index
from recsmith.index.exact import ExactIndex

__all__ = ["ExactIndex", "VectorIndex", "load_index"]
