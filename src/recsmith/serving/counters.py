"""Counters for Prometheus, in a registry of each service's own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Counters:
    """Holds what is counted."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "recsmith_requests", "Requests by route and status.", ("route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "recsmith_request_seconds",
            "Seconds a request took.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.stage_seconds = Histogram(
            "recsmith_stage_seconds",
            "Seconds a stage took.",
            ("stage",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.fallbacks = Counter(
            "recsmith_fallbacks",
            "Lists that are not the model's own, by reason.",
            ("reason",),
            registry=self.registry,
        )
        self.events = Counter("recsmith_events", "Events kept.", ("outcome",), registry=self.registry)
        self.swaps = Counter(
            "recsmith_model_swaps", "Models taken up since the start.", registry=self.registry
        )
        self.waiting = Gauge("recsmith_waiting", "Requests at work or waiting.", registry=self.registry)

    def text(self) -> bytes:
        """Returns everything in Prometheus' format."""
        return generate_latest(self.registry)
