"""Several models as one: retrieve, then rank."""

from recsmith.models.pipeline.two_stage import Pipeline, PipelineConfig

__all__ = ["Pipeline", "PipelineConfig"]
