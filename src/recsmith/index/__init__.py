"""Search among vectors by inner product: exact, and approximate for large catalogues."""

from recsmith.index.base import VectorIndex
from recsmith.index.exact import ExactIndex
from recsmith.index.kinds import load_index, make_index

__all__ = ["ExactIndex", "VectorIndex", "load_index", "make_index"]
