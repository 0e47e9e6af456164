"""The guide's page on recipes names every key there is."""

import re
from pathlib import Path

import pytest

from recsmith.config import data_recipe, recipe

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "recipes-and-runs.md"
SECTIONS = [
    data_recipe.MovieLensSource,
    data_recipe.TableSource,
    data_recipe.SqlSource,
    data_recipe.EventsSource,
    data_recipe.SideTable,
    data_recipe.FilterRecipe,
    recipe.RunRecipe,
    recipe.EvaluateRecipe,
    recipe.CandidatesRecipe,
    recipe.Recipe,
]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_key_is_on_the_page(section):
    text = re.sub(r"```.*?```", "", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    words = set(re.findall(r"[a-z0-9_]+", " ".join(re.findall(r"`([^`]+)`", text))))
    keys = {field.alias or name for name, field in section.model_fields.items()}
    assert keys <= words, keys - words


def test_every_rule_is_on_the_page():
    rules = recipe.SplitRecipe.model_fields["rule"].annotation.__args__
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"| `{rule}` |" in text for rule in rules)
