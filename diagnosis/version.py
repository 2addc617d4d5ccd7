"""The version, alone in a file at the floor so that every room may name it."""

__version__ = "0.1.0"
