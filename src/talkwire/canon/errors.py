"""The error tree. Each error has a code, an HTTP status and whether asking again may help.

TalkwireError                 code                   status  retryable
├─ BadRequest                 invalid_request        400
│  ├─ Unprocessable           (named at the raise)   422
│  ├─ PayloadTooLarge         payload_too_large      413
│  └─ BadCursor               bad_last_event_id      400
├─ Unauthorized               unauthorized           401
├─ NotFound                   not_found              404
├─ Gone                       gone                   410
├─ Forbidden                  forbidden              403
├─ Conflict                   conflict               409
│  ├─ Busy                    turn_in_progress       409     yes
│  ├─ AlreadyDecided          approval_already_decided 409
│  └─ IdempotencyMismatch     idempotency_mismatch   409
├─ RateLimited                rate_limited           429     yes
├─ BudgetExceeded             budget_exceeded        429   (403: a total one)
├─ Unavailable                unavailable            503     yes
│  ├─ Draining                draining               503     yes
│  └─ StorageUnavailable      storage_unavailable    503     yes
├─ Fenced                     worker_lost            503     yes   (another process owns the turns)
├─ SpeechError                speech_failed          502     yes
├─ HearingError               hearing_failed         502     yes
└─ ModelError                 upstream_error         502
   ├─ UpstreamUnavailable     upstream_unavailable   502     yes
   ├─ UpstreamTimeout         upstream_timeout       504     yes
   ├─ UpstreamRateLimited     upstream_rate_limited  429     yes
   ├─ UpstreamAuth            upstream_auth          502
   ├─ UpstreamNotFound        upstream_not_found     502
   ├─ UpstreamRejected        upstream_rejected      502
   ├─ UpstreamInvalid         upstream_invalid       502
   └─ UpstreamIncomplete      upstream_incomplete    502     yes

Messages are for people and safe to show: they never hold a secret nor an upstream's body.
"""

from __future__ import annotations

import math


class TalkwireError(Exception):
    """The root: `message` is safe to show to a client."""

    code = "internal_error"
    status = 500
    retryable = False

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        if code is not None:
            self.code = code


class BadRequest(TalkwireError):
    """The request cannot be understood; `param` names the field where one is at fault."""

    code, status = "invalid_request", 400


class Unprocessable(BadRequest):
    """Well-formed, but a value is not acceptable."""

    status = 422


class PayloadTooLarge(BadRequest):
    """A body, header block or stored value is over its limit."""

    code, status = "payload_too_large", 413


class BadCursor(BadRequest):
    """A Last-Event-ID that is malformed or beyond the turn's head."""

    code = "bad_last_event_id"


class Unauthorized(TalkwireError):
    """Nobody, or nobody that is known here; which of them is not told."""

    code, status = "unauthorized", 401


class NotFound(TalkwireError):
    """Unknown, or another owner's: both answer alike."""

    code, status = "not_found", 404


class Gone(TalkwireError):
    """It existed, and was deleted or has expired."""

    code, status = "gone", 410


class Forbidden(TalkwireError):
    """The caller may not do this."""

    code, status = "forbidden", 403


class Conflict(TalkwireError):
    """The state of the thing does not allow it now."""

    code, status = "conflict", 409


class Busy(Conflict):
    """The session has a running turn and no room to wait behind it."""

    code, retryable = "turn_in_progress", True

    def __init__(self, message: str, *, turn_id: str) -> None:
        super().__init__(message)
        self.turn_id = turn_id


class AlreadyDecided(Conflict):
    """The call was approved or refused before; `turn_id` is the turn that has carried on."""

    code = "approval_already_decided"

    def __init__(self, message: str, *, turn_id: str) -> None:
        super().__init__(message)
        self.turn_id = turn_id


class IdempotencyMismatch(Conflict):
    """The same Idempotency-Key came with another body."""

    code = "idempotency_mismatch"


class RateLimited(TalkwireError):
    """Too much was asked for of late; `retry_after_s` says when to ask again."""

    code, status, retryable = "rate_limited", 429, True

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = max(1, math.ceil(retry_after_s))


class BudgetExceeded(TalkwireError):
    """A budget is used up; `retry_after_s` says when the next one begins. There is none after a
    budget for all time: then waiting does not help, and the status is 403.
    """

    code, status = "budget_exceeded", 429

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = None if retry_after_s is None else max(1, math.ceil(retry_after_s))
        if retry_after_s is None:
            self.status = 403


class Unavailable(TalkwireError):
    """Not now; `retry_after_s` says when to ask again."""

    code, status, retryable = "unavailable", 503, True
    retry_after_s = 2


class Draining(Unavailable):
    """The server is shutting down and starts no new turns."""

    code = "draining"


class StorageUnavailable(Unavailable):
    """The database does not answer or cannot store."""

    code = "storage_unavailable"


class Fenced(TalkwireError):
    """Another process has taken this node's turns over; nothing more may be stored here."""

    code, status, retryable = "worker_lost", 503, True


class SpeechError(TalkwireError):
    """The voice service failed."""

    code, status, retryable = "speech_failed", 502, True


class HearingError(TalkwireError):
    """The service that turns speech into text failed."""

    code, status, retryable = "hearing_failed", 502, True


class ModelError(TalkwireError):
    """The model could not answer. `before_output` errors that are retryable are asked again."""

    code, status = "upstream_error", 502
    retry_after_s: float | None = None


class UpstreamUnavailable(ModelError):
    """Refused, reset, unresolvable or 5xx."""

    code, retryable = "upstream_unavailable", True


class UpstreamTimeout(ModelError):
    """Too long: connecting, to the first token, between tokens, or in all."""

    code, status, retryable = "upstream_timeout", 504, True


class UpstreamRateLimited(ModelError):
    """429 upstream."""

    code, status, retryable = "upstream_rate_limited", 429, True


class UpstreamAuth(ModelError):
    """401 or 403 upstream: the configured key is not accepted."""

    code = "upstream_auth"


class UpstreamNotFound(ModelError):
    """404 upstream: no such model or path."""

    code = "upstream_not_found"


class UpstreamRejected(ModelError):
    """400, 413, 422 and the like upstream: the request is not acceptable to the model."""

    code = "upstream_rejected"


class UpstreamInvalid(ModelError):
    """The upstream's answer is not the protocol it should speak."""

    code = "upstream_invalid"


class UpstreamIncomplete(ModelError):
    """The stream ended without saying that it was finished."""

    code, retryable = "upstream_incomplete", True
