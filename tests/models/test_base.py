"""The public verbs, on a model of ten lines: the contract itself, and the model folder."""

import json
import os

import numpy as np
import pytest
from scipy import sparse

from recsmith import storage
from recsmith.config import Config, Run
from recsmith.errors import InvalidValue, ModelFileError, NotFitted, UnknownId
from recsmith.models import Explains, SimilarItems, load, scoring
from recsmith.models import base as bases
from recsmith.testing import check_recommender, toy


class CooccurrenceConfig(Config):
    power: float = 0.5
    """How much frequent items are held back."""


class Cooccurrence(SimilarItems, Explains):
    """Scores by how often items met the history's items."""

    Config = CooccurrenceConfig
    state_names = ("similarity_II", "mean", "nothing")

    def _fit(self, data, run):
        taken_UI = data.binary()
        count_I = np.asarray(taken_UI.sum(axis=0)).ravel() + 1e-9
        meetings_II = (taken_UI.T @ taken_UI).toarray()
        np.fill_diagonal(meetings_II, 0)
        scale_II = (count_I[:, None] * count_I) ** self.config.power
        self.similarity_II = sparse.csr_matrix((meetings_II / scale_II).astype(np.float32))
        self.mean = 3.5
        self.nothing = None

    def _score(self, histories):
        return (histories.matrix(self.similarity_II.shape[0]) @ self.similarity_II).toarray()

    def _similar(self, item_codes):
        return self.similarity_II[item_codes].toarray()

    def _contributions(self, history, item_codes):
        parts_LK = self.similarity_II[history.item][:, item_codes].toarray()
        return np.zeros(len(item_codes), np.float32), history.weight[:, None] * parts_LK


@pytest.fixture
def model():
    return Cooccurrence().fit(toy.tastes())


@pytest.mark.parametrize("data", [toy.tastes, toy.checkerboard])
def test_contract(data):
    check_recommender(Cooccurrence, data())


class Leaky(Cooccurrence):
    """Breaks a promise: not deterministic."""

    def _score(self, histories):
        return super()._score(histories) + np.random.default_rng().random(40).astype(np.float32)


class Forgetful(Cooccurrence):
    """Breaks a promise: does not save all it needs."""

    state_names = ("mean",)


@pytest.mark.parametrize("broken", [Leaky, Forgetful])
def test_the_contract_can_fail(broken):
    with pytest.raises((AssertionError, AttributeError)):
        check_recommender(broken)


def test_settings_are_seen_and_checked():
    assert repr(Cooccurrence(power=0.25)) == "Cooccurrence(power=0.25)"
    assert Cooccurrence(CooccurrenceConfig(power=0.1)).config.power == 0.1
    assert Cooccurrence(CooccurrenceConfig(power=0.1), power=0.2).config.power == 0.2
    with pytest.raises(InvalidValue, match="Cooccurrence.pwer must be a known setting.*Did you mean 'power'"):
        Cooccurrence(pwer=1)
    with pytest.raises(InvalidValue, match="config must be a CooccurrenceConfig"):
        Cooccurrence(Config())


def test_an_empty_log_and_an_unfitted_model(tmp_path):
    data = toy.tastes()
    empty = data.with_interactions(data.interactions.select(np.zeros(len(data), bool)))
    with pytest.raises(InvalidValue, match="data must be at least one interaction. Got 0"):
        Cooccurrence().fit(empty)
    with pytest.raises(NotFitted, match="Cooccurrence must be fitted first"):
        Cooccurrence().save(tmp_path / "model")


def test_blocks_are_no_matter(model, monkeypatch):
    users = model.memory.users.ids.to_list()
    whole = model.recommend(users, k=7, run=Run(n_threads=1))
    monkeypatch.setattr(scoring, "_BLOCK_BYTES", 4 * 40 * 7)  # 7 users a block
    assert scoring.block_rows(40) == 7
    for threads in (1, 2, 5):
        assert model.recommend(users, k=7, run=Run(n_threads=threads)) == whole
    rows, _ = model.memory.of_users(users)
    monkeypatch.setattr(bases, "block_rows", lambda _: 7)
    codes = np.tile(np.arange(40, dtype=np.int32), (len(users), 1))
    codes[:, 0] = -1
    scores = model.score_codes(rows, codes)
    assert np.isneginf(scores[:, 0]).all()
    np.testing.assert_allclose(scores[:, 1:], model.score(users)[:, 1:], rtol=1e-6)


def test_a_failing_block_is_heard(model, monkeypatch):
    monkeypatch.setattr(scoring, "_BLOCK_BYTES", 1)
    monkeypatch.setattr(model, "_score", lambda histories: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model.recommend([1, 2, 3, 4, 5, 6, 7, 8], run=Run(n_threads=2))


def test_bare_histories_weigh_as_liked(model):
    history = ["i000", "i004"]
    assert model.memory.liked_weight == 5.0
    liked = model.recommend(histories=[history])
    assert liked == model.recommend(histories=[dict.fromkeys(history, 5.0)])
    assert liked.scores != model.recommend(histories=[dict.fromkeys(history, 1.0)]).scores


@pytest.mark.parametrize(
    ("histories", "message"),
    [
        (["i000"], r"histories\[0\] must be a list of item ids"),
        ([3], r"histories\[0\] must be a list of item ids"),
        ([{"i000": float("nan")}], "history weight must be a finite number. Got nan"),
        ([{"i000": "good"}], "history weight must be a finite number. Got 'good'"),
        ([{"i000": None}], "history weight must be a finite number. Got None"),
        ({"i000": 1.0}, "histories must be a list of histories"),
    ],
)
def test_bad_histories(model, histories, message):
    with pytest.raises(InvalidValue, match=message):
        model.recommend(histories=histories)


def test_who_is_unknown_is_named(model):
    with pytest.raises(UnknownId, match="user_id must be known to the model. Got 999"):
        model.recommend([1, 999])
    with pytest.raises(InvalidValue, match="unknown must be one of"):
        model.recommend([1], unknown="ignore")
    with pytest.raises(InvalidValue, match="people must be given as either users or histories"):
        model.recommend()


def test_a_stranger_is_told_only_what_the_verb_takes(model):
    with pytest.raises(UnknownId, match=r"Give histories=\[\[item ids\]\], or unknown='popular'"):
        model.recommend([999])
    for refused in (lambda: model.score([999], ["i001"]), lambda: model.explain(999, "i001")):
        with pytest.raises(UnknownId, match="of items that it knows") as caught:
            refused()
        assert "unknown=" not in str(caught.value)


@pytest.mark.parametrize("k", [0, -1, 2.5, True, "3", None])
def test_a_list_has_a_whole_length(model, k):
    for verb in (
        lambda: model.recommend([1], k=k),
        lambda: model.similar_items("i001", k=k),
        lambda: model.explain(1, "i001", k=k),
    ):
        with pytest.raises(InvalidValue, match="k must be a whole number, 1 or more"):
            verb()


# The model folder -------------------------------------------------------------------------------------


@pytest.fixture
def saved(model, tmp_path):
    model.save(tmp_path / "model")
    return tmp_path / "model"


def test_numbers_and_absent_state_come_back(saved):
    model = load(saved, model_class=Cooccurrence)
    assert model.mean == 3.5
    assert model.nothing is None
    assert model.memory.catalogue["title"][0] == "Film 0 of genre 0"


def test_a_class_from_outside_is_not_imported(saved):
    with pytest.raises(ModelFileError, match="one of recsmith's own, or handed in"):
        load(saved)
    with pytest.raises(ModelFileError, match="model_class must be"):
        load(saved, model_class=Leaky)


@pytest.mark.parametrize("name", ["arrays.safetensors", "users.parquet", "histories.safetensors"])
def test_a_missing_or_altered_file_is_found(saved, name):
    data = bytearray((saved / name).read_bytes())
    data[len(data) // 2] ^= 1
    (saved / name).write_bytes(data)
    with pytest.raises(ModelFileError, match=f"{name} must be as it was saved"):
        load(saved, model_class=Cooccurrence)
    (saved / name).unlink()
    with pytest.raises(ModelFileError, match=f"must hold {name}. Got no such file"):
        load(saved, model_class=Cooccurrence)


def test_an_altered_description_is_found(saved):
    described = json.loads((saved / "model.json").read_text())
    described["config"]["power"] = 9.0
    (saved / "model.json").write_text(json.dumps(described))
    with pytest.raises(ModelFileError, match=r"model\.json must be as it was saved"):
        load(saved, model_class=Cooccurrence)
    (saved / "model.json").write_text('{"format": 1, ')
    with pytest.raises(ModelFileError, match="must be JSON"):
        load(saved, model_class=Cooccurrence)


@pytest.mark.parametrize("text", ['{"format": "one"}', "[]", "{}", "3"])
def test_json_that_describes_no_model(saved, text):
    (saved / "model.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelFileError, match="must describe a recsmith model"):
        load(saved, model_class=Cooccurrence)


def test_a_newer_format_says_so(saved):
    described = json.loads((saved / "model.json").read_text())
    (saved / "model.json").write_text(json.dumps({**described, "format": 99, "recsmith": "9.0"}))
    with pytest.raises(ModelFileError, match=r"format 1 or older. Got 99, written by recsmith 9\.0. Upgrade"):
        load(saved, model_class=Cooccurrence)


def test_a_folder_that_is_no_model(tmp_path):
    with pytest.raises(ModelFileError, match=r"must be a model folder. Got no model\.json there"):
        load(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InvalidValue, match="path must be a new folder or a model to replace"):
        Cooccurrence().fit(toy.tastes()).save(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("step", ["models.files.save_file", "storage._to_disk", "storage._put_in_place"])
def test_a_full_disk_leaves_the_old_model_whole(model, saved, monkeypatch, step):
    before = {file.name: file.read_bytes() for file in saved.iterdir()}

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"recsmith.{step}", full)
    with pytest.raises(OSError, match="No space left"):
        Cooccurrence(power=0.1).fit(toy.tastes(seed=1)).save(saved)
    assert {file.name: file.read_bytes() for file in saved.iterdir()} == before
    assert os.listdir(saved.parent) == ["model"], "nothing half-written is left"


def test_a_swap_that_fails_puts_the_old_model_back(model, saved, monkeypatch):
    rename, calls = os.rename, []

    def second_fails(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        rename(source, target)

    monkeypatch.setattr(storage.os, "rename", second_fails)
    with pytest.raises(OSError, match="Input/output"):
        model.save(saved)
    monkeypatch.undo()
    assert load(saved, model_class=Cooccurrence).recommend([1]) == model.recommend([1])
