"""Whether somebody speaks, by loudness alone.

Speech comes and goes several times a second. Silence, hum and hiss stay as loud as they are: no
stretch of them stands out from the rest, however loud they are.
"""

from __future__ import annotations

from talkwire.canon.hearing import RATE

_FRAME = RATE * 30 // 1000
_LOUDEST = 32_768.0
_ABOVE_DB = 8.0  # a voice stands out so much from the quiet between its words
_QUIETEST_DB = -52.0  # below it nothing is a voice, whatever it stands out from
_FLOOR_SHARE = 0.1  # so much of a recording is quiet, if only between words
_SHORTEST_FRAMES = 4  # 120 ms: the shortest word


def speaks(samples: bytes) -> bool:
    """Whether these 16 bit samples hold a voice. Takes a while: not for the event loop."""
    import numpy as np

    count = len(samples) // 2 // _FRAME
    if count < _SHORTEST_FRAMES:
        return False
    frames = np.frombuffer(samples, dtype="<i2", count=count * _FRAME).reshape(count, _FRAME)
    power = np.empty(count, dtype=np.float64)
    for start in range(0, count, 4096):  # a piece at a time: as floats it is four times as large
        piece = frames[start : start + 4096].astype(np.float32) / _LOUDEST
        piece -= piece.mean(axis=1, keepdims=True)  # a constant offset is no sound
        power[start : start + 4096] = np.mean(piece * piece, axis=1)
    loudness = 10.0 * np.log10(power + 1e-10)
    floor = float(np.quantile(loudness, _FLOOR_SHARE))
    loud = loudness > max(floor + _ABOVE_DB, _QUIETEST_DB)
    return int(loud.sum()) >= _SHORTEST_FRAMES
