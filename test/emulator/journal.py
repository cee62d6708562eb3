"""What was asked of the emulator: one entry for each API request, and counters.

Control requests never come here.  Entries are kept for the control interface and, if a file was given,
appended to it as one JSON line each.
"""

import json
import re
import time

#: What a form may have that no log may.
_SECRET = re.compile(r"(?<=WebIdentityToken=)[^&]+")


class Journal:
    def __init__(self, path=None):
        self._file = open(path, "a", encoding="utf-8", buffering=1) if path else None
        self._connections_ever = 0
        self.in_flight = 0
        self.clear()

    def clear(self):
        """Forgets the entries, and restarts the counters and the clock; requests in flight and connections stay
        numbered."""
        self.entries = []
        self._cleared_at = time.monotonic()
        self.peak_in_flight = self.in_flight
        self.connections = 0

    def new_connection(self):
        """Numbers a connection that makes its first API request."""
        self._connections_ever += 1
        self.connections += 1
        return self._connections_ever

    def begin(self, operation, request, connection):
        """Records a request's arrival; the entry's outcome is to be set by record()."""
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        entry = {"seq": len(self.entries) + 1, "operation": operation, "method": request.method,
                 "target": request.target, "connection": connection, "in_flight": self.in_flight,
                 "seconds": round(time.monotonic() - self._cleared_at, 6)}
        attempt = request.header("amz-sdk-request")
        if attempt is not None:
            entry["attempt"] = attempt
        if request.body:
            entry["body"] = _SECRET.sub("REDACTED", request.body.decode("utf-8", "replace"))
        content_type = request.header("content-type")
        if content_type is not None:
            entry["content_type"] = content_type
        self.entries.append(entry)
        return entry

    def record(self, entry, **outcome):
        """Completes an entry, before the answer goes out."""
        entry.update(outcome)
        if self._file:
            self._file.write(json.dumps(entry) + "\n")

    def end(self):
        self.in_flight -= 1

    def stats(self):
        operations = {}
        for entry in self.entries:
            operations[entry["operation"]] = operations.get(entry["operation"], 0) + 1
        return {"requests": len(self.entries), "operations": operations,
                "throttled": sum(entry.get("throttled", False) for entry in self.entries),
                "without_token": sum(entry.get("without_token", False) for entry in self.entries),
                "in_flight": self.in_flight, "peak_in_flight": self.peak_in_flight,
                "connections": self.connections, "connections_used": len({entry["connection"] for entry in self.entries})}
