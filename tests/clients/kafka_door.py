"""A door in front of a broker that knows no locks: TLS, and SASL PLAIN or SCRAM.

It speaks the two requests of SASL itself, tells clients that they exist, and hands everything else to the
broker behind it; the broker's address in its answers becomes the door's.
"""

import base64
import hashlib
import hmac
import os
import socket
import ssl
import struct
import threading

API_VERSIONS, HANDSHAKE, AUTHENTICATE = 18, 17, 36


class Door:
    """Listens on a port; `mechanism` is none for an open door."""

    def __init__(self, broker, mechanism=None, user="me", password="secret", tls=None):
        self.broker, self.mechanism, self.user, self.password, self.tls = broker, mechanism, user, password, tls
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.let_in = 0
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            if self.tls:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(*self.tls)
                client = context.wrap_socket(client, server_side=True)
            broker = socket.create_connection(self.broker)
            inside = self.mechanism is None
            scram = None
            while True:
                request = frame(client)
                key, version, correlation = struct.unpack(">hhi", request[:8])
                if key == HANDSHAKE:
                    name = self.mechanism.encode()
                    send(client, struct.pack(">ihih", correlation, 0, 1, len(name)) + name)
                elif key == AUTHENTICATE:
                    _, token = header(request, version)
                    answer, inside, scram = self.authenticate(token, scram)
                    send(client, authenticated(correlation, version, answer))
                    self.let_in += inside
                else:
                    assert inside or key == API_VERSIONS, f"request {key} before the password"
                    send(broker, request)
                    answer = frame(broker)
                    if key == API_VERSIONS:
                        answer = more_versions(answer, version)
                    host = self.broker[0].encode()
                    old, new = (host + struct.pack(">i", p) for p in (self.broker[1], self.port))
                    send(client, answer.replace(old, new))
        except (OSError, EOFError, ssl.SSLError):
            client.close()

    def authenticate(self, token, scram):
        """The answer (none: refused), whether the client is in, what SCRAM goes on with."""
        if self.mechanism == "PLAIN":
            _, user, password = token.split(b"\0")
            good = (user, password) == (self.user.encode(), self.password.encode())
            return (b"" if good else None), good, None
        hash_name = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}[self.mechanism]
        if scram is None:
            bare = token[3:]
            nonce = dict(p.split(b"=", 1) for p in bare.split(b","))[b"r"] + base64.b64encode(os.urandom(12))
            salt = os.urandom(16)
            first = b"r=" + nonce + b",s=" + base64.b64encode(salt) + b",i=4096"
            return first, False, (bare, first, salt)
        bare, first, salt = scram
        without_proof, proof = token.rsplit(b",p=", 1)
        salted = hashlib.pbkdf2_hmac(hash_name, self.password.encode(), salt, 4096)
        sign = lambda key, text: hmac.new(key, text, hash_name).digest()
        client_key = sign(salted, b"Client Key")
        text = bare + b"," + first + b"," + without_proof
        expected = bytes(a ^ b for a, b in zip(client_key, sign(hashlib.new(hash_name, client_key).digest(), text)))
        if base64.b64decode(proof) != expected:
            return None, False, None
        return b"v=" + base64.b64encode(sign(sign(salted, b"Server Key"), text)), True, None


def frame(stream):
    def exactly(n):
        out = b""
        while len(out) < n:
            more = stream.recv(n - len(out))
            if not more:
                raise EOFError
            out += more
        return out

    return exactly(struct.unpack(">i", exactly(4))[0])


def send(stream, body):
    stream.sendall(struct.pack(">i", len(body)) + body)


def header(request, version):
    """The token of an authentication: versions from 2 on have compact lengths and tags."""
    at = 8
    length = struct.unpack(">h", request[at:at + 2])[0]
    at += 2 + max(length, 0)
    if version < 2:
        length = struct.unpack(">i", request[at:at + 4])[0]
        return at, request[at + 4:at + 4 + length]
    length, at = varint(request, at + 1)
    return at, request[at:at + length - 1]


def varint(data, at):
    out = shift = 0
    while True:
        b = data[at]
        out |= (b & 127) << shift
        at, shift = at + 1, shift + 7
        if b < 128:
            return out, at


def compact(data):
    n, out = len(data) + 1, b""
    while n >= 128:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n]) + data


def authenticated(correlation, version, answer):
    error, answer = (58, b"") if answer is None else (0, answer)
    message = b"wrong password" if error else b""
    if version >= 2:
        return struct.pack(">ibh", correlation, 0, error) + compact(message) + compact(answer) + struct.pack(">qb", 0, 0)
    out = struct.pack(">ihh", correlation, error, len(message)) + message + struct.pack(">i", len(answer)) + answer
    return out + (struct.pack(">q", 0) if version == 1 else b"")


def more_versions(answer, version):
    """The broker's list of requests with those of SASL."""
    ours = [(HANDSHAKE, 1, 1), (AUTHENTICATE, 0, 1)]
    if version < 3:
        count = struct.unpack(">i", answer[6:10])[0]
        end = 10 + 6 * count
        more = b"".join(struct.pack(">hhh", *o) for o in ours)
        return answer[:6] + struct.pack(">i", count + len(ours)) + answer[10:end] + more + answer[end:]
    count, at = varint(answer, 6)
    end = at + 7 * (count - 1)
    more = b"".join(struct.pack(">hhhb", *o, 0) for o in ours)
    assert count + len(ours) < 128
    return answer[:6] + bytes([count + len(ours)]) + answer[at:end] + more + answer[end:]
