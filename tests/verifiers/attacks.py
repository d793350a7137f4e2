"""Programs that want out, want more than they get, or want to be called correct.

Each defines `f`. Those that want out return "out" when they are; those that want to be called correct are asked for a
number that they cannot know. Names in capitals stand for what the test puts in: a port, a path, a secret's name.
"""

OUT = {
    "connects to a port of this machine": """
import socket
def f(x):
    socket.create_connection(("127.0.0.1", PORT), 1); return "out" """,
    "sends a datagram": """
import socket
def f(x):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b"x", ("127.0.0.1", PORT)); return "out" """,
    "opens a socket of the internet": """
import socket
def f(x):
    socket.socket(socket.AF_INET6, socket.SOCK_STREAM); return "out" """,
    "talks to an abstract socket of this machine": """
import socket
def f(x):
    s = socket.socket(socket.AF_UNIX); s.connect("\\0ABSTRACT"); return "out" """,
    "talks to the host of a virtual machine": """
import socket
def f(x):
    socket.socket(40, socket.SOCK_STREAM); return "out" """,
    "opens a raw socket": """
import socket
def f(x):
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW); return "out" """,
    "asks the kernel over netlink": """
import socket
def f(x):
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW); return "out" """,
    "looks up a name": """
import socket
def f(x):
    socket.getaddrinfo("localhost.localdomain", 80); socket.gethostbyname("example.org"); return "out" """,
    "reads the accounts": """
def f(x):
    open("/etc/passwd").read(); return "out" """,
    "reads the home": """
import os
def f(x):
    return "out" if set(os.listdir("HOMEFOLDER")) - {".pyenv", ".local"} else "in" """,
    "reads a file of the home": """
def f(x):
    open("CANARY").read(); return "out" """,
    "reads the project": """
def f(x):
    open("PROJECT/pyproject.toml").read(); return "out" """,
    "finds the project by walking": """
import os
def f(x):
    for folder, _, names in os.walk("/", followlinks=False):
        if "recoverability.yaml" in names or "pyproject.toml" in names: return "out" """,
    "reads installed packages": """
import os, sys
def f(x):
    for path in (sys.prefix, sys.base_prefix, "/usr/lib/python3"):
        for folder, _, names in os.walk(path):
            if folder.endswith(("site-packages", "dist-packages")) and os.listdir(folder): return "out" """,
    "imports relay": """
def f(x):
    import relay; return "out" """,
    "reads the environment": """
import os
def f(x):
    return "out" if "SECRETNAME" in os.environ else "in" """,
    "reads the environment of the process before it": """
def f(x):
    return "out" if open("/proc/1/environ").read() else "in" """,
    "reads the environment by ctypes": """
import ctypes
def f(x):
    get = ctypes.CDLL(None).getenv; get.restype = ctypes.c_char_p
    return "out" if get(b"SECRETNAME") else "in" """,
    "lists the processes": """
import os
def f(x):
    return "out" if [n for n in os.listdir("/proc") if n.isdigit()] else "in" """,
    "sees other processes by signals": """
import os
def f(x):
    for pid in range(3, 70000):
        if pid == os.getpid(): continue
        try: os.kill(pid, 0); return "out"
        except PermissionError: return "out"
        except ProcessLookupError: pass """,
    "writes into the root": """
def f(x):
    open("/x", "w").write("x"); return "out" """,
    "writes into Python's own library": """
import os
def f(x):
    open(os.path.join(os.path.dirname(os.__file__), "typing.py"), "a").write("#"); return "out" """,
    "writes beside what it is run by": """
def f(x):
    open("/relay/inside/tester.py", "a").write("#"); return "out" """,
    "writes into the folder of packages": """
import sysconfig
def f(x):
    open(sysconfig.get_path("purelib") + "/x.py", "w").write("x"); return "out" """,
    "writes into /dev": """
def f(x):
    open("/dev/x", "w").write("x" * 100); return "out" """,
    "writes into shared memory": """
def f(x):
    open("/dev/shm/x", "w").write("x" * 100); return "out" """,
    "follows a link out": """
import os
def f(x):
    os.symlink("CANARY", "/tmp/link"); open("/tmp/link").read(); return "out" """,
    "writes through a link": """
import os
def f(x):
    os.symlink("CANARY", "/tmp/link2"); open("/tmp/link2", "a").write("bad"); return "out" """,
    "climbs by dots": """
def f(x):
    open("/tmp/../../../../CANARY").read(); return "out" """,
    "makes a device": """
import os, stat
def f(x):
    os.mknod("/tmp/disk", 0o600 | stat.S_IFBLK, os.makedev(254, 0)); return "out" """,
    "opens the disk": """
import glob
def f(x):
    for name in ("/dev/vda", "/dev/sda", "/dev/mem", "/dev/kmsg", "/dev/tty"):
        try: open(name, "rb").read(1); return "out"
        except OSError: pass """,
    "mounts": """
import ctypes
def f(x):
    return "out" if ctypes.CDLL(None).mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0 else "in" """,
    "makes a namespace": """
import ctypes
def f(x):
    return "out" if ctypes.CDLL(None).unshare(0x10000000) == 0 else "in" """,
    "clones into a namespace": """
import ctypes
def f(x):
    libc = ctypes.CDLL(None)
    pid = libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0)
    if pid == 0: libc._exit(0)
    return "out" if pid > 0 else "in" """,
    "clones by its newest call": """
import ctypes, struct
def f(x):
    libc = ctypes.CDLL(None)
    arguments = ctypes.create_string_buffer(struct.pack("QQQQQQQQ", 0, 0, 0, 0, 17, 0, 0, 0))
    pid = libc.syscall(435, arguments, 64)
    if pid == 0: libc._exit(0)
    return "out" if pid > 0 else "in" """,
    "changes its root": """
import os
def f(x):
    os.chroot("/tmp"); return "out" """,
    "becomes root": """
import os
def f(x):
    os.setuid(0); return "out" """,
    "has rights": """
import ctypes
def f(x):
    libc = ctypes.CDLL(None)
    return "out" if any(libc.prctl(39, right, 0, 0, 0) == 1 or libc.prctl(23, right, 0, 0, 0) != 0
                        for right in (0, 1, 12, 19, 21)) and libc.prctl(39, 0, 0, 0, 0) == 0 else "in" """,
    "gains rights by a program": """
import ctypes
def f(x):
    return "out" if ctypes.CDLL(None).prctl(39, 0, 0, 0, 0) != 1 else "in" """,
    "traces a process": """
import ctypes
def f(x):
    return "out" if ctypes.CDLL(None).ptrace(16, 1, 0, 0) == 0 else "in" """,
    "traces itself": """
import ctypes
def f(x):
    return "out" if ctypes.CDLL(None).ptrace(0, 0, 0, 0) == 0 else "in" """,
    "reads the memory of another process": """
import ctypes
def f(x):
    libc = ctypes.CDLL(None)
    return "out" if libc.syscall(310, 1, 0, 0, 0, 0, 0) != -1 else "in" """,
    "forks": """
import os
def f(x):
    pid = os.fork()
    if pid == 0: os._exit(0)
    return "out" """,
    "starts a program": """
import subprocess
def f(x):
    subprocess.run(["/usr/bin/true"]); subprocess.run(["/bin/sh", "-c", "true"]); return "out" """,
    "starts a shell": """
import os
def f(x):
    return "out" if os.system("true") == 0 else "in" """,
    "takes more than its folder holds": """
def f(x):
    for n in range(40):
        open(f"/tmp/{n}", "wb").write(bytes(1 << 20))
    return "out" """,
    "takes more for one file": """
import signal
def f(x):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open("/tmp/a", "wb") as file:
        for _ in range(40): file.write(bytes(1 << 20))
    return "out" """,
    "takes more memory": """
def f(x):
    return "out" if len(bytearray(3 << 30)) else "in" """,
    "takes more memory in pieces": """
def f(x):
    held = [bytearray(1 << 24) for _ in range(200)]; return "out" """,
    "takes memory that no limit of its own counts": """
import ctypes
def f(x):
    libc = ctypes.CDLL(None)
    return "out" if libc.shmget(0, 1 << 30, 0o1600) >= 0 else "in" """,
    "raises its limits": """
import resource
def f(x):
    resource.setrlimit(resource.RLIMIT_AS, (-1, -1)); return "out" """,
    "raises its priority": """
import os
def f(x):
    os.setpriority(os.PRIO_PROCESS, 0, -10); return "out" """,
    "starts a thousand threads": """
import threading, time
def f(x):
    threading.stack_size(32768)
    for _ in range(1000): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    return "out" """,
    "sets the clock": """
import time
def f(x):
    time.clock_settime(time.CLOCK_REALTIME, 0); return "out" """,
    "loads into the kernel": """
import ctypes
def f(x):
    libc = ctypes.CDLL(None)
    return "out" if libc.syscall(321, 0, 0, 0) >= 0 or libc.syscall(425, 8, 0) >= 0 else "in" """,
    "opens a file by its handle": """
import ctypes
def f(x):
    libc = ctypes.CDLL(None, use_errno=True)
    return "out" if libc.syscall(304, -100, 0, 0) == -1 and ctypes.get_errno() not in (1, 38) else "in" """,
    "names the machine": """
import socket
def f(x):
    socket.sethostname("mine"); return "out" """,
    "kills the processes of this machine": """
import os
def f(x):
    os.kill(VICTIM, 9); return "out" """,
    "makes a file of memory": "import os\ndef f(x):\n    os.memfd_create('x'); return 'out'",
    "makes a secret file of memory": "import ctypes\ndef f(x): return 'out' if ctypes.CDLL(None).syscall(447,0)>=0 else 'in'",
    "takes memory by files of memory": "import os\ndef f(x):\n    fds=[os.memfd_create(str(n)) for n in range(40)]\n    for d in fds:\n        os.ftruncate(d, 15<<20); os.write(d,bytes(15<<20))\n    return 'out'",
    "asks for rings": "import ctypes\ndef f(x): return 'out' if ctypes.CDLL(None).syscall(425,8,ctypes.create_string_buffer(200))>=0 else 'in'",
    "handles page faults": "import ctypes\ndef f(x): return 'out' if ctypes.CDLL(None).syscall(323,1)>=0 else 'in'",
    "counts events": "import ctypes\ndef f(x): return 'out' if ctypes.CDLL(None).syscall(298,ctypes.create_string_buffer(200),0,-1,-1,0)>=0 else 'in'",
    "keeps keys": "import ctypes\ndef f(x):\n    l=ctypes.CDLL(None)\n    return 'out' if l.syscall(250,0,-3,1)>=0 or l.syscall(248,b'user',b'a',b'b',1,-3)>=0 else 'in'",
    "calls as 32 bits do": "import ctypes,mmap\ndef f(x):\n    m=mmap.mmap(-1,4096,prot=7)\n    m.write(bytes([0xb8,2,0,0,0,0xcd,0x80,0xc3]))\n    a=ctypes.addressof(ctypes.c_char.from_buffer(m))\n    pid=ctypes.CFUNCTYPE(ctypes.c_int)(a)()\n    return 'out' if pid>=0 else 'in'",
    "calls as x32 does": "import ctypes\ndef f(x): return 'out' if ctypes.CDLL(None).syscall(0x40000000+57)>=0 else 'in'",
    "waits at an abstract socket": "import socket\ndef f(x):\n    s=socket.socket(socket.AF_UNIX); s.bind('\\0mine'); c=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); c.connect('/run/systemd/journal/socket'); return 'out'",
    "types into the terminal": "import fcntl\ndef f(x):\n    fcntl.ioctl(0,0x5412,b'x'); return 'out'",
    "makes a terminal": "import os\ndef f(x):\n    os.openpty(); return 'out'",
    "reads through its own process": "import os\ndef f(x):\n    os.listdir('/proc/self/root'); return 'out'",
    "holds a folder open to climb": "import os\ndef f(x):\n    d=os.open('/',os.O_RDONLY); os.fchdir(d); os.chdir('../../..'); return 'out' if os.path.exists('PROJECT') else 'in'",
    "reads the system": "import os\ndef f(x): return 'out' if os.path.exists('/sys/kernel') or os.path.exists('/etc/hostname') or os.path.exists('/var/log') else 'in'",
    "opens many files": "import os\ndef f(x):\n    for n in range(100): os.open('/dev/null',0)\n    return 'out'",
    "makes a hard link of Python": "import os,sys\ndef f(x):\n    os.link(sys.executable,'/tmp/p'); return 'out'",
    "makes a program with rights": "import os,shutil,sys\ndef f(x):\n    shutil.copy('/usr/bin/true','/tmp/p'); os.chmod('/tmp/p',0o6755); return 'out'",
    "mounts by the newest calls": "import ctypes\ndef f(x):\n    l=ctypes.CDLL(None)\n    return 'out' if l.syscall(430,b'tmpfs',0)>=0 or l.syscall(428,-100,b'/',0)>=0 else 'in'",
    "changes its personality": "import ctypes\ndef f(x): return 'out' if ctypes.CDLL(None).personality(0x0040000)>=0 else 'in'",
    "locks memory": "import ctypes\ndef f(x):\n    b=ctypes.create_string_buffer(1<<20)\n    return 'out' if ctypes.CDLL(None).mlock(b,1<<20)==0 else 'in'",
    "queues messages": "import ctypes\ndef f(x): return 'out' if ctypes.CDLL(None).syscall(240,b'x',0o102,0o600,0)>=0 else 'in'",
    "asks for real time": "import os\ndef f(x):\n    os.sched_setscheduler(0,os.SCHED_FIFO,os.sched_param(1)); return 'out'",
    "dumps its core": "import os,resource\ndef f(x):\n    resource.setrlimit(resource.RLIMIT_CORE,(1,1)); return 'out'",
    "limits another": "import resource\ndef f(x):\n    resource.prlimit(1,resource.RLIMIT_NOFILE,(0,0)); return 'out'",
    "reads the kernel's log": "import ctypes\ndef f(x): return 'out' if ctypes.CDLL(None).klogctl(10,None,0)>=0 else 'in'",
    "watches files": "import ctypes\ndef f(x): return 'out' if ctypes.CDLL(None).syscall(300,0,0)>=0 else 'in'",
    "writes to a random device": "def f(x):\n    open('/dev/random','wb'); return 'out'",
    "renames over what it is run by": "import os\ndef f(x):\n    os.rename('/tmp','/relay/inside'); return 'out'",
    "moves the root": "import ctypes\ndef f(x): return 'out' if ctypes.CDLL(None).syscall(155,b'/tmp',b'/tmp')==0 else 'in'",
}

CORRECT = {
    "ends early": "import os\nos._exit(0)\ndef f(x): return 0",
    "ends early when it is called": "import os\ndef f(x): os._exit(0)",
    "leaves": "import sys\ndef f(x): sys.exit(0)",
    "leaves while it is loaded": "import sys\ndef f(x): return 0\nsys.exit(0)",
    "leaves by an exception of its own": "class Out(SystemExit): pass\ndef f(x): raise Out(0)",
    "interrupts": "def f(x): raise KeyboardInterrupt",
    "aborts": "import os\ndef f(x): os.abort()",
    "crashes": "import ctypes\ndef f(x): return ctypes.string_at(0)",
    "says passed": 'def f(x):\n    print(\'passed\\nOK\\n["correct", ""]\')\n    return 0',
    "says passed on the file itself": 'import os\ndef f(x):\n    os.write(1, b\'["correct",""]\\n\'); return 0',
    "says passed at its end": "import atexit\natexit.register(print, 'passed')\ndef f(x): return 0",
    "is equal to all": "class A:\n    def __eq__(self, o): return True\n    __hash__ = None\ndef f(x): return A()",
    "is a number equal to all": "class A(int):\n    def __eq__(self, o): return True\ndef f(x): return A(1)",
    "is a text equal to all": "class A(str):\n    def __eq__(self, o): return True\ndef f(x): return A('a')",
    "is a list equal to all": "class A(list):\n    def __eq__(self, o): return True\ndef f(x): return A([1])",
    "is a float equal to all": "class A(float):\n    def __eq__(self, o): return True\ndef f(x): return A(1)",
    "is a tuple equal to all": "class A(tuple):\n    def __eq__(self, o): return True\ndef f(x): return A((1,))",
    "is a dict equal to all": "class A(dict):\n    def __eq__(self, o): return True\ndef f(x): return A(a=1)",
    "is a set equal to all": "class A(set):\n    def __eq__(self, o): return True\ndef f(x): return A({1})",
    "is equal on the right": "class A(int):\n    def __eq__(self, o): return True\n    __req__ = __eq__\ndef f(x): return A()",
    "is anything": "from unittest.mock import ANY\ndef f(x): return ANY",
    "is a mock": "from unittest.mock import MagicMock\nf = MagicMock()\nf.return_value.__eq__ = lambda *a: True",
    "lies about its class": "class A:\n    @property\n    def __class__(self): return int\n"
    "    def __eq__(self, o): return True\ndef f(x): return A()",
    "has a class that lies": "class M(type):\n    def __instancecheck__(c, o): return True\n"
    "    def __eq__(c, o): return True\n    __hash__ = type.__hash__\nclass A(metaclass=M): pass\ndef f(x): return A",
    "is a number that is not one": "def f(x): return float('nan')",
    "pickles a command": "import os\nclass A:\n    def __reduce__(self): return os._exit, (0,)\ndef f(x): return A()",
    "patches equality of numbers": "import builtins\nclass T(int):\n    def __eq__(s, o): return True\n"
    "builtins.int = T\ndef f(x): return int(1)",
    "patches assertions": "import builtins\nclass E(Exception): pass\nbuiltins.AssertionError = E\ndef f(x): return 0",
    "patches all, any and abs": "import builtins\nfor n in ('all', 'any', 'abs', 'isinstance', 'len'):\n"
    "    setattr(builtins, n, lambda *a: True)\ndef f(x): return 0",
    "patches the tests' names": "def check(*a): pass\ndef candidate(x): return 0\ndef f(x): return 0\nSECRET = 0",
    "patches a module of the tests": "import math\nmath.isclose = lambda *a, **k: True\ndef f(x): return 0",
    "patches what reads it": "import json\njson.loads = lambda *a: {'value': None}\ndef f(x): return 0",
    "looks for the tests in frames": "import sys\ndef f(x):\n    frame = sys._getframe()\n    while frame:\n"
    "        for v in list(frame.f_locals.values()) + list(frame.f_globals.values()):\n"
    "            if isinstance(v, str) and 'assert' in v and 'SEC' in v: return int(v.split('== ')[1])\n"
    "        frame = frame.f_back\n    return 0",
    "looks for the tests in memory": "import gc\ndef f(x):\n    for o in gc.get_objects():\n"
    "        if isinstance(o, dict):\n            for v in list(o.values()):\n"
    "                if isinstance(v, str) and 'assert f' in v: return int(v.split('== ')[1])\n    return 0",
    "looks for the tests in files": "import os\ndef f(x):\n    for folder, _, names in os.walk('/tmp'):\n"
    "        for n in names:\n            t = open(os.path.join(folder, n)).read()\n"
    "            if 'assert' in t: return int(t.split('== ')[1])\n    return 0",
    "writes a reply of its own": "import os\ndef f(x):\n    for fd in range(3, 64):\n        try:\n"
    "            d = b'{\"outcome\":\"correct\"}'; os.write(fd, len(d).to_bytes(4, 'big') + d)\n"
    "        except OSError: pass\n    return 0",
    "writes a verdict": 'import os\ndef f(x):\n    for fd in range(3, 64):\n        try: os.write(fd, b\'["correct",""]\\n\')\n'
    "        except OSError: pass\n    return 0",
    "reads what it is asked": "import os\ndef f(x):\n    for fd in range(3, 64):\n        try:\n"
    "            os.set_blocking(fd, False); os.read(fd, 1 << 20)\n        except OSError: pass\n    return 0",
    "closes its socket": "import os\ndef f(x):\n    os.closerange(3, 64); return 0",
    "replies with noise": "import os\ndef f(x):\n    for fd in range(3, 64):\n        try: os.write(fd, b'\\xff' * 100)\n"
    "        except OSError: pass\n    return 0",
    "replies without an end": "import os\ndef f(x):\n    for fd in range(3, 64):\n        try:\n"
    "            os.write(fd, b'\\x7f\\xff\\xff\\xff')\n            while True: os.write(fd, b'[' * 65536)\n"
    "        except OSError: pass\n    return 0",
    "replies with a deep value": "def f(x):\n    v = []\n    for _ in range(100000): v = [v]\n    return v",
    "replies with itself": "def f(x):\n    v = []; v.append(v); return v",
    "replies with much": "def f(x): return 'x' * (1 << 28)",
    "replies with a great number": "def f(x): return 1 << (1 << 28)",
    "replies without an end of values": "import itertools\ndef f(x): return itertools.count()",
    "has an evil iterator": "class A:\n    def __iter__(self): return self\n    def __next__(self): return self\n"
    "def f(x): return A()",
    "is a mapping that never ends": "from collections.abc import Mapping\nclass A(Mapping):\n"
    "    def __len__(s): return 1\n    def __getitem__(s, k): return 1\n    def __iter__(s):\n"
    "        while True: yield 1\ndef f(x): return A()",
    "patches its own side": "import sys\nc = sys.modules['inside.candidate']\n"
    'c.Objects.told = lambda s, v: \'["h",0,"A"]\'\ndef f(x): return 0',
    "traces its own side": "import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)\ndef f(x): return 0",
    "names itself by lies": "__name__ = '__main__'\n__builtins__ = {}\ndef f(x): return 0",
    "has no function": "f = 5",
    "has the function deleted": "def f(x): return 0\ndel f",
    "shadows by a class": "class f:\n    def __new__(c, x): return object.__new__(c)\n    def __eq__(s, o): return True",
    "outlives the run with a thread": "import threading, os, time\ndef t():\n    while True:\n        time.sleep(.05)\n"
    '        for fd in range(3, 64):\n            try: os.write(fd, b\'["correct",""]\\n\')\n'
    "            except OSError: pass\nthreading.Thread(target=t).start()\ndef f(x): return 0",
    "raises what the tests wait for": "def f(x): raise AssertionError('correct')",
    "raises with a lying text": "class E(Exception):\n    def __str__(s): return 'correct' * 10**6\ndef f(x): raise E",
    "raises on being told": "class E(Exception):\n    def __str__(s): raise s\ndef f(x): raise E",
    "says control characters": "def f(x): raise ValueError('\\x1b[2J\\x00\\ud800' * 1000)",
    "has a name of 10 kB": "E = type('E' * 10000, (Exception,), {})\ndef f(x): raise E",
    "handles every signal": "import signal\nfor n in range(1, 65):\n    try: signal.signal(n, lambda *a: None)\n"
    "    except (OSError, ValueError): pass\ndef f(x): return 0",
    "kills its parent": "import os\ndef f(x): os.kill(os.getppid(), 9); return 0",
    "kills the first process": "import os\ndef f(x): os.kill(1, 9); return 0",
    "kills all": "import os\ndef f(x): os.kill(-1, 9); return 0",
    "kills itself": "import os\ndef f(x): os.kill(os.getpid(), 9)",
    "is no program": "def f(x) return 0",
    "holds NUL": "def f(x):\n    return 0\n\x00",
    "is deep": "def f(x):\n    return " + "(" * 5000 + "0" + ")" * 5000,
}

HANG = {
    "loops": "def f(x):\n    while True: pass",
    "loops while it is loaded": "while True: pass\ndef f(x): return 0",
    "sleeps": "import time\ndef f(x): time.sleep(1000)",
    "waits for input": "import sys\ndef f(x):\n    try: input()\n    except EOFError: pass\n    sys.stdin.read()\n    import time; time.sleep(1000)",
    "waits for a lock": "import threading\ndef f(x):\n    l = threading.Lock(); l.acquire(); l.acquire()",
    "computes in C": "def f(x): return sum(range(10**18))",
    "computes a great power": "def f(x): return 9 ** 9 ** 9",
    "matches for ever": "import re\ndef f(x): return re.match('(a+)+$', 'a' * 60 + 'b')",
    "bombs by forks": "import os\ndef f(x):\n    while True:\n        try: os.fork()\n        except OSError: pass",
    "bombs by threads": "import threading\ndef f(x):\n    def t():\n        while True: pass\n    while True:\n"
    "        try: threading.Thread(target=t).start()\n        except RuntimeError: pass",
    "prints for ever": "def f(x):\n    while True: print('x' * 10000)",
    "writes to its files for ever": "import os\ndef f(x):\n    while True: os.write(1, b'x' * 65536); os.write(2, b'x')",
    "fills the folder for ever": "def f(x):\n    n = 0\n    while True:\n        n += 1\n"
    "        try: open(f'/tmp/{n}', 'wb').write(bytes(1 << 16))\n        except OSError: pass",
    "ignores its end": "import signal\nfor n in (1, 2, 15, 14, 24):\n    signal.signal(n, signal.SIG_IGN)\n"
    "def f(x):\n    while True: pass",
    "catches everything": "def f(x):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass",
    "eats and catches": "def f(x):\n    held = []\n    while True:\n        try: held.append(bytearray(1 << 22))\n"
    "        except MemoryError: pass",
    "recurses with a great limit": "import sys\nsys.setrecursionlimit(10**9)\ndef f(x): return f(x)",
    "holds the lock in C": "def f(x): return (1<<40000000) % ((1<<20000000)-1)",
    "counts in C": "import itertools,collections\ndef f(x): collections.deque(itertools.repeat(0),0)",
    "sorts for ever": "class A:\n    def __lt__(s,o):\n        while True: pass\ndef f(x): return sorted([A(),A()])",
    "hangs while it is told": "class A(list):\n    def __iter__(s):\n        while True: pass\ndef f(x): return A([1])",
    "hangs in its exception": "class E(Exception):\n    def __str__(s):\n        while True: pass\ndef f(x): raise E",
    "hangs at its end": "class A:\n    def __del__(s):\n        while True: pass\ndef f(x):\n    A(); return 0",
    "trickles": "import os,time\ndef f(x):\n    for n in range(3,64):\n        try:\n            os.write(n,(1000).to_bytes(4,'big'))\n            while True: os.write(n,b' '); time.sleep(.01)\n        except OSError: pass",
    "waits for a child": "import signal\ndef f(x): signal.pause()",
    "threads that hold the lock": "import threading\ndef g():\n    while True: 9**9**5\nfor _ in range(8): threading.Thread(target=g).start()\ndef f(x):\n    while True: pass",
    "swaps for ever": "def f(x):\n    b=bytearray(900<<20)\n    while True:\n        for n in range(0,len(b),4096): b[n]=1",
    "formats for ever": "def f(x): return '%1000000000d' % 1",
    "imports for ever": "import sys\ndef f(x):\n    while True:\n        sys.modules.pop('decimal',0); import decimal",
    "takes inodes": "import os\ndef f(x):\n    n=0\n    while True:\n        os.close(os.open(f'/tmp/{n}',os.O_CREAT)); n+=1\n    return 'out'",
    "unpacks a bomb": "import zlib\ndef f(x):\n    c=zlib.compressobj(9); d=b''.join(c.compress(bytes(1<<20)) for _ in range(3000))+c.flush(); return 'out' if len(zlib.decompress(d)) else 'in'",
    "gives for ever": "import itertools\ndef f(x): return itertools.repeat(x)",
}
