"""Blocks on threads cover every row once, and errors are heard."""

import time

import pytest

from recsmith.kernels.threads import in_blocks


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("n_rows", [0, 1, 64, 1000])
def test_blocks_cover_every_row_once(n_rows, n_threads, short):
    seen = []
    in_blocks(
        lambda start, stop: seen.extend(range(start, stop)),
        n_rows,
        n_threads=n_threads,
        smallest=16,
        short=short,
    )
    assert sorted(seen) == list(range(n_rows))


@pytest.mark.parametrize("short", [False, True])
def test_an_error_in_a_block_is_raised_when_the_others_are_done(short):
    done = []

    def work(start, stop):
        if start == 0:
            raise ZeroDivisionError
        time.sleep(0.05)
        done.append(start)

    with pytest.raises(ZeroDivisionError):
        in_blocks(work, 4, n_threads=3, smallest=1, short=short)
    assert sorted(done) == [1, 2, 3]


@pytest.mark.parametrize("n_threads", [2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("n_rows", [8, 16])
def test_short_blocks_are_shared_evenly(n_rows, n_threads):
    sizes = []
    in_blocks(
        lambda start, stop: sizes.append(stop - start), n_rows, n_threads=n_threads, smallest=1, short=True
    )
    rounds = -(-len(sizes) // n_threads)
    assert rounds * max(sizes) == -(-n_rows // n_threads)
    assert len(sizes) < 4 * n_threads
