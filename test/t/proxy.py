#!/usr/bin/python3
"""An HTTP proxy for tests: tunnels (CONNECT) and absolute URLs, with or without a password.

    proxy.py READY [--user NAME:PASSWORD] [--tls CERTIFICATE KEY]

Writes its URL into the file READY.  Whatever name is asked for, it connects to loopback, at the port that
was asked for.  It is controlled over its own port: GET /_proxy/log gives a line for each request that it has
had, "METHOD TARGET STATUS", and forgets them; GET /_proxy/fault/WORD lets each CONNECT fail from then on: a
status, "hang", "close", "garbage", "endless" (a header without an end), "silent" (a tunnel that nothing
comes out of), or "none"; "quote" and "quote-plain" let each GET fail, with an error of AWS's that quotes the
password as it was sent, or decoded.  GET /_proxy/headers gives all header lines of the last CONNECT.
"""

import argparse
import base64
import json
import select
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit


class Proxy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, password):
        super().__init__(("127.0.0.1", 0), Handler)
        self.password = password
        self.lock = threading.Lock()
        self.log = []
        self.fault = "none"
        self.headers = ""

    def handle_error(self, request, client_address):
        pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self, status):
        with self.server.lock:
            self.server.log.append(f"{self.command} {self.path} {status}")

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def is_let_in(self):
        password = self.server.password
        given = self.headers.get("Proxy-Authorization")
        return password is None or given == "Basic " + base64.b64encode(password.encode()).decode()

    def refuse(self, status):
        self.note(status)
        # a proxy that quotes what it was sent
        quoted = str(self.headers.get("Proxy-Authorization")).encode()
        self.answer(status, quoted, Proxy_Authenticate="Basic realm=\"test\"", X_Quoted=quoted.decode())

    # ---------------------------------------------------------------- tunnels

    def do_CONNECT(self):
        self.server.headers = str(self.headers)
        fault = self.server.fault
        if not self.is_let_in():
            self.refuse(407)
        elif fault.isdigit():
            self.refuse(int(fault))
        elif fault == "none" or fault == "silent":
            self.tunnel(fault == "silent")
        else:
            self.fail(fault)

    def fail(self, fault):
        self.note(fault)
        self.close_connection = True
        if fault == "garbage":
            self.wfile.write(b"\x00\x01 Proxy-Authorization: " + str(self.headers).encode() + b"\r\n\r\n")
        elif fault == "endless":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while True:
                self.wfile.write(b"X-More: and more\r\n" * 1000)
        elif fault == "hang":
            # until the other side gives up
            self.connection.recv(1)

    def tunnel(self, silent):
        port = int(self.path.rpartition(":")[2])
        self.close_connection = True
        with socket.create_connection(("127.0.0.1", port)) as target:
            self.note(200)
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            if silent:
                self.connection.recv(1)
                self.connection.recv(100000)
                return
            self.forward(target)

    def forward(self, target):
        ends = {self.connection: target, target: self.connection}
        while True:
            pending = getattr(self.connection, "pending", lambda: 0)()
            ready = [self.connection] if pending else select.select(list(ends), [], [])[0]
            for end in ready:
                data = end.recv(65536)
                if not data:
                    return
                ends[end].sendall(data)

    # ---------------------------------------------------------------- absolute URLs, and control

    def do_GET(self):
        if self.path.startswith("/_proxy/"):
            self.control(self.path.split("/")[2:])
        elif not self.is_let_in():
            self.refuse(407)
        elif self.server.fault.startswith("quote"):
            self.quote(self.server.fault == "quote-plain")
        else:
            self.pass_on()

    def quote(self, plain):
        token = self.headers["Proxy-Authorization"]
        text = base64.b64decode(token.split()[1]).decode() if plain else token
        self.note(500)
        self.answer(500, json.dumps({"code": "InternalServerException", "message": text}).encode())

    def pass_on(self):
        url = urlsplit(self.path)
        target = url.path + ("?" + url.query if url.query else "")
        lines = [f"{self.command} {target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.headers.items() if not name.startswith("Proxy-")]
        with socket.create_connection(("127.0.0.1", url.port)) as server:
            server.sendall("\r\n".join(lines + ["Connection: close", "", ""]).encode())
            answer = b"".join(iter(lambda: server.recv(65536), b""))
        self.note(answer.split()[1].decode())
        self.close_connection = True
        self.wfile.write(answer)

    def control(self, words):
        server = self.server
        if words[0] == "fault":
            server.fault = words[1]
            self.answer(200)
        elif words[0] == "headers":
            self.answer(200, server.headers.encode())
        else:
            with server.lock:
                log, server.log = server.log, []
            self.answer(200, "\n".join(log).encode())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ready", type=Path)
    parser.add_argument("--user")
    parser.add_argument("--tls", nargs=2)
    arguments = parser.parse_args()
    proxy = Proxy(arguments.user)
    scheme = "http"
    if arguments.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*arguments.tls)
        proxy.socket = context.wrap_socket(proxy.socket, server_side=True)
        scheme = "https"
    partial = arguments.ready.with_suffix(".partial")
    partial.write_text(f"{scheme}://127.0.0.1:{proxy.server_port}")
    partial.rename(arguments.ready)
    proxy.serve_forever()


if __name__ == "__main__":
    main()
