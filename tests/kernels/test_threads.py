"""Blocks on threads, and a BLAS limit that overlapping calls share."""

import threading

import pytest
from threadpoolctl import threadpool_info

from recsmith.kernels.threads import in_blocks, one_blas_thread


def blas_threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("n_rows", [0, 1, 64, 1000])
def test_blocks_cover_every_row_once(n_rows, n_threads):
    seen = []
    in_blocks(lambda start, stop: seen.extend(range(start, stop)), n_rows, n_threads=n_threads, smallest=16)
    assert sorted(seen) == list(range(n_rows))


def test_an_error_in_a_block_is_raised():
    def work(start, stop):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        in_blocks(work, 1000, n_threads=3)


def test_calls_that_overlap_do_not_undo_each_others_limit():
    before = blas_threads()
    first_may_leave, second_is_in = threading.Event(), threading.Event()
    inside = []

    def first():
        with one_blas_thread():
            second_is_in.wait(10)
        first_may_leave.set()

    def second():
        with one_blas_thread():
            second_is_in.set()
            first_may_leave.wait(10)
            inside.extend(blas_threads())

    threads = [threading.Thread(target=work) for work in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == [1] * len(before), "the second is still held to one when the first has left"
    assert blas_threads() == before, "and then the limit is gone"
