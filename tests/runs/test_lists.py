"""Lists for everybody: what the service answers, in parts that the next call goes on from."""

import threading

import polars as pl
import psutil
import pytest

from recsmith.errors import InvalidValue
from recsmith.models import IALS, ItemKNN
from recsmith.runs import lists
from recsmith.serving.settings import read_settings
from recsmith.serving.stages import StageSettings
from recsmith.testing.toy import tastes

DIVERSE = StageSettings(diversity=0.4, calibration=0.2, per_category=4, similar_share=0.2)


@pytest.fixture(scope="module")
def model():
    return IALS(embedding_dim=8, n_epochs=5).fit(tastes())


@pytest.mark.parametrize("settings", [StageSettings(), DIVERSE], ids=["plain", "diverse"])
def test_the_file_holds_what_the_service_answers(model, settings, tmp_path):
    pytest.importorskip("sqlalchemy")
    from recsmith.serving.engine import Engine, first_load
    from recsmith.serving.store import Store
    from recsmith.serving.versions import Versions

    store, place = Store(f"sqlite:///{tmp_path / 's.db'}"), Versions(tmp_path / "versions")
    first_load(store, model.memory)
    place.publish(model, {"through": store.last_seq()})
    engine = Engine(store, place, settings=settings)
    lists.write_all(lists.Advisor(model), tmp_path / "all.parquet", k=7, settings=settings)
    frame = pl.read_parquet(tmp_path / "all.parquet").partition_by("user_id", as_dict=True)
    assert len(frame) == 60
    for (user,), rows in frame.items():
        answered = engine.recommend(str(user), k=7).lines
        assert rows["item_id"].to_list() == [line["item_id"] for line in answered]
        assert rows["score"].to_list() == pytest.approx([line["score"] for line in answered], abs=1e-6)
        assert rows["rank"].to_list() == [line["rank"] for line in answered]
    store.close()


def test_a_stopped_call_is_gone_on_with(model, tmp_path, monkeypatch):
    monkeypatch.setattr(lists, "USERS_A_PART", 7)
    whole, out = tmp_path / "whole.parquet", tmp_path / "all.parquet"
    lists.write_all(lists.Advisor(model), whole, k=5)
    made, real = [], lists._lists_of

    def stopping(world, memory, start, *others, **named):
        if len(made) == 4:
            raise KeyboardInterrupt
        made.append(start)
        return real(world, memory, start, *others, **named)

    monkeypatch.setattr(lists, "_lists_of", stopping)
    with pytest.raises(KeyboardInterrupt):
        lists.write_all(lists.Advisor(model), out, k=5)
    assert not out.exists()
    with pytest.raises(InvalidValue, match="of the same call"):
        lists.write_all(lists.Advisor(model), out, k=6, resume=True)
    monkeypatch.setattr(lists, "_lists_of", real)
    again = []
    monkeypatch.setattr(
        lists, "_lists_of", lambda w, m, s, *o, **n: again.append(s) or real(w, m, s, *o, **n)
    )
    told = lists.write_all(lists.Advisor(model), out, k=5, resume=True)
    assert again == [28, 35, 42, 49, 56]  # the first four are not made twice
    assert told["n_users"] == 60
    assert pl.read_parquet(out).equals(pl.read_parquet(whole))
    assert not list(tmp_path.glob(".*.parts"))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_people(tmp_path):
    """Four times the people at most a little more memory: each part is written before the next is made."""
    most = {}
    for n_users in (20_000, 80_000):
        model = ItemKNN(n_neighbours=20).fit(tastes(n_users=n_users, n_items=400))
        here, highest, done = psutil.Process(), [0], threading.Event()
        before = here.memory_info().rss

        def watch(highest=highest, done=done, here=here):
            while not done.wait(0.02):
                highest[0] = max(highest[0], here.memory_info().rss)

        watcher = threading.Thread(target=watch)
        watcher.start()
        lists.write_all(lists.Advisor(model), tmp_path / f"{n_users}.parquet")
        done.set()
        watcher.join()
        most[n_users] = (highest[0] - before) / 2**20
    assert most[80_000] < most[20_000] + 60, most


def test_the_services_file_of_settings_is_read_and_checked(tmp_path):
    file = tmp_path / "serve.toml"
    file.write_text(
        'unknown_items = "refuse"\n[limits]\nk = 50\n[stages]\ndiversity = 0.3\n', encoding="utf-8"
    )
    told, stages = read_settings(file)
    assert told == {"unknown_items": "refuse", "limits": {"k": 50}}
    assert stages == StageSettings(diversity=0.3)
    assert read_settings(None) == ({}, StageSettings())
    for said, words in (
        ("[stages]\ndiversty = 1\n", "stages must be|stages.diversty must be a known setting"),
        ("[stages\n", "must be TOML"),
        ("stages = 3\n", "stages must be a table"),
    ):
        file.write_text(said, encoding="utf-8")
        with pytest.raises(InvalidValue, match=words):
            read_settings(file)
    with pytest.raises(InvalidValue, match="a file that is there"):
        read_settings(tmp_path / "none.toml")
