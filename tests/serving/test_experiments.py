"""Experiments: the same side always, shares as said, both sides served, what was shown is kept."""

import numpy as np
import pytest

pytest.importorskip("fastapi")

from recsmith.errors import InvalidValue
from recsmith.models import Popular
from recsmith.runs import experiment as judged
from recsmith.serving.engine import Engine
from recsmith.serving.experiments import Experiment, Running
from recsmith.serving.records import Event
from recsmith.serving.stages import StageSettings
from recsmith.serving.verdict import report
from recsmith.testing.toy import tastes

TWO = {"a": {"version": "000001", "share": 0.3}, "b": {"version": "000002", "share": 0.5}}


def two(name="test", variants=TWO):
    return Experiment.of({"name": name, "variants": variants}, within="experiment")


def test_shares_are_as_said_and_a_person_stays_on_their_side():
    people = [f"person {n}" for n in range(20_000)]
    sides = [two().variant(one) for one in people]
    assert sides == [two().variant(one) for one in people]
    for side, share in (("a", 0.3), ("b", 0.5), (None, 0.2)):
        assert sides.count(side) / len(people) == pytest.approx(share, abs=0.015)
    other = [two("another").variant(one) for one in people]
    both = np.mean([x == y == "a" for x, y in zip(sides, other, strict=True)])
    assert both == pytest.approx(0.09, abs=0.01)  # names draw independently


@pytest.mark.parametrize(
    "variants",
    [
        {"a": {"version": "1", "share": 1.0}},
        {"a": {"version": "1", "share": 0.7}, "b": {"version": "2", "share": 0.7}},
    ],
)
def test_sides_must_be_two_and_not_more_than_everybody(variants):
    with pytest.raises(InvalidValue):
        two(variants=variants)


def test_both_sides_are_served_and_shown_is_kept(engine, versions, fitted):
    versions.publish(Popular().fit(tastes()), {})
    versions.put_in_place("000002")
    sides = {"old": {"version": "000002", "share": 0.5}, "new": {"version": "000003", "share": 0.5}}
    Running(versions.folder).put(two(variants=sides))
    engine.look_around()
    answers = {str(user): engine.recommend(str(user), k=5) for user in range(1, 31)}
    for user, answer in answers.items():
        assert answer.variant == engine.experiment.variant(user)
        assert answer.version == sides[answer.variant]["version"]
    engine.keep_shown()
    kept = list(engine.store.all_shown())
    assert {row.user_id: row.variant for row in kept} == {u: f"test/{a.variant}" for u, a in answers.items()}
    assert kept[0].items == [str(line["item_id"]) for line in answers[kept[0].user_id].lines]
    Running(versions.folder).end()
    engine.look_around()
    assert engine.recommend("1", k=5).variant is None


def test_the_report_finds_the_side_that_hits(store):
    rng = np.random.default_rng(0)
    shown, events = [], []
    for person in range(400):
        side = "good" if person % 2 else "bad"
        items = [str(n) for n in range(10)]
        shown.append(
            {
                "user_id": f"p{person}",
                "time": 1000,
                "variant": f"x/{side}",
                "version": "1",
                "items": items,
                "propensities": None,
            }
        )
        if rng.random() < (0.6 if side == "good" else 0.3):
            events.append(Event(f"p{person}", "3", 1.0, 2000, f"e{person}"))
        events.append(Event(f"p{person}", "3", 1.0, 500, f"before{person}"))  # earlier than the list: no hit
        events.append(Event(f"p{person}", "99", 1.0, 2000, f"other{person}"))
    store.add_shown(shown)
    store.add_events(events)
    found = report(store, "x", hours=1)
    assert [(side.name, side.n_people, side.n_lists) for side in found.sides] == [
        ("bad", 200, 200),
        ("good", 200, 200),
    ]
    difference, low, high = found.differences["good"]
    assert low < 0.3 < high
    assert low > 0.1
    assert difference == pytest.approx(found.sides[1].value - found.sides[0].value)
    assert report(store, "nothing").sides == ()


def test_drawn_lists_tell_what_lists_as_they_stand_would_do(engine, store, versions):
    """The truth is known: the model's own first item is always taken, any other never."""
    drawing = Engine(store, versions, settings=StageSettings(explore=0.5))
    first = {str(user): str(engine.recommend(str(user), k=3).lines[0]["item_id"]) for user in range(1, 61)}
    for _ in range(6):
        for user in first:
            drawing.recommend(user, k=3)
    drawing.keep_shown()
    rows = list(store.all_shown())
    assert 0 < np.mean([row.propensities["rank"] == 1 for row in rows]) < 1
    store.add_events([Event(row.user_id, first[row.user_id], 1.0, row.time, f"t{row.seq}") for row in rows])
    found = judged.greedy(store)
    assert found["SNIPS"].value == pytest.approx(1.0)
    for name in ("IPS", "doubly robust"):  # twice the interval: what is drawn is drawn anew in each run
        spread = found[name].high - found[name].low
        assert found[name].value == pytest.approx(1.0, abs=max(0.1, spread))
    drawn = np.mean([row.items[0] == first[row.user_id] for row in rows])
    assert drawn < 0.9  # what was shown hit less often than that
