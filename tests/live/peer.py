"""What runs on the hosts of a live test: servers and clients whose streams are checked byte for byte.

    peer.py serve PORT [ADDRESS]                     answers transfers until it is ended; prints "ready"
    peer.py record PORT FILE                         an HTTP server that writes down every byte that it read
    peer.py attack-at-end ADDRESS PORT BYTES SECONDS fails if the attack behind so many bytes is answered
    peer.py transfer ADDRESS PORT COUNT BYTES [SECONDS]  COUNT connections at once, half of them up, half down, paced so
                                                     that each takes about SECONDS; fails unless every hash is right
"""
import asyncio
import hashlib
import random
import sys
import time

CHUNK = 16384


def content(seed, size):
    return random.Random(seed).randbytes(size)


async def send(writer, data, seconds=0.0):
    loop = asyncio.get_running_loop()
    start = loop.time()
    for at in range(0, len(data), CHUNK):
        if seconds:
            await asyncio.sleep(max(0.0, start + seconds * at / len(data) - loop.time()))
        writer.write(data[at:at + CHUNK])
        await writer.drain()


# One line says what: "down SEED SIZE SECONDS" or "up SEED SIZE".
async def answer(reader, writer):
    words = (await reader.readline()).decode().split()
    if words[0] == "down":
        await send(writer, content(int(words[1]), int(words[2])), float(words[3]))
    else:
        received = await reader.readexactly(int(words[2]))
        writer.write(hashlib.sha256(received).hexdigest().encode() + b"\n")
    await writer.drain()
    writer.close()


async def serve(port, address="0.0.0.0"):
    server = await asyncio.start_server(answer, address, int(port), backlog=256, limit=1 << 20)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


async def record(port, path):
    with open(path, "ab", buffering=0) as file:
        async def note(reader, writer):
            try:
                while data := await reader.read(65536):
                    file.write(data)
                    if b"\r\n\r\n" in data:
                        writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
                        await writer.drain()
                        break
            except ConnectionError:
                pass
            writer.close()

        server = await asyncio.start_server(note, "0.0.0.0", int(port))
        print("ready", flush=True)
        async with server:
            await server.serve_forever()


async def one(address, port, seed, size, seconds):
    reader, writer = await asyncio.open_connection(address, port, limit=1 << 20)
    data = content(seed, size)
    if seed % 2:
        writer.write(f"down {seed} {size} {seconds}\n".encode())
        good = await reader.readexactly(size) == data
    else:
        writer.write(f"up {seed} {size}\n".encode())
        await send(writer, data, seconds)
        good = (await reader.readline()).decode().strip() == hashlib.sha256(data).hexdigest()
    rest = await reader.read()
    writer.close()
    return good and rest == b""


async def transfer(address, port, count, size, seconds="0"):
    jobs = [one(address, int(port), seed, int(size), float(seconds)) for seed in range(int(count))]
    results = await asyncio.gather(*jobs, return_exceptions=True)
    bad = [f"{seed}: {result}" for seed, result in enumerate(results) if result is not True]
    print("\n".join(bad) if bad else f"{count} transfers whole", flush=True)
    return 1 if bad else 0


# Says so for everything that it reads, on COUNT ports from FIRST on; with a folder it writes down there, a file each
# port, what it read before it says so.
async def confirm(first, count="1", folder=None):
    def at(port):
        file = open(f"{folder}/{port}", "wb", buffering=0) if folder else None

        async def each(reader, writer):
            try:
                while data := await reader.read(65536):
                    if file:
                        file.write(data)
                    writer.write(b"ok\n")
                    await writer.drain()
            except ConnectionError:
                pass
            writer.close()
        return each

    for port in range(int(first), int(first) + int(count)):
        await asyncio.start_server(at(port), "0.0.0.0", port, backlog=256)
    print("ready", flush=True)
    await asyncio.Event().wait()


# Connections to confirm(), as lines of standard input say: "open NAME PORT", answered by the own port; "send NAME
# TEXT", answered when it has arrived; "tell NAME TEXT", answered at once; "close NAME".
async def talk(address):
    open_now = {}
    while words := (await asyncio.to_thread(sys.stdin.readline)).split():
        if words[0] == "open":
            open_now[words[1]] = await asyncio.open_connection(address, int(words[2]))
            print(open_now[words[1]][1].get_extra_info("sockname")[1], flush=True)
            continue
        reader, writer = open_now[words[1]]
        if words[0] == "send":
            writer.write(words[2].encode())
            print((await asyncio.wait_for(reader.readline(), 20)).decode().strip(), flush=True)
        elif words[0] == "tell":
            writer.write(words[2].encode())
            await writer.drain()
            print("told", flush=True)
        else:
            writer.close()
            del open_now[words[1]]
            print("closed", flush=True)
    return 0


# One small question after the other to confirm(), each so many seconds behind the one before, until standard input
# ends. Prints when each was asked (the system's monotonic clock) and how long its answer took, in seconds.
async def pace(address, port, interval):
    reader, writer = await asyncio.open_connection(address, int(port))
    end = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    asked, told = time.monotonic(), []
    while not end.done():
        asked = max(time.monotonic(), asked + float(interval))
        await asyncio.sleep(asked - time.monotonic())
        start = time.monotonic()
        writer.write(b"question")
        await asyncio.wait_for(reader.readline(), 20)
        told.append(f"{start} {time.monotonic() - start}")
    print("\n".join(told), flush=True)
    return 0


# A long upload that ends in the signature; it must not be answered.
async def attack_at_end(address, port, size, seconds):
    reader, writer = await asyncio.open_connection(address, int(port))
    await send(writer, b"x" * int(size), float(seconds))
    writer.write(b"ATTACK-SIGNATURE\r\n\r\n")
    try:
        answer = await asyncio.wait_for(reader.read(100), 5)
    except (ConnectionError, TimeoutError):
        answer = b""
    print("stopped" if answer == b"" else f"answered: {answer}", flush=True)
    return 1 if answer else 0


if __name__ == "__main__":
    commands = {"serve": serve, "record": record, "attack-at-end": attack_at_end, "transfer": transfer, "confirm": confirm,
                "talk": talk, "pace": pace}
    sys.exit(asyncio.run(commands[sys.argv[1]](*sys.argv[2:])))
