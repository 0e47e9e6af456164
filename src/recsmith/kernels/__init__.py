"""Numerics as pure functions: arrays in, arrays out, one operator a file, each with a plain twin."""
