"""Torch pieces that know no data set: layers, encoders, item scores, losses."""
