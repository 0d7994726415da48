"""Opens a log in wandb's terminal viewer, whose reader is the one that uploads, and looks for curves: python leet.py WANDB LOG"""

import os
import pty
import re
import select
import struct
import fcntl
import sys
import termios
import time

wandb, log = sys.argv[1], sys.argv[2]
child, terminal = pty.fork()
if child == 0:
    os.environ["TERM"] = "xterm-256color"
    os.execv(wandb, [wandb, "beta", "leet", "run", log])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
screen, end = b"", time.monotonic() + 30
while time.monotonic() < end:
    if select.select([terminal], [], [], 0.5)[0]:
        try:
            screen += os.read(terminal, 65536)
        except OSError:
            break
        # A terminal that is asked for its colours and its cursor answers.
        if b"\x1b]11;?" in screen[-65536:]:
            os.write(terminal, b"\x1b]11;rgb:0000/0000/0000\x1b\\")
        if b"\x1b[6n" in screen[-65536:]:
            os.write(terminal, b"\x1b[1;1R")
    if b"completions" in screen:
        break
os.kill(child, 9)
text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)", b"", screen).decode(errors="replace")
names = sorted(set(re.findall(r"(?:completions|eval|clip_ratio|grad_norm|accuracy)[\w/]*", text)))
assert names, text[-2000:]
print("wandb beta leet: draws", ", ".join(names[:5]))
