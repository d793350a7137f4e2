"""Programs that forge what their side of the socket says, or what they are taken for. None is to be called correct."""

SENDING = """
import os, sys, socket, struct, json
FDS=[]
for _n in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else map(str, range(3, 64)):
    try:
        os.fstat(int(_n)); FDS.append(int(_n))
    except OSError: pass
FDS=[n for n in FDS if n>2]
def send(d):
    if isinstance(d,str): d=d.encode()
    for n in FDS:
        try: os.write(n, len(d).to_bytes(4,"big")+d)
        except OSError: pass
"""  # the sockets that it holds, and a frame for each

FORGED = {
    "answers before it is asked": SENDING
    + 'for _ in range(50): send(\'{"value":["l","f"],"printed":""}\')\ndef f(x): return 0',
    "sends an endless row of frames": SENDING + "def f(x):\n    while True: send('{\"value\":true}')",
    "sends a frame of nothing": SENDING + "def f(x):\n    send(b''); return 0",
    "sends frames that are lists": SENDING + 'def f(x):\n    send(\'["correct",""]\'); return 0',
    "sends duplicate keys": SENDING
    + 'def f(x):\n    send(\'{"value":1,"value":null,"raised":["l","AssertionError"]}\'); return 0',
    "sends NaN": SENDING + "def f(x):\n    send('{\"value\":NaN}'); return 0",
    "sends Infinity": SENDING + 'def f(x):\n    send(\'{"value":["f","inf"]}\'); return 0',
    "sends a deep frame": SENDING
    + "def f(x):\n    send('{\"value\":' + '[\"l\",'*200000 + ']'*200000 + '}'); return 0",
    "sends many small lists": SENDING
    + "def f(x):\n    send('{\"value\":[\"l\"' + ',[\"l\"]'*2500000 + ']}'); return 0",
    "sends a kind that is none": SENDING + 'def f(x):\n    send(\'{"value":["zz",1]}\'); return 0',
    "sends a kind that is a list": SENDING + "def f(x):\n    send('{\"value\":[[],1]}'); return 0",
    "sends a number of digits": SENDING + "def f(x):\n    send('{\"value\":' + '9'*4000000 + '}'); return 0",
    "sends a hex of digits": SENDING + "def f(x):\n    send('{\"value\":[\"i\",\"0x' + 'f'*4000000 + '\"]}'); return 0",
    "sends a thing with a number of its own": SENDING + 'def f(x):\n    send(\'{"value":["h",-1,"int"]}\'); return 0',
    "sends a name to be imported": SENDING + 'def f(x):\n    send(\'{"value":["u","exec"]}\'); return 0',
    "sends eval to be called": SENDING + 'def f(x):\n    send(\'{"value":["u","__import__"]}\'); return 0',
    "sends a record with a bad name": SENDING
    + 'def f(x):\n    send(\'{"value":["m","A",["t","__class__","x y"],1,2]}\'); return 0',
    "sends a record that calls": SENDING
    + 'def f(x):\n    send(\'{"value":["m","A",["t","a=__import__(chr(111)+chr(115))._exit(0)"],1]}\'); return 0',
    "sends a great range": SENDING + 'def f(x):\n    send(\'{"value":["r",0,1000000000000,1]}\'); return 0',
    "sends a great exponent": SENDING + 'def f(x):\n    send(\'{"value":["D","1e999999999"]}\'); return 0',
    "sends a fraction of great exponent": SENDING + 'def f(x):\n    send(\'{"value":["F","1e9999999",1]}\'); return 0',
    "sends a fraction text": SENDING + 'def f(x):\n    send(\'{"value":["F","1e99999999"]}\'); return 0',
    "sends an array of great shape": SENDING
    + 'def f(x):\n    send(\'{"value":["a","int64",["l",100000,100000],["l"]]}\'); return 0',
    "sends an array of a great kind": SENDING
    + 'def f(x):\n    send(\'{"value":["a","<U1000000000",["l",1],["l","a"]]}\'); return 0',
    "sends keys that collide": SENDING
    + "def f(x):\n    send('{\"value\":[\"s\",' + ','.join(f'[\"i\",\"{hex(k*((1<<61)-1))}\"]' for k in range(1,30000)) + ']}'); return 0",
    "sends an exception named StopIteration": SENDING
    + 'def f(x):\n    send(\'{"raised":["l","StopIteration","StopIteration","Exception"]}\'); return 0',
    "sends an exception that is no list": SENDING + "def f(x):\n    send('{\"raised\":7}'); return 0",
    "sends an exception with deep args": SENDING
    + 'def f(x):\n    send(\'{"raised":["l","ValueError","ValueError"],"args":["t",["t",["t"]]],"text":1,"line":"x"}\'); return 0',
    "sends arguments that were changed": SENDING
    + 'def f(x):\n    send(\'{"value":null,"arguments":["l",["l",1]]}\'); return 0',
    "sends its printing as a list": SENDING + 'def f(x):\n    send(\'{"value":0,"printed":[[[[]]]]}\'); return 0',
    "sends surrogates": "def f(x): return '\\ud800' * 1000",
    "sends file descriptors": SENDING
    + "def f(x):\n    for n in FDS:\n        try:\n            s=socket.socket(fileno=os.dup(n)); socket.send_fds(s,[b'x'],[0]*200)\n        except Exception as e: pass\n    return 0",
    "receives file descriptors": SENDING
    + 'def f(x):\n    for n in FDS:\n        try:\n            s=socket.socket(fileno=os.dup(n)); s.settimeout(.2); d,fds,_,_=socket.recv_fds(s,1<<16,50)\n            for q in fds: os.write(q,b\'["correct",""]\\n\')\n        except Exception as e: pass\n    return 0',
    "shuts its socket down half": SENDING
    + "def f(x):\n    for n in FDS:\n        try: socket.socket(fileno=os.dup(n)).shutdown(socket.SHUT_RD)\n        except OSError: pass\n    return 0",
    "shrinks its buffers": SENDING
    + "def f(x):\n    for n in FDS:\n        try:\n            s=socket.socket(fileno=os.dup(n)); s.setsockopt(1,7,1); s.setsockopt(1,8,1)\n        except OSError: pass\n    return 'x'*1000000",
    "makes its socket not block": SENDING
    + "def f(x):\n    for n in FDS: os.set_blocking(n, False)\n    return 'x'*10000000",
    "puts another file over its socket": SENDING
    + "def f(x):\n    n=os.open('/dev/zero',os.O_RDWR)\n    for q in FDS: os.dup2(n,q)\n    return 0",
    "is a bool that is not": "class B(int):\n    def __bool__(s): return True\n    def __eq__(s,o): return True\n    __hash__=int.__hash__\ndef f(x): return B(0)",
    "has an evil int": "class B(int):\n    def __int__(s): return 10**10\n    def __index__(s): return 10**9\n    def __repr__(s): return 'x'\ndef f(x): return B(0)",
    "has an evil int that is no int": "class B(int):\n    def __int__(s): return B(5)\ndef f(x): return B(0)",
    "has an evil float": "class B(float):\n    def __float__(s): return 0.5\n    def hex(s): return '],1'\ndef f(x): return B(0)",
    "injects by its class's name": "f=type('\",true,[\"', (), {'__call__': lambda s,x: s})()",
    "injects by bytes": "class B(bytes):\n    def decode(s,*a): return '\"],true'\ndef f(x): return B(b'x')",
    "injects by a dtype": "import numpy as np\nclass B(np.ndarray):\n    @property\n    def dtype(s): return '\"],[true'\nB.__module__='numpy'\ndef f(x): return np.zeros(3).view(B)",
    "patches json's encoder": "import _json\n_json.encode_basestring_ascii=lambda s: 'true'\nimport sys\nfor m in ('inside.telling','inside.candidate'):\n    sys.modules[m].quoted=lambda s:'true'\ndef f(x): return 'x'",
    "patches struct, socket, pickle": "import sys\nfor m in list(sys.modules.values()):\n    for n in ('loads','dumps','load','dump','recv','sendall','pack','unpack'):\n        try: setattr(m,n,lambda *a,**k: True)\n        except Exception: pass\ndef f(x): return 0",
    "hooks audits": "import sys\nsys.addaudithook(lambda *a: None)\nsys.excepthook=lambda *a: None\nsys.unraisablehook=lambda *a: None\ndef f(x): return 0",
    "traces and changes what is returned": "import sys\ndef t(frame,event,arg):\n    if event=='return': frame.f_locals['found']='true'\n    return t\nsys.settrace(t)\nsys.setprofile(t)\ndef f(x): return 0",
    "fails on being traced": "import sys\ndef t(*a): raise KeyboardInterrupt\ndef f(x):\n    sys.settrace(t); return 0",
    "looks for all objects": "import gc\ndef f(x):\n    for o in gc.get_objects():\n        if isinstance(o,(list,tuple)):\n            for v in o:\n                if type(v) is int and v>9: return v\n    return 0",
    "remembers what it was given": "import gc,sys\ndef f(x):\n    fr=sys._getframe()\n    while fr:\n        for v in fr.f_locals.values():\n            if type(v) is bytes: return v\n        fr=fr.f_back\n    return 0",
    "starts Python over": SENDING
    + "def f(x):\n    os.execv(sys.executable,[sys.executable,'-I','-c','import os\\nfor n in range(3,64):\\n    try: os.write(n,b\"[]\")\\n    except OSError: pass'])",
    "starts the tester instead": SENDING
    + "def f(x):\n    os.execv(sys.executable,[sys.executable,'-S','-s','-P','-c','import sys; sys.path += [\"/relay\"]; from inside import tester; tester.main()',str(FDS[0]),'0','0','0','0'])",
    "starts itself over": SENDING
    + "def f(x):\n    os.execv(sys.executable,[sys.executable,'-S','-s','-P','-c','import sys; sys.path += [\"/relay\"]; from inside import candidate; candidate.start()',str(FDS[0]),'0','0','0','0'])",
    "stops itself": "import os,signal\ndef f(x): os.kill(os.getpid(),signal.SIGSTOP)",
    "stops all": "import os,signal\ndef f(x): os.kill(-1,signal.SIGSTOP)",
    "stops its group": "import os,signal\ndef f(x): os.killpg(0,signal.SIGSTOP)",
    "leaves its session": "import os\ndef f(x):\n    os.setsid(); return 0",
    "forks twice and leaves": "import os,time\ndef f(x):\n    if os.fork()==0:\n        os.setsid()\n        if os.fork()==0:\n            time.sleep(100)\n        os._exit(0)\n    return 0",
    "alarms": "import signal,time\nsignal.setitimer(signal.ITIMER_REAL,.01,.01)\nsignal.signal(signal.SIGALRM, lambda *a: None)\ndef f(x): return 0",
    "is a generator that lies": "def f(x):\n    yield from [0,1]\n    raise StopIteration",
    "is a coroutine": "async def f(x): return 0",
    "is a coroutine that never ends": "import asyncio\nasync def f(x): await asyncio.sleep(1000)",
    "is a context": "import contextlib\n@contextlib.contextmanager\ndef f(x): yield 0",
    "is a Decimal equal to all": "import decimal\nclass Decimal(decimal.Decimal):\n    def __eq__(s,o): return True\nDecimal.__module__='decimal'\ndef f(x): return Decimal(1)",
    "is a date out of range": "import datetime\nclass date(datetime.date):\n    def isoformat(s): return '99999-99-99'\ndate.__module__='datetime'\ndef f(x): return date(1,1,1)",
    "is a record that is an exception": "class E(Exception): _fields=('a',)\ndef f(x): return E",
    "is minus nothing": "def f(x): return -0.0",
    "is negative infinity": "def f(x): return float('-inf')",
    "is a module": "import sys as f",
    "is the module": "import sys\nf=sys.modules['candidate']",
    "is the reading": "import sys\nf=sys.modules['inside.candidate'].Reading",
    "raises with what refuses to be a text": "class A:\n    def __str__(s): raise ValueError(s)\n    __repr__ = __str__\ndef f(x): raise ValueError(A())",
    "raises with what ends as a text": "import os\nclass A:\n    def __str__(s): os._exit(0)\ndef f(x): raise AssertionError(A())",
    "is an exception itself": "class f(Exception): pass",
    "has a length that is none": "class A:\n    def __len__(s): return -1\n    def __bool__(s): return 5\n    def __iter__(s): return 5\ndef f(x): return A()",
    "is a kind of Python's own": "def f(x): return type",
    "is the kind of all": "def f(x): return object",
}
