"""The K best of a stream of scores without a heap: entries are numbers that sort, cut when a buffer is full.

An entry is one 64-bit number, the score's bits above, the code's complement below: the larger number is the
better entry, and of equal scores the one with the lower code. Scores are float32 of 0 or more.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_CODE = np.uint64(0xFFFFFFFF)


@njit(nogil=True, cache=True)
def key_of(score_bits, code):
    """Returns the entry of a score, given as its bits, and a code."""
    return (np.uint64(score_bits) << np.uint64(32)) | (_CODE - np.uint64(code))


@njit(nogil=True, cache=True)
def code_of(key):
    """Returns the code of an entry."""
    return np.int32(_CODE - (key & _CODE))


@njit(nogil=True, cache=True)
def cut(key_N, size, k):
    """Moves the k largest of the first `size` keys, which differ, to the front; returns the least of them.

    Quickselect (Hoare 1961) whose partition has no branch to mispredict. O(size) on average.
    """
    low, high = np.int64(0), np.int64(size) - 1
    while low < high:
        middle = (low + high) >> 1
        if key_N[middle] < key_N[low]:
            key_N[middle], key_N[low] = key_N[low], key_N[middle]
        if key_N[high] < key_N[low]:
            key_N[high], key_N[low] = key_N[low], key_N[high]
        if key_N[middle] < key_N[high]:
            key_N[middle], key_N[high] = key_N[high], key_N[middle]
        pivot = key_N[high]  # the median of three
        place = low
        for n in range(low, high):  # what is above the pivot goes before it
            key = key_N[n]
            key_N[n] = key_N[place]
            key_N[place] = key
            place += key > pivot
        key_N[high] = key_N[place]
        key_N[place] = pivot
        if place == k - 1:
            break
        if place < k - 1:
            low = place + 1
        else:
            high = place - 1
    return key_N[k - 1]


@njit(nogil=True, cache=True)
def sort_keys(key_N, size):
    """Sorts the first `size` keys, largest first."""
    key_N[:size].sort()
    for n in range(size // 2):
        key = key_N[n]
        key_N[n] = key_N[size - 1 - n]
        key_N[size - 1 - n] = key
