"""The sentence shape of errors, and the install line of a missing extra."""

import pytest

from recsmith.config import Config
from recsmith.errors import (
    InvalidValue,
    MissingExtra,
    OutOfMemory,
    RecsmithError,
    Shown,
    UnknownId,
    enough_memory,
    nearest,
    require,
)


def test_the_sentence_says_name_requirement_value_and_cure():
    error = InvalidValue("k", "1 or more", 0, "Ask for more.")
    assert str(error) == "k must be 1 or more. Got 0. Ask for more."
    assert isinstance(error, ValueError)
    assert isinstance(error, RecsmithError)
    assert str(InvalidValue("x", "given", Shown("nothing"))) == "x must be given. Got nothing."
    assert len(str(InvalidValue("x", "short", "y" * 10_000))) < 200


def test_unknown_ids_are_listed_but_not_all():
    error = UnknownId("user_id", range(100))
    assert str(error) == "user_id must be known to the model. Got 0, 1, 2, 3, 4, …."
    assert isinstance(error, KeyError)


def test_a_missing_extra_names_its_install_line():
    with pytest.raises(MissingExtra, match=r"pip install 'recsmith\[report\]'"):
        require("no_such_module_anywhere", extra="report")


def test_nearest():
    assert nearest("n_neigbours", ["n_neighbours", "shrinkage"]) == "Did you mean 'n_neighbours'?"
    assert nearest("zzz", ["n_neighbours"]) == ""


class Tiny(Config):
    n_neighbours: int = 5
    """How many."""


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"n_neigbours": 3},
            "n_neigbours must be a known setting. Got n_neigbours. Did you mean 'n_neighbours'?",
        ),
        ({"n_neighbours": "many"}, "n_neighbours must be a valid integer"),
    ],
)
def test_settings_fail_in_the_same_shape(settings, message):
    with pytest.raises(InvalidValue) as caught:
        Tiny.of(settings, within="Tiny")
    assert str(caught.value).startswith(f"Tiny.{message}")


def test_settings_are_frozen_and_described():
    with pytest.raises(Exception, match="frozen"):
        Tiny().n_neighbours = 3
    assert Tiny.model_fields["n_neighbours"].description == "How many."


@pytest.mark.parametrize(
    "said",
    [
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"
        " to allocate 9007199254740992 bytes. Error code 12 (Cannot allocate memory)",
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 1.00 GiB",
    ],
)
def test_no_memory_left_is_told_with_the_cure(said):
    with (
        pytest.raises(OutOfMemory, match=r"^step 3 must fit the memory\. Got: .*\. Lower it\.$") as caught,
        enough_memory("step 3", "Lower it."),
    ):
        raise RuntimeError(said)
    assert "enforce" not in str(caught.value)
    with pytest.raises(OutOfMemory, match="Got: Unable to allocate 8 PiB"), enough_memory("x", ""):
        raise MemoryError("Unable to allocate 8 PiB")
    with pytest.raises(RuntimeError, match="shapes"), enough_memory("x", ""):
        raise RuntimeError("shapes differ")
