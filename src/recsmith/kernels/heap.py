"""A heap of the K best entries in two parallel arrays, the worst at its root; ties go to the lower code."""

from __future__ import annotations

from numba import njit


@njit(nogil=True, cache=True)
def worse(code_a, score_a, code_b, score_b):
    """Returns whether entry a comes after entry b in a list."""
    return score_a < score_b or (score_a == score_b and code_a > code_b)


@njit(nogil=True, cache=True)
def rise(code_K, score_K, place, code, score):
    """Puts an entry at the heap's end `place` and lets it rise to where no parent is better. O(log K)."""
    while place > 0:
        parent = (place - 1) >> 1
        if not worse(code, score, code_K[parent], score_K[parent]):
            break
        code_K[place], score_K[place] = code_K[parent], score_K[parent]
        place = parent
    code_K[place], score_K[place] = code, score


@njit(nogil=True, cache=True)
def sink(code_K, score_K, size, code, score):
    """Puts an entry at the root of a heap of `size` and lets it sink below every worse one. O(log K)."""
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and worse(code_K[child + 1], score_K[child + 1], code_K[child], score_K[child]):
            child += 1
        if not worse(code_K[child], score_K[child], code, score):
            break
        code_K[place], score_K[place] = code_K[child], score_K[child]
        place = child
    code_K[place], score_K[place] = code, score


@njit(nogil=True, cache=True)
def sort_best_first(code_K, score_K, size):
    """Turns the heap into a list, best first. O(K log K)."""
    while size > 1:  # the worst goes to the end, again and again
        size -= 1
        code, score = code_K[size], score_K[size]
        code_K[size], score_K[size] = code_K[0], score_K[0]
        sink(code_K, score_K, size, code, score)
