"""Event logs: a weight per event type, and no type passed over in silence."""

import polars as pl
import pytest

from recsmith.data.sources.events import read_events
from recsmith.errors import BadRows, InvalidValue

LOG = "time,visitorid,itemid,event\n1433221332117,1,7,view\n1433221333117,1,7,cart\n1433221334117,2,8,view\n"
WEIGHTS = {"view": 1, "cart": 3.5}


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "events.csv"
    file.write_text(LOG)
    return file


def test_weights_are_summed_for_a_user_and_item(path):
    data = read_events(path, weights=WEIGHTS)
    assert data.feedback == "implicit"
    assert data.interactions.weight.tolist() == [4.5, 1.0]
    assert data.interactions.time.tolist() == [1433221333117, 1433221334117]
    assert data.notes.duplicates == 1
    assert "summed" in data.notes.duplicates_rule


def test_events_can_be_kept_one_by_one(path):
    assert read_events(path, weights=WEIGHTS, duplicates="keep_all").interactions.weight.tolist() == [
        1.0,
        3.5,
        1.0,
    ]


def test_an_event_without_a_weight_is_refused(path):
    with pytest.raises(BadRows, match="line 3: event is not one of view: '1433221333117,1,7,cart'"):
        read_events(path, weights={"view": 1})


def test_an_event_without_a_weight_can_be_set_aside(path, tmp_path):
    data = read_events(path, weights={"view": 1}, on_bad_rows="quarantine", quarantine=tmp_path / "q.csv")
    assert len(data) == 2
    assert data.notes.refused == {"event is not one of view": 1}


def test_a_frame_is_an_event_log_too():
    frame = pl.DataFrame({"user": ["a"], "item": ["b"], "Event": ["view"]})
    assert read_events(frame, weights={"view": 2}, event="event").interactions.weight.tolist() == [2.0]


@pytest.mark.parametrize("weights", [{}, {"view": 0}, {"view": float("nan")}])
def test_weights_must_be_above_zero(path, weights):
    with pytest.raises(
        InvalidValue, match="weights must be an event type or more, each with a weight above 0"
    ):
        read_events(path, weights=weights)
