"""The service: a store of events, a model in place, stages from a request to a list, HTTP around it."""

from recsmith.serving.settings import ServeSettings

__all__ = ["ServeSettings"]
