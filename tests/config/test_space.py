"""What a search may try: ranges and choices as recipes write them, and the errors for what is neither."""

import pytest

from recsmith.config import dump_recipe, parse_recipe
from recsmith.config.space import Choices, Range, around_defaults, parse_space
from recsmith.errors import InvalidValue


def parsed(raw):
    return parse_space(raw, within="tune.space")


def test_dotted_keys_nested_tables_and_lists():
    raw = {
        "model": {
            "n_neighbours": {"low": 10, "high": 500, "log": True},
            "ranker": {"regularization": [1, 2]},
        },
        "model.weighting": ["none", "tfidf", {}],
    }
    assert parsed(raw) == {
        "model.n_neighbours": Range(10, 500, log=True),
        "model.ranker.regularization": Choices((1, 2)),
        "model.weighting": Choices(("none", "tfidf", None)),
    }


def test_what_lies_inside():
    assert 10 in Range(10, 500) and 10.5 not in Range(10, 500) and 501 not in Range(10, 500)
    assert 0.25 in Range(0.0, 1.0) and True not in Range(0, 1)
    assert None in Choices((None, 1)) and 1 in Choices((None, 1)) and True not in Choices((None, 1))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            {"a": {"low": 9, "high": 3}},
            "tune.space.a must be a range whose low is below its high. Got low = 9",
        ),
        ({"a": {"low": 3, "high": 3}}, "Give a list for a single value"),
        ({"a": {"low": 0, "high": 3, "log": True}}, "tune.space.a must be above 0 where log = true"),
        (
            {"a": {"low": 1, "hihg": 3}},
            "tune.space.a.hihg must be one of low, high, log, step. Got 3. Did you",
        ),
        ({"a": {"low": 1}}, "tune.space.a.high must be a number. Got nothing"),
        ({"a": {"low": "1", "high": 2}}, "tune.space.a.low must be a number. Got '1'"),
        ({"a": {"low": 1, "high": 9, "step": 0}}, "tune.space.a.step must be above 0"),
        ({"a": []}, "tune.space.a must be one choice or more"),
        ({"a": 5}, "tune.space.a must be a range or a list of choices. Got 5"),
        ({"a": {}}, "tune.space.a must be a range or a list of choices"),
    ],
)
def test_what_is_neither_is_refused(raw, message):
    with pytest.raises(InvalidValue) as caught:
        parsed(raw)
    assert message in str(caught.value)


def test_settings_spelt_alike_have_ranges_around_their_defaults():
    found = around_defaults(
        {"embedding_dim": 64, "learning_rate": 0.004, "dropout": 0.1, "weighting": "none"}
    )
    assert found["embedding_dim"] == Range(16, 256, log=True)
    assert 0.004 in found["learning_rate"]
    assert set(found) == {"embedding_dim", "learning_rate", "dropout"}


def test_the_section_survives_a_recipe():
    raw = {"model": {"class": "IALS"}, "tune": {"trials": 3, "space": {"model": {"n_epochs": [1, 2]}}}}
    recipe = parse_recipe(raw)
    import tomllib

    assert parse_recipe(tomllib.loads(dump_recipe(recipe))) == recipe
    with pytest.raises(
        InvalidValue, match=r"tune.trails must be a known setting. Got trails. Did you mean 'trials'"
    ):
        parse_recipe({"model": {"class": "IALS"}, "tune": {"trails": 3}})
