"""TensorFlow's sample: what its app reads of our files, and its files read as a Recommender."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

pytest.importorskip("torch", reason="the neural extra is not installed")
pytest.importorskip("ai_edge_litert.interpreter", reason="no LiteRT runtime is installed")

from ai_edge_litert import interpreter as litert

from recsmith import Run
from recsmith.data import Dataset, Interactions, Vocabulary
from recsmith.errors import DataError, InvalidValue, ModelFileError, RecsmithError
from recsmith.evaluation import evaluate
from recsmith.export.runtime_tf import load_tf_model, read_movies
from recsmith.export.tf_sample import Numbers, export_tf_sample
from recsmith.models import NextItem, Popular

N_ITEMS = 14
GENRES = ["Comedy", "Drama", "War"]
HISTORIES = [[7, 10], [1, 4, 7, 10, 13, 16, 19], [40], [10, 10, 7]]


def catalogue() -> Dataset:
    """Items 1, 4, 7, …; nobody takes the last one; people walk round the others."""
    ids = np.arange(N_ITEMS) * 3 + 1
    rows = [(u, (u + step) % (N_ITEMS - 1)) for u in range(26) for step in range(3 + u % 5)]
    user, item = np.array(rows).T
    table = pl.DataFrame(
        {
            "item_id": ids,
            "title": [f"Film {i} (19{50 + i})" for i in range(N_ITEMS)],
            "genres": [GENRES[: i % 4] for i in range(N_ITEMS)],
        },
        schema_overrides={"genres": pl.List(pl.String)},
    )
    events = Interactions.from_arrays(user, item, np.full(len(user), 4.0), np.arange(len(user)) * 1000)
    return Dataset(events, Vocabulary(np.arange(26)), Vocabulary(ids), item_table=table, feedback="ratings")


class App:
    """Reads the assets as TensorFlow's Android app does: by places, first choices first, no look at names."""

    def __init__(self, folder: Path) -> None:
        self.config = json.loads((folder / "config.json").read_text())
        assert self.config["inputs"], "validate(): inputs are not empty"
        named = {i["name"] for i in self.config["inputs"]}
        assert ("genreFeature" in named) == (self.config["genreList"] is not None), "validate(): both or none"
        movies = json.loads((folder / self.config["movieList"]).read_text())
        self.offered = movies[: self.config["favoriteListSize"]]
        self.candidates = {movie["id"]: movie for movie in movies}
        assert all(set(movie) >= {"id", "title", "genres", "count"} for movie in movies)
        self.interpreter = litert.Interpreter(model_path=str(folder / self.config["model"]))
        self.interpreter.allocate_tensors()

    def recommend(self, selected: list[int]) -> list[int]:
        config, pad = self.config, self.config["pad"]
        places = self.interpreter.get_input_details()
        for feature in sorted(config["inputs"], key=lambda i: i["index"]):
            length = feature["inputLength"]
            values = np.array((selected + [pad] * length)[:length], np.int32)
            assert tuple(places[feature["index"]]["shape"]) == values.shape, (
                "or the app would resize the input"
            )
            self.interpreter.set_tensor(places[feature["index"]]["index"], values)
        self.interpreter.invoke()
        outputs = self.interpreter.get_output_details()
        ids = self.interpreter.get_tensor(outputs[config["outputIdsIndex"]]["index"])
        scores = self.interpreter.get_tensor(outputs[config["outputScoresIndex"]]["index"])
        assert ids.shape == scores.shape == (config["outputLength"],)
        assert ids.dtype == np.int32 and scores.dtype == np.float32
        shown = [one for one in ids.tolist() if one in self.candidates and one not in selected]
        return shown[: config["topK"]]


@pytest.fixture(scope="module")
def model():
    ids = {"name": "item_id", "type": "int"}
    group = {"features": [ids, {"name": "genres"}, {"name": "rating", "type": "float"}], "encoder": "bow"}
    settings = {"context_length": 4, "n_epochs": 2, "batch_size": 8, "label": {"embedding_dim": 4}}
    return NextItem(activity_groups=[group], **settings).fit(catalogue(), run=Run(n_threads=1))


@pytest.fixture(scope="module")
def assets(model, tmp_path_factory):
    pytest.importorskip("litert_torch", reason="the litert extra is not installed")
    return export_tf_sample(model, tmp_path_factory.mktemp("assets") / "sample", context_length=6)


def test_the_app_shows_what_the_model_recommends(model, assets):
    app = App(assets)
    for history in HISTORIES:
        found = model.recommend(histories=[history[:6]], k=N_ITEMS, unknown="popular").item_ids[0]
        assert app.recommend(history) == [one for one in found if one not in history][:10]
    assert app.recommend([]) == list(model.recommend(histories=[[]], k=10, unknown="popular").item_ids[0])


def test_the_assets_tell_of_catalogue_and_genres(model, assets):
    app = App(assets)
    counts = [movie["count"] for movie in app.offered]
    assert counts == sorted(counts, reverse=True) and len(app.candidates) == N_ITEMS
    assert app.candidates[10] == {
        "id": 10,
        "title": "Film 3 (1953)",
        "genres": GENRES,
        "count": int(model.memory.popularity[3]),
        "item_id": 10,
    }
    assert (assets / "movie_genre_vocab.txt").read_text().splitlines() == ["UNK", *GENRES]
    assert {file.name for file in assets.iterdir()} == {
        "model.tflite",
        "config.json",
        "sorted_movie_vocab.json",
        "movie_genre_vocab.txt",
    }


def test_the_names_are_the_samples(assets):
    interpreter = litert.Interpreter(model_path=str(assets / "model.tflite"))
    assert interpreter.get_signature_list() == {
        "serving_default": {
            "inputs": ["context_movie_id"],
            "outputs": ["top_prediction_ids", "top_prediction_scores"],
        }
    }


def test_a_file_of_the_samples_layout_is_a_recommender(model, assets):
    read = load_tf_model(assets / "model.tflite", vocabulary=assets / "sorted_movie_vocab.json")
    found = read.recommend(histories=HISTORIES, k=5)
    expected = model.recommend(histories=HISTORIES, k=5)
    assert found.item_ids == expected.item_ids
    for a, b in zip(found.scores, expected.scores, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert read.recommend(histories=[[]], k=2, unknown="popular").scores[0][0] == max(
        movie.count for movie in read_movies(assets / "sorted_movie_vocab.json")
    )


@pytest.mark.slow
def test_it_is_judged_beside_ours(model, assets):
    from recsmith.data import leave_last_out

    split = leave_last_out(catalogue())
    ours = NextItem(model.config).fit(split.train, run=Run(n_threads=1))
    folder = assets.parent / "of-train"
    export_tf_sample(ours, folder, context_length=6)
    theirs = load_tf_model(
        folder / "model.tflite", vocabulary=folder / "sorted_movie_vocab.json", data=split.train
    )
    figures = [evaluate(m, split, n_bootstrap=0)["NDCG@10"].value for m in (ours, theirs)]
    assert figures[0] == pytest.approx(figures[1], abs=1e-6) and figures[0] > 0


def test_what_cannot_be_read_is_said(assets, tmp_path):
    movies = assets / "sorted_movie_vocab.json"
    cut = tmp_path / "cut.tflite"
    cut.write_bytes((assets / "model.tflite").read_bytes()[:100])
    with pytest.raises(ModelFileError, match="must be a .tflite with one signature"):
        load_tf_model(cut, vocabulary=movies)
    with pytest.raises(DataError, match="must be a vocabulary of movies"):
        load_tf_model(assets / "model.tflite", vocabulary=tmp_path / "none.json")
    with pytest.raises(RecsmithError, match="must be read by load_tf_model"):
        load_tf_model(assets / "model.tflite", vocabulary=movies).fit(catalogue())


def test_a_folder_that_holds_something_else_is_left_alone(model, tmp_path):
    (tmp_path / "thesis.txt").write_text("all my work")
    with pytest.raises(InvalidValue, match="must be a new folder"):
        export_tf_sample(model, tmp_path, overwrite=True)
    with pytest.raises(InvalidValue, match="context_length must be between 1 and 200"):
        export_tf_sample(model, tmp_path / "new", context_length=201)
    assert (tmp_path / "thesis.txt").read_text() == "all my work"


def test_movies_are_read_as_lists_and_as_objects(tmp_path):
    file = tmp_path / "movies.json"
    lines = [
        [5, "B (2001)", "Drama|War", 3],
        [0, "", "", 0],
        {"id": 2, "title": "A", "genres": [], "count": 1},
    ]
    file.write_text(json.dumps(lines))
    a, b = read_movies(file)
    assert (a.id, a.year, a.genres, a.count) == (2, 0, (), 1)
    assert (b.id, b.year, b.genres, b.count) == (5, 2001, ("Drama", "War"), 3)


@pytest.mark.parametrize(
    ("ids", "numbers"),
    [
        ([3, 1, 7], [3, 1, 7]),
        ([0, 1, 2], [1, 2, 3]),
        ([5, 900_000, 7], [1, 2, 3]),
        (["a", "b", "c"], [1, 2, 3]),
    ],
)
def test_ids_stay_as_they_are_where_they_can(ids, numbers):
    events = Interactions.from_arrays(np.zeros(3, np.int32), np.arange(3), None, None)
    model = Popular().fit(Dataset(events, Vocabulary([1]), Vocabulary(ids)))
    found = Numbers.of(model.memory)
    assert found.of_row.tolist() == numbers
    assert found.row_of[found.of_row].tolist() == [0, 1, 2]
    assert found.is_row_plus_one == (numbers == [1, 2, 3])
