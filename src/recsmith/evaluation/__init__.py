"""Evaluation: metrics, intervals, paired tests, checks for leaks."""
