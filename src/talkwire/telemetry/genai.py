"""The names of attributes, as OpenTelemetry's conventions for generative AI have them.

Those are not settled yet: all of ours that depend on them are in here.
"""

from __future__ import annotations

from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as names
from opentelemetry.semconv.attributes import error_attributes

OPERATION = names.GEN_AI_OPERATION_NAME
PROVIDER = names.GEN_AI_PROVIDER_NAME
AGENT = names.GEN_AI_AGENT_NAME
AGENT_ID = names.GEN_AI_AGENT_ID
CONVERSATION = names.GEN_AI_CONVERSATION_ID
MODEL = names.GEN_AI_REQUEST_MODEL
INPUT_TOKENS = names.GEN_AI_USAGE_INPUT_TOKENS
OUTPUT_TOKENS = names.GEN_AI_USAGE_OUTPUT_TOKENS
FINISH_REASONS = names.GEN_AI_RESPONSE_FINISH_REASONS
FIRST_CHUNK = names.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK
TOOL = names.GEN_AI_TOOL_NAME
TOOL_CALL_ID = names.GEN_AI_TOOL_CALL_ID
ERROR = error_attributes.ERROR_TYPE

INVOKE_AGENT = names.GenAiOperationNameValues.INVOKE_AGENT.value
CHAT = names.GenAiOperationNameValues.CHAT.value
EXECUTE_TOOL = names.GenAiOperationNameValues.EXECUTE_TOOL.value

# What they have no word for.
TURN = "talkwire.turn.id"
WIRE = "talkwire.wire"
STATUS = "talkwire.turn.status"
ABORTED_BY = "talkwire.turn.aborted_by"
ADOPTIONS = "talkwire.turn.adoptions"
ESTIMATED = "talkwire.usage.estimated"
FIRST_PIECE = "talkwire.first_token"
ATTEMPT_FAILED = "talkwire.attempt_failed"
ATTEMPT = "talkwire.attempt"
REASON = "talkwire.reason"
