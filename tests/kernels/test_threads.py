"""Blocks on threads cover every row once, and errors are heard."""

import pytest

from recsmith.kernels.threads import in_blocks


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
