"""Reading a line from a socket, in time and without losing one that came while the loop was busy."""

import asyncio
import contextlib
import socket


async def read_line(stream: socket.socket, seconds: float) -> bytes:
    """The next line; what does not end in a newline is what came before the other end closed.

    A line that came while the loop was busy counts, however late it is read. Raises TimeoutError.
    """
    loop = asyncio.get_running_loop()
    came: asyncio.Future[None] = loop.create_future()
    data = bytearray()

    def read() -> None:
        with contextlib.suppress(BlockingIOError, InterruptedError):
            try:
                part = stream.recv(1 << 16)
            except ConnectionError:
                part = b""
            data.extend(part)
            if (not part or part.endswith(b"\n")) and not came.done():
                came.set_result(None)

    loop.add_reader(stream, read)
    try:
        await asyncio.wait([came], timeout=seconds)
        if not came.done():
            read()
    finally:
        loop.remove_reader(stream)
    if not came.done() and not data.endswith(b"\n"):
        raise TimeoutError
    return bytes(data)
