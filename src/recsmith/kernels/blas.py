"""BLAS's product of matrices, added into a part of a larger matrix where it lies: NumPy would make the
product aside and SciPy's wrappers would copy the part. SciPy hands out the function itself for such uses."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
from numba.extending import get_cython_function_address


def subtract_product(out_AB: np.ndarray, left_AK: np.ndarray, right_BK: np.ndarray) -> None:
    """Takes left · rightᵀ off `out_AB`, in place: 2 A·B·K operations, no memory.

    All are float32 or all float64; entries of a row lie side by side, rows may lie apart.
    """
    (n_rows, n_columns), n_inner = out_AB.shape, left_AK.shape[1]
    if not out_AB.size or not n_inner:
        return
    one = (ctypes.c_float if out_AB.dtype == np.float32 else ctypes.c_double)(1.0)
    minus = type(one)(-1.0)
    # BLAS reads columns: what it sees is outᵀ −= right · leftᵀ.
    _gemm(out_AB.dtype.char)(
        *(b"T", b"N", _int(n_columns), _int(n_rows), _int(n_inner)),
        *(ctypes.byref(minus), right_BK.ctypes.data, _apart(right_BK)),
        *(left_AK.ctypes.data, _apart(left_AK), ctypes.byref(one), out_AB.ctypes.data, _apart(out_AB)),
    )


@cache
def _gemm(kind: str) -> Any:
    address = get_cython_function_address("scipy.linalg.cython_blas", {"f": "sgemm", "d": "dgemm"}[kind])
    text, pointer = ctypes.c_char_p, ctypes.c_void_p
    return ctypes.CFUNCTYPE(None, text, text, *[pointer] * 11)(address)  # lets go of the interpreter lock


def _int(value: int) -> Any:
    return ctypes.byref(ctypes.c_int(value))


def _apart(matrix: np.ndarray) -> Any:
    """Says how many entries lie from one row to the next."""
    if matrix.strides[1] != matrix.itemsize:
        raise ValueError("the entries of a row must lie side by side")
    return _int(max(matrix.strides[0] // matrix.itemsize, matrix.shape[1]))
