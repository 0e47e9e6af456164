"""Random streams: reproducible, independent of each other and of what was drawn before."""

from recsmith.rng import generator


def test_the_same_name_gives_the_same_numbers():
    assert generator(1, "bpr", 3).random() == generator(1, "bpr", 3).random()


def test_other_names_steps_and_seeds_give_others():
    draws = {
        generator(*key).random()
        for key in ((1, "bpr", 3), (1, "bpr", 4), (1, "split", 3), (2, "bpr", 3), (1,))
    }
    assert len(draws) == 5
