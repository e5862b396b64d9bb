"""Placeholder."""

PROGRAMS = {}
