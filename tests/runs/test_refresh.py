"""Refresh: trains on what came in, publishes what is not worse, refuses what is."""

import pytest

pytest.importorskip("fastapi")

from recsmith.models import IALS, Popular
from recsmith.runs import refresh as module
from recsmith.runs.refresh import first_held_back, hold_back, refresh
from recsmith.serving.engine import first_load
from recsmith.serving.records import Event
from recsmith.serving.store import Store
from recsmith.serving.versions import Versions
from recsmith.testing.toy import tastes


@pytest.fixture
def place(tmp_path):
    """A published model whose store holds what it learnt from."""
    model = IALS(embedding_dim=8, n_epochs=5).fit(tastes())
    store = Store(f"sqlite:///{tmp_path / 's.db'}")
    first_load(store, model.memory)
    versions = Versions(tmp_path / "versions")
    about = {"recipe": {"class": "IALS", "embedding_dim": 8, "n_epochs": 5}, "through": store.last_seq()}
    versions.publish(model, about)
    yield versions, store
    store.close()


def news(n, *, user="new"):
    return [
        Event(f"{user}{i % 7}", f"i{(i % 7) % 4 + 4 * (i // 7):03d}", 5.0, 10**12 + i, f"n{i}")
        for i in range(n)
    ]


def test_without_new_events_nothing_happens(place):
    versions, store = place
    done = refresh(versions, store)
    assert (done.version, done.n_new) == (None, 0)
    assert versions.names() == ["000001"]


def test_new_people_are_hot_afterwards(place):
    versions, store = place
    store.add_events(news(56))
    done = refresh(versions, store, margin=1.0)
    assert done.version == "000002"
    assert done.n_new == 56
    assert versions.current() == "000002"
    model, about = versions.load("000002")
    assert "new3" in model.memory.users
    assert [row["epoch"] for row in model.learning_curve] == [0, 1, 2, 3, 4]  # of one fit alone
    assert about["parent"] == "000001"
    assert about["through"] == store.last_seq()
    assert 0 <= done.judged["after"] <= 1
    assert refresh(versions, store).why.startswith("0 new events")


def test_the_newest_events_of_enough_people_are_held_back():
    events = [Event(f"u{n // 2}", "a", time=n) for n in range(1000)]
    assert first_held_back(events) == 1000 - 199  # the last event of the hundredth person is one of two
    assert first_held_back(events[:100]) == 50
    assert first_held_back(events[:1]) == 0


def test_only_what_came_after_the_training_is_held_back():
    learnt = [Event(f"u{n}", "a", time=1000 + n) for n in range(10)]  # some of it newer than the news
    late = [Event(f"l{n}", "b", time=n) for n in range(4)]  # an old log, posted late
    fresh = [Event(f"f{n}", "c", time=1005 + n) for n in range(4)]
    train, test = hold_back([*learnt, *fresh, *late], 8)
    assert test == fresh
    assert train == sorted([*learnt, *late], key=lambda event: event.time)
    assert hold_back([*learnt, *late], 4) == ([*late[:2], *learnt], late[2:])
    assert hold_back([*learnt, *fresh[:1]], 1) == (learnt, fresh[:1])


def test_what_the_model_in_place_has_learnt_is_no_test_of_it(place, monkeypatch):
    """News with old times: the newest events of the store are those that the model in place was fitted on."""
    versions, store = place
    asked = []
    monkeypatch.setattr(module, "compare_on", lambda old, new, train, test: asked.extend(test) or {})
    store.add_events(
        [Event(e.user_id, e.item_id, e.weight, i + 1, e.event_id) for i, e in enumerate(news(56))]
    )
    refresh(versions, store)
    assert len(asked) == 28
    assert {event.user_id[:3] for event in asked} == {"new"}


def test_few_people_decide_as_many_do_and_the_answer_says_that_they_are_few(place):
    versions, store = place
    about = versions.about("000001")
    model, _ = versions.load("000001")
    versions.publish(model, {**about, "recipe": {"class": "Popular"}})
    store.add_events(news(56))
    done = refresh(versions, store, margin=0.0)
    assert done.version is None
    assert "worse by" in done.why
    assert "for 7 people, too few to be sure. Try again after more events" in done.why
    assert refresh(versions, store, margin=1.0).why.endswith("for 7 people, too few to be sure")


def test_what_nobody_can_judge_is_published_only_when_told_so(place):
    versions, store = place
    store.add_events(
        [Event("stranger", "i000", time=10**12)]
    )  # held back, and then nothing of theirs is left
    done = refresh(versions, store)
    assert (done.version, dict(done.judged)) == (None, {})
    assert "nobody to judge by. Try again after more events, or publish with --anyway" in done.why
    assert versions.current() == "000001"
    done = refresh(versions, store, anyway=True)
    assert done.version == versions.current() == "000002"
    assert done.why.endswith("nobody to judge by; published all the same")
    assert versions.about("000002")["metrics"] == {}


def test_a_model_that_is_worse_is_not_published_unless_told_so(place, monkeypatch):
    monkeypatch.setattr(module, "TOO_FEW", 5)
    versions, store = place
    about = versions.about("000001")
    model, _ = versions.load("000001")
    versions.publish(model, {**about, "recipe": {"class": "Popular"}})  # the next training is of another kind
    store.add_events(news(56))
    done = refresh(versions, store, margin=0.0)
    assert done.version is None
    assert done.judged["difference"] < 0
    assert "worse by" in done.why
    assert "few" not in done.why
    assert versions.current() == "000002"
    assert refresh(versions, store, margin=0.0, anyway=True).version == "000003"
    assert isinstance(versions.load("000003")[0], Popular)
