"""Means taken off and put back."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from recsmith.models.neighbourhood.biases import Biases

RATINGS = sparse.csr_matrix(np.array([[5, 3, 0], [4, 0, 0], [1, 2, 0]], np.float32))


@pytest.mark.parametrize("centring", ["both", "item", "user", "none"])
def test_what_is_taken_off_is_put_back_exactly(centring):
    biases = Biases.of(RATINGS, centring=centring, damping=2.0)
    people = biases.of_people(RATINGS)
    residual = biases.residuals(RATINGS, people)
    rows = np.repeat(np.arange(3), np.diff(RATINGS.indptr))
    assert biases.rating(people[rows], RATINGS.indices, residual.data) == pytest.approx(RATINGS.data)


def test_values_by_hand():
    biases = Biases.of(RATINGS, centring="both", damping=1.0)
    assert biases.mean == 3.0
    assert biases.item_I == pytest.approx([(2 + 1 - 2) / 4, (0 - 1) / 3, 0])
    first = ((5 - 3 - 0.25) + (3 - 3 + 1 / 3)) / 3
    assert biases.of_people(RATINGS)[0] == pytest.approx(first)
    assert biases.rating(np.array([first]), np.array([2]), np.array([np.nan])) == pytest.approx([3 + first])


def test_nobody_and_nothing_is_the_mean():
    biases = Biases.of(RATINGS, centring="both", damping=0.0)
    nobody = sparse.csr_matrix((1, 3), dtype=np.float32)
    assert biases.of_people(nobody).tolist() == [0.0]
    assert biases.rating(np.zeros(1), np.array([2]), np.array([np.nan])).tolist() == [3.0]
