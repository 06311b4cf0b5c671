"""Runs a command in processes of its own and writes down what they used. A program by itself: `usage` starts it.

In: `child.py RESULT COPIES WORD…`. Out: JSON in the file RESULT: the wall time, and for each copy of the command its
exit code, CPU time (user and system, with the processes it waited for) and peak memory. Each copy finds its number in
BENCH_COPY. Effects: the command's own.

It imports next to nothing, because the kernel counts the memory of whoever starts a process as the process's own until
it has become the other program: started from a large one, every small program would look large.
https://man7.org/linux/man-pages/man2/getrusage.2.html
"""

import os
import sys
from time import perf_counter


def main(result: str, copies: int, words: list[str]) -> None:
    """Run the copies at once and write down what each one used."""
    started = perf_counter()
    pids = []
    for number in range(copies):
        pid = os.fork()
        if pid == 0:
            os.environ["BENCH_COPY"] = str(number)
            os.execvp(words[0], words)
        pids.append(pid)
    used = []
    for _ in pids:
        _, status, usage = os.wait4(-1, 0)
        peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        cpu_s = usage.ru_utime + usage.ru_stime
        code = os.waitstatus_to_exitcode(status)
        used.append(f'{{"code": {code}, "cpu_s": {cpu_s:.6f}, "peak_bytes": {peak_bytes}}}')
    wall_s = perf_counter() - started
    with open(result, "w") as file:  # noqa: PTH123 - pathlib would be most of this process
        file.write(f'{{"wall_s": {wall_s:.6f}, "copies": [{", ".join(used)}]}}')


main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
