"""Models that go by neighbours: items taken by the same people, people who took the same items."""

from recsmith.models.neighbourhood.item_knn import ItemKNN, ItemKNNConfig
from recsmith.models.neighbourhood.user_knn import UserKNN, UserKNNConfig

__all__ = ["ItemKNN", "ItemKNNConfig", "UserKNN", "UserKNNConfig"]
