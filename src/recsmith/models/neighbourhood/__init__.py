"""Models that go by neighbours: items taken by the same people, people who took the same items, walks."""

from recsmith.models.neighbourhood.item_knn import ItemKNN, ItemKNNConfig
from recsmith.models.neighbourhood.rp3beta import RP3beta, RP3betaConfig
from recsmith.models.neighbourhood.user_knn import UserKNN, UserKNNConfig

__all__ = ["ItemKNN", "ItemKNNConfig", "RP3beta", "RP3betaConfig", "UserKNN", "UserKNNConfig"]
