"""What the closed forms are said to need, counted by hand, and a line of the table."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import matrix_rate

from recsmith.testing import toy

TASTES = toy.tastes()


def test_operations_are_those_counted_by_hand():
    dense_UI = TASTES.binary().toarray()
    pairs = sum(row.sum() ** 2 for row in dense_UI)
    assert matrix_rate.pairs(TASTES) == pairs
    assert matrix_rate.ease_needs(TASTES, {}) == pairs + 40**3


def test_directions_of_an_svd_are_counted_and_the_svd_is_as_it_was():
    truncated = pytest.importorskip(matrix_rate.TRUNCATED)
    whole = truncated.largest_eigenpairs
    assert matrix_rate.directions_of("GFCF", {"embedding_dim": 3}, TASTES) in range(3, 41)
    assert truncated.largest_eigenpairs is whole
    assert matrix_rate.filter_needs(TASTES, {"embedding_dim": 3}) > matrix_rate.pairs(TASTES) + 6 * 40**2


@pytest.mark.parametrize("row", matrix_rate.ROWS, ids=lambda row: row.title)
def test_a_line_says_how_much_longer_it_took_than_a_product(row, monkeypatch):
    monkeypatch.setattr(matrix_rate, "PRODUCT", 64)
    cells = matrix_rate.measure(row, TASTES, 1).strip("| ").split(" | ")
    assert cells[:2] == [row.title, "60 × 40"]
    taken, rate, product, longer = (float(cell.split()[0].removesuffix("G/s")) for cell in cells[3:])
    assert min(taken, rate, product, longer) >= 0 and np.isfinite(longer)
