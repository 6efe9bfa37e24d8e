"""Suites: which methods meet which textures, how often and under which budget."""
