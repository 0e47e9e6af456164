"""The stages between a request and a list: retrieve, filter, rank, re-rank, explain; all of one shape."""

from recsmith.serving.stages.base import Request, Stage, StageSettings, Work
from recsmith.serving.stages.line import answer, make_stages

__all__ = ["Request", "Stage", "StageSettings", "Work", "answer", "make_stages"]
