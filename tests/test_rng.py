"""Random streams: reproducible, independent of each other and of what was drawn before."""

import pytest

from recsmith.errors import InvalidValue
from recsmith.rng import generator


def test_the_same_name_gives_the_same_numbers():
    assert generator(1, "bpr", 3).random() == generator(1, "bpr", 3).random()


def test_other_names_steps_and_seeds_give_others():
    draws = {
        generator(*key).random()
        for key in ((1, "bpr", 3), (1, "bpr", 4), (1, "split", 3), (2, "bpr", 3), (1,))
    }
    assert len(draws) == 5


@pytest.mark.parametrize("seed", [-1, 0.5, "7", None, True])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(InvalidValue, match="seed must be a whole number, 0 or more"):
        generator(seed, "bpr")
