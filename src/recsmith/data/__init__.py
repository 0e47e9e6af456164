"""Data: vocabularies, interactions, data sets, splits; and the sources they come from."""

from recsmith.data.dataset import Dataset, Feature, Notes
from recsmith.data.histories import Histories
from recsmith.data.interactions import Interactions
from recsmith.data.split import (
    Split,
    by_time,
    given,
    hold_out_users,
    k_fold,
    leave_last_out,
    random_holdout,
)
from recsmith.data.vocabulary import Vocabulary

__all__ = [
    "Dataset",
    "Feature",
    "Histories",
    "Interactions",
    "Notes",
    "Split",
    "Vocabulary",
    "by_time",
    "given",
    "hold_out_users",
    "k_fold",
    "leave_last_out",
    "random_holdout",
]
