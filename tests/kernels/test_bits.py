"""Bits counted in columns: packed as said, counted as the twin counts, for every number of rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from recsmith.kernels.bits import COLUMNS, count_bits, count_bits_plain, pack, working_memory


def counted(rows: np.ndarray, bits_BTW: np.ndarray) -> np.ndarray:
    count_C = np.full(len(bits_BTW) * COLUMNS + 5, -1, np.int32)
    row_L = np.full(-(-len(rows) // 8) * 8, bits_BTW.shape[1] - 1)
    row_L[: len(rows)] = rows
    for block, bits_TW in enumerate(bits_BTW):
        count_bits(row_L, bits_TW, *working_memory(), count_C, block * COLUMNS)
    assert (count_C[-5:] == -1).all()
    return count_C[:-5]


def matrix(n_rows: int, n_columns: int) -> sparse.csr_matrix:
    return sparse.csr_matrix(np.random.default_rng(0).random((n_rows, n_columns)) < 0.4)


@pytest.mark.parametrize("n_rows", [0, 1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 127, 128, 300, 1000])
def test_counts_agree_with_the_twin(n_rows):
    table = matrix(1000, 700)
    bits_BTW = pack(table.indptr.astype(np.int64), table.indices, 2)
    rows = np.random.default_rng(n_rows).integers(0, 1000, n_rows)
    expected = np.concatenate([count_bits_plain(rows, bits_TW) for bits_TW in bits_BTW])
    assert (counted(rows, bits_BTW) == expected).all()


def test_packed_bits_are_the_matrix_and_columns_beyond_are_left_out():
    table = matrix(50, 1300)
    bits_BTW = pack(table.indptr.astype(np.int64), table.indices, 2)
    assert bits_BTW.shape == (2, 51, 8)
    assert (counted(np.arange(50), bits_BTW) == table[:, :1024].sum(axis=0).A1).all()
    assert not bits_BTW[:, 50].any()


def test_every_row_at_once_reaches_the_highest_level():
    bits_BTW = np.full((1, 5001, 8), np.uint64(2**64 - 1))
    bits_BTW[:, -1] = 0
    assert (counted(np.arange(5000), bits_BTW) == 5000).all()
