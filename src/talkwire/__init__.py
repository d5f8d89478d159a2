"""A streaming chat backend that speaks the wire dialect of every client."""

__version__ = "0.1.0"
