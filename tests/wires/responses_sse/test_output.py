"""Output items open, fill and close in the order of their indexes."""

from __future__ import annotations

from talkwire.canon.events import ToolCalled
from talkwire.wires.responses_sse.output import Output


def test_a_call_closes_the_message_before_it_and_the_next_text_is_a_new_item() -> None:
    output = Output("t")
    names = [name for name, _ in output.open_message()]
    output.texts.append("Look.")

    names += [name for name, _ in output.call(ToolCalled("c", "weather", "{}"))]
    list(output.open_message())
    list(output.close_message("completed", "Blue."))

    assert names == [
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
    ]
    assert [item["id"] for item in output.items] == ["msg_t", "fc_t_1", "msg_t_2"]
    assert output.items[0]["content"][0]["text"] == "Look."


def test_what_was_cut_is_kept_as_incomplete() -> None:
    output = Output("t")
    list(output.open_message())
    output.texts.extend(["Half", " an"])

    output.keep_cut()
    output.keep_cut()

    assert [item["status"] for item in output.items] == ["incomplete"]
    assert output.items[0]["content"][0]["text"] == "Half an"
