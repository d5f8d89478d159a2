"""Servers for the examples, as for all end-to-end tests."""

from __future__ import annotations

from tests.e2e.conftest import fresh_server, provider

__all__ = ["fresh_server", "provider"]
