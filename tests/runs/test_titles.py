"""Titles as people type them: any case, with or without the year, misspelt, ambiguous."""

import pytest

from recsmith.errors import InvalidValue, UnknownId
from recsmith.runs.titles import Titles

TITLES = {
    1: "Toy Story (1995)",
    2: "Toy Story 2 (1999)",
    3: "Matrix, The (1999)",
    4: "Sabrina (1954)",
    5: "Sabrina (1995)",
    6: "City of Lost Children, The (Cité des enfants perdus, La) (1995)",
    7: "Léon: The Professional (a.k.a. The Professional) (Léon) (1994)",
    8: "Schindler's List (1993)",
    9: "Emma (1996)",
    10: "Emma (1996)",
    11: "1984",
}


@pytest.fixture
def titles() -> Titles:
    return Titles(list(TITLES), titles=list(TITLES.values()))


@pytest.mark.parametrize(
    ("typed", "item_id"),
    [
        ("Toy Story (1995)", 1),
        ("toy story", 1),
        ("TOY STORY 2", 2),
        ("The Matrix", 3),
        ("matrix, the (1999)", 3),
        ("Sabrina (1954)", 4),
        ("the city of lost children", 6),
        ("La Cite des enfants perdus", 6),
        ("Leon", 7),
        ("the professional", 7),
        ("Schindlers List", 8),
        ("id:10", 10),
        ("1984", 11),
    ],
)
def test_finds_a_title_as_people_type_it(titles, typed, item_id):
    assert titles.find(typed) == item_id


def test_misspelt_titles_come_with_suggestions_nearest_first(titles):
    with pytest.raises(UnknownId) as caught:
        titles.find("Toy Stroy")
    assert "title must be known" in str(caught.value)
    assert 'Did you mean "Toy Story (1995)"' in str(caught.value)


def test_a_title_with_the_wrong_year_is_not_guessed(titles):
    with pytest.raises(UnknownId, match=r'Did you mean "Toy Story \(1995\)"'):
        titles.find("Toy Story (1996)")


@pytest.mark.parametrize(
    ("typed", "listed"), [("Sabrina", "Sabrina (1995) (id:5)"), ("Emma (1996)", "(id:10)")]
)
def test_ambiguous_titles_are_listed_with_a_way_to_say_which(titles, typed, listed):
    with pytest.raises(InvalidValue) as caught:
        titles.find(typed)
    assert "must be the name of one item" in str(caught.value)
    assert listed in str(caught.value)


def test_nonsense_gets_no_suggestion(titles):
    with pytest.raises(UnknownId) as caught:
        titles.find("qqqqqqqq")
    assert "Did you mean" not in str(caught.value)


def test_an_unknown_id_is_refused(titles):
    with pytest.raises(UnknownId, match="id:77"):
        titles.find("id:77")


def test_a_catalogue_without_titles_is_searched_by_id():
    titles = Titles(["sku-1", "sku-2"], titles=["sku-1", "sku-2"])
    assert titles.find("sku-2") == "sku-2"
    assert titles.title("sku-1") == "sku-1"
