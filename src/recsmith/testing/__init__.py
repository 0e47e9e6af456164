"""Shipped for tests: the contract of a recommender, and toy data with known answers."""

from recsmith.testing.contract import check_recommender

__all__ = ["check_recommender"]
