"""The model card: what it says of a bundle, and what it keeps to itself."""

import pytest

from recsmith.export.card import About, card
from recsmith.export.manifest import (
    FileSpec,
    Manifest,
    ParityFigures,
    ScoreSpec,
    SignatureSpec,
    TensorSpec,
    WeightSpec,
)

RECIPE = """
[data]
source = "table"
path = "/home/ada/secret project/log.csv"
[data.items]
path = ["films|a.csv"]
[model]
class = "NextItem"
"""


def manifest(**changes) -> Manifest:
    history = TensorSpec(name="history", dtype="int32", shape=(1, 200), meaning="rows | oldest first")
    item = TensorSpec(name="item", dtype="int32", shape=(1, 100), meaning="best first")
    figures = ParityFigures(
        n_histories=1000,
        k=10,
        order_equal=1000,
        near_ties=2,
        max_score_difference=3e-6,
        overlap=1.0,
        passed=True,
    )
    small = figures.model_copy(update={"order_equal": 700, "overlap": 0.981})
    lists = SignatureSpec(name="recommend", batch=1, inputs=(history,), outputs=(item,))
    file = {"role": "recommend", "format": "litert", "sha256": "0", "signatures": (lists,)}
    settings = {
        "name": "films",
        "model_class": "NextItem",
        "created": "2026-11-22T12:00:00+00:00",
        "created_by": {"recsmith": "0.1.0", "torch": "2.13.0"},
        "n_items": 9742,
        "history_length": 200,
        "context_length": 50,
        "top_k": 100,
        "score": ScoreSpec(meaning="logit", calibrated=False),
        "empty_history": "popular",
        "liked_weight": 5.0,
        "weights": WeightSpec(feedback="ratings", smallest=0.5, largest=5.0, mean=3.5),
        "files": (
            FileSpec(path="model.tflite", bytes=120_404, parity=figures, **file),
            FileSpec(path="model.int8.tflite", bytes=40_000, quantize="int8", parity=small, **file),
            FileSpec(path="catalogue.json", role="catalogue", bytes=700_000, sha256="0"),
        ),
    }
    return Manifest(**{**settings, **changes})


def test_the_card_says_what_it_is_and_how_to_read_it():
    text = card(manifest())
    for words in (
        "# films\n",
        "`NextItem` that recommends from a catalogue of 9,742 items",
        "ratings, on a scale from 0.5 to 5",
        "| `model.tflite` | lists, float32; for LiteRT",
        "120 KB | 1,000 of 1,000, scores within 3e-06 |",
        "700 of 1,000, overlap@10 0.981 |",
        "| in | `history` | int32 [1, 200] | rows \\| oldest first |",
        "keep the newest 200 events, oldest first, and fill up with -1",
        "newest 50",
        "not calibrated",
        "load_bundle",
        "recsmith 0.1.0, torch 2.13.0",
        "Nothing is recorded of the data's terms",
    ):
        assert words in text, words
    assert "How good it is" not in text and "allow-mismatch" not in text


def test_what_the_run_knows_is_told_without_its_paths():
    about = About(
        data="latest-small",
        n_users=610,
        n_events=100_836,
        terms="Ask GroupLens.",
        recipe=RECIPE,
        split="Each user's last event is held out.",
        metrics={"NDCG@10": {"value": 0.12345, "low": 0.11, "high": 0.13, "n_users": 610}},
    )
    text = card(manifest(), about)
    assert "latest-small: 610 people, 100,836 events, 9,742 items" in text and "Ask GroupLens." in text
    assert 'path = "log.csv"' in text and "ada" not in text and "secret" not in text
    assert "| NDCG@10 | 0.1235 | 0.1100 to 0.1300 | 610 |" in text
    assert "Each user's last event is held out." in text


def test_an_address_with_a_password_stays_at_home():
    recipe = '[data]\nsource = "sql"\nurl = "postgresql://ada:secret@db/shop"\nquery = "select 1"\n'
    assert "secret" not in card(manifest(), About(recipe=recipe))


def test_settings_stand_in_for_a_recipe():
    assert "`n_epochs = 3`" in card(manifest(), About(settings={"n_epochs": 3}))


@pytest.mark.parametrize("feedback", ["ratings", "implicit"])
def test_a_scale_is_told_of_ratings_alone(feedback):
    weights = WeightSpec(feedback=feedback, smallest=1, largest=7, mean=2)
    assert ("scale from 1 to 7" in card(manifest(weights=weights))) == (feedback == "ratings")


def test_a_mismatch_is_said_first():
    failed = manifest().files[0].parity.model_copy(update={"passed": False, "order_equal": 3})
    file = manifest().files[0].model_copy(update={"parity": failed})
    text = card(manifest(files=(file,), mismatch_allowed=True))
    assert "answers differ from the model's" in text and "**(failed)**" in text
