"""The declaration of a wire."""

from __future__ import annotations

from talkwire.web.faults import problem
from talkwire.web.form import Form, StreamLimits
from talkwire.wires.native.encode import Encoder


def test_a_wire_is_an_event_stream_with_ids_and_comments_unless_it_says_otherwise() -> None:
    form = Form(name="w", encoder=Encoder, fault=problem)

    assert form.media_type == "text/event-stream"
    assert form.heartbeat == b": heartbeat\n\n"
    assert form.ids
    assert form.first == 0


def test_heartbeats_come_before_the_idle_cuts_of_common_proxies() -> None:
    assert StreamLimits().heartbeat_s < 30
