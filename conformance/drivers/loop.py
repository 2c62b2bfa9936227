"""A Python integration in a process of its own: `python -m conformance.drivers.loop module:callable`.

One JSON object a line in, one out; what the integration prints goes to stderr, for stdout is the protocol.
"""

from __future__ import annotations

import json
import logging
import sys

from conformance.drivers.python import callable_of


def main(spec: str) -> None:
    """Answers line by line until `bye` or the end of stdin."""
    handle = callable_of(spec)
    answers, sys.stdout = sys.stdout, sys.stderr
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("op") == "bye":
            return
        answers.write(json.dumps(handle(message), ensure_ascii=False, default=str) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(sys.argv[1])
