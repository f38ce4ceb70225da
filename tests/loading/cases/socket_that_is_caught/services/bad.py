import socket

try:
    socket.socket().connect(("127.0.0.1", 1))
except BaseException:
    pass
