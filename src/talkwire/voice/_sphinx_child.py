"""The program that listens without a service: a WAV of 16 kHz on stdin, what was said on stdout.

It is a process of its own, since its model takes a while to load and its work cannot be stopped
in a thread. It imports nothing of the package.
"""

from __future__ import annotations

import sys

OK, MISSING = 0, 5
_HEAD_BYTES = 44  # of a WAV as `decoding.wav` writes it
_RATE = 16_000


def main() -> int:
    """The exit status."""
    try:
        import pocketsphinx
    except ImportError:
        return MISSING
    samples = sys.stdin.buffer.read()[_HEAD_BYTES:]
    decoder = pocketsphinx.Decoder(samprate=_RATE, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(samples, full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    sys.stdout.buffer.write((found.hypstr if found else "").encode())
    return OK


if __name__ == "__main__":
    sys.exit(main())
