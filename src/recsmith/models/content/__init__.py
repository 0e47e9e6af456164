"""Models that know items by what is written about them."""

from recsmith.models.content.tfidf import TfIdfContent, TfIdfContentConfig

__all__ = ["TfIdfContent", "TfIdfContentConfig"]
