"""An HTTP/1.1 server connection on asyncio: reads requests, keeps connections alive, writes responses.

A request goes to a handler, which answers through the connection at once or returns a task that will.
The task is cancelled the moment the client goes away, so nothing lingers for a client that gave up.
What requests mean is not known here.
"""

import asyncio
import socket
import struct
from http import HTTPStatus

MAX_HEAD = 256 * 1024
MAX_BODY = 256 * 1024 * 1024
MAX_UNSENT = 256 * 1024
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Request:
    """A received request.  Header names are lower case; target, path and query are as sent."""

    def __init__(self, method, target, headers, body=b""):
        self.method = method
        self.target = target
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self.body = body

    @classmethod
    def parse(cls, head):
        """From the bytes before the empty line; ValueError if they are no HTTP/1.1 request."""
        request_line, *lines = head.decode("latin-1").split("\r\n")
        method, target, version = request_line.split(" ")
        if version != "HTTP/1.1" or not target.startswith("/"):
            raise ValueError(request_line)
        headers = []
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon:
                raise ValueError(line)
            headers.append((name.lower(), value.strip()))
        return cls(method, target, headers)

    def header(self, name):
        return next((value for header, value in self.headers if header == name), None)


class Response:
    """Status, headers and body; Content-Length is added on the way out."""

    def __init__(self, status, body=b"", headers=()):
        self.status = status
        self.body = body
        self.headers = list(headers)

    def head(self, length_header=None):
        """The bytes before the body; `length_header` replaces the Content-Length line."""
        lines = [f"HTTP/1.1 {self.status} {_PHRASES.get(self.status, 'Status')}",
                 *(f"{name}: {value}" for name, value in self.headers),
                 length_header or f"Content-Length: {len(self.body)}", "", ""]
        return "\r\n".join(lines).encode("latin-1")


class Connection(asyncio.Protocol):
    """One client.  Requests are taken one after another; a pipelined one waits for its turn."""

    def __init__(self, handle):
        self._handle = handle
        self._transport = None
        self._received = bytearray()
        self._task = None
        self.number = None    # given by the handler with the first request that counts

    # asyncio.Protocol

    def connection_made(self, transport):
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data):
        self._received += data
        self._serve()

    def connection_lost(self, exc):
        if self._task is not None:
            self._task.cancel()

    # Requests

    def _serve(self):
        while self._task is None and not self._transport.is_closing():
            try:
                request = self._next_request()
            except ValueError:
                self.send(Response(400, b"Bad Request"), close=True)
                return
            if request is None:
                return
            self._task = self._handle(request, self)
            if self._task is not None:
                self._task.add_done_callback(self._answered)

    def _answered(self, task):
        self._task = None
        if not task.cancelled() and task.exception() is not None:
            self._transport.abort()
            raise task.exception()
        self._serve()

    def _next_request(self):
        """Takes a complete request out of what was received, or None; ValueError if it is none of HTTP."""
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            if len(self._received) > MAX_HEAD:
                raise ValueError("head too long")
            return None
        request = Request.parse(bytes(self._received[:end]))
        if request.header("transfer-encoding") is not None:
            raise ValueError("no chunked requests here")
        length = int(request.header("content-length") or 0)
        if not 0 <= length <= MAX_BODY:
            raise ValueError("body too long")
        if len(self._received) < end + 4 + length:
            return None
        request.body = bytes(self._received[end + 4:end + 4 + length])
        del self._received[:end + 4 + length]
        return request

    # Answers

    def send(self, response, close=False):
        self.write(response.head() + response.body)
        if close:
            self.close()

    def write(self, data):
        self._transport.write(data)

    async def write_slowly(self, data):
        """Writes no faster than the client reads."""
        self.write(data)
        while self._transport.get_write_buffer_size() > MAX_UNSENT:
            await asyncio.sleep(0.01)

    def close(self):
        """Closes once everything written is on its way."""
        self._transport.close()

    def reset(self):
        """Closes at once, with a TCP reset."""
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()
