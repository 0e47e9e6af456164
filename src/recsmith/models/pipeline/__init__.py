"""Several models as one: retrieve, then rank; or blend."""

from recsmith.models.pipeline.blend import Blend, BlendConfig
from recsmith.models.pipeline.two_stage import Pipeline, PipelineConfig

__all__ = ["Blend", "BlendConfig", "Pipeline", "PipelineConfig"]
