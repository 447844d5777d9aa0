"""Every benchmark in order, each with what its figures should be: `python -m bench`. Takes about ten minutes."""

from __future__ import annotations

from collections.abc import Callable

from bench import audio, endpointing, flood, flows, leg, load, moves, soak, start, wire

BENCHES: tuple[tuple[str, str, Callable[[], int | None]], ...] = (
    ("audio", "sound: what each step costs; `ratio` compares with audioop's plain converter", audio.main),
    ("wire", "messages: reading and writing them; `ratio` says how much faster than json and base64", wire.main),
    ("start", "first served call within 2.5 s of the process's start; `gateway validate` within 0.3 s", start.main),
    (
        "flows",
        "1,000 flow files (50,000 lines) within 10 s and 300 MB of one core, linear; one file 0.4 s; a line 20 us",
        flows.main,
    ),
    (
        "load",
        "40 calls on one core: up and down p50 <= 2 ms, p99 <= 10 ms; clear p99 <= 5 ms; <= 1 MB a call; no sound lost",
        lambda: load.main([]),
    ),
    (
        "endpointing",
        "speech in noise: on clean and steady lines nothing cut, missed or left open, no false start, onset <= 200 ms",
        endpointing.main,
    ),
    (
        "moves",
        "1,000 moves of a session to another connection: no frame lost or doubled, gap p99 <= 300 ms; losses <= 1 s",
        lambda: moves.main([]),
    ),
    (
        "leg",
        "the Live leg's own processor time beside the SDK's send and receive, on the same paced work: at most a fourth",
        lambda: leg.main([]),
    ),
    ("flood", "10,000 unsigned handshakes while 20 calls talk: all refused, no call suffers", flood.main),
    (
        "soak",
        "1,000 calls: memory grows by no more than 3 MB after the first 250, descriptors as before; then garbage",
        lambda: soak.main([]),
    ),
)


def main() -> int:
    """1 where a figure is not what it should be."""
    missed = []
    for name, should, run in BENCHES:
        print(f"\n== {name}: {should}\n", flush=True)
        if run():
            missed.append(name)
    print(f"\nnot as it should be: {', '.join(missed)}" if missed else "\nall as it should be")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
