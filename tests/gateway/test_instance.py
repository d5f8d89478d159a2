"""What is told of a server."""

from __future__ import annotations

from msgspec import structs

from talkwire.gateway.instance import Instance


def test_an_instance_is_a_value() -> None:
    one = Instance("a", "chat", "http://10.0.0.7:8000", 15)

    assert structs.replace(one, id="b") != one == Instance("a", "chat", "http://10.0.0.7:8000", 15)
