"""Honest programs of many kinds, with tests that they pass in plain Python."""

HONEST = {
    "plus": (
        "def f(x): return x+.5+1e-9",
        """
import numpy as np
def is_floats(x) -> bool:
    if isinstance(x, float): return True
    if isinstance(x, (list, tuple)): return all(isinstance(i, float) for i in x)
    if isinstance(x, np.ndarray): return x.dtype == np.float64 or x.dtype == np.float32
    return False
def assertion(out, exp, atol):
    exact_match = out == exp
    if atol == 0 and is_floats(exp): atol = 1e-6
    if not exact_match and atol != 0:
        assert np.allclose(out, exp, rtol=1e-07, atol=atol)
    else:
        assert exact_match
def check(candidate):
    inputs = [[1],[2]]
    results = [1.5, 2.5]
    for i,(inp,exp) in enumerate(zip(inputs, results)):
        assertion(candidate(*inp), exp, 0)
check(f)
""",
    ),
    "plus numpy": (
        """
import numpy as np
def f(x): return np.float64(x)+.5
""",
        """
import numpy as np
def is_floats(x) -> bool:
    if isinstance(x, float): return True
    if isinstance(x, (list, tuple)): return all(isinstance(i, float) for i in x)
    if isinstance(x, np.ndarray): return x.dtype == np.float64 or x.dtype == np.float32
    return False
def assertion(out, exp, atol):
    exact_match = out == exp
    if atol == 0 and is_floats(exp): atol = 1e-6
    if not exact_match and atol != 0:
        assert np.allclose(out, exp, rtol=1e-07, atol=atol)
    else:
        assert exact_match
def check(candidate):
    inputs = [[1],[2]]
    results = [1.5, 2.5]
    for i,(inp,exp) in enumerate(zip(inputs, results)):
        assertion(candidate(*inp), exp, 0)
check(f)
""",
    ),
    "mbpp several": (
        "def f(x): return x",
        """
assert f((1,2))==(1,2)
assert f([1])==[1]
assert set(f([1]))=={1}
""",
    ),
    "dataclass": (
        """
from dataclasses import dataclass
@dataclass
class P:
    x: int
    y: int = 2
def f(x: int) -> int:
    p = P(x)
    return p.x + p.y
""",
        "assert f(1) == 3",
    ),
    "namedtuple": (
        """
from collections import namedtuple
P=namedtuple('P','x y')
def f(x): return P(x,2)
""",
        "assert f(1) == (1, 2)",
    ),
    "namedtuple attr": (
        """
from collections import namedtuple
P=namedtuple('P','x y')
def f(x): return P(x,2)
""",
        "assert f(1).x == 1",
    ),
    "typing NamedTuple": (
        """
from typing import NamedTuple
class P(NamedTuple):
    x: int
    y: int
def f(x): return P(x,2)
""",
        "assert f(1) == (1, 2)",
    ),
    "generator": (
        """
def f(n):
    yield from range(n)
""",
        "assert list(f(3)) == [0,1,2]",
    ),
    "infinite generator": (
        """
def f():
    n=0
    while True:
        yield n
        n+=1
""",
        """
import itertools
assert list(itertools.islice(f(), 3)) == [0,1,2]
""",
    ),
    "next on gen": (
        """
def f():
    n=0
    while True:
        yield n
        n+=1
""",
        """
g=f()
assert next(g)==0 and next(g)==1
""",
    ),
    "dict values": (
        "def f(d): return d.values()",
        "assert list(f({'a':1,'b':2}))==[1,2]",
    ),
    "dict keys": (
        "def f(d): return d.keys()",
        "assert list(f({'zz':1,'b':2,'a':3,'q':2}))==['zz','b','a','q']",
    ),
    "dict items": (
        "def f(d): return d.items()",
        "assert list(f({'a':[1]}))==[('a',[1])]",
    ),
    "nan": (
        "def f(): return float('nan')",
        """
import math
assert math.isnan(f())
""",
    ),
    "Decimal": (
        """
from decimal import Decimal
def f(x): return Decimal(x)*2
""",
        """
from decimal import Decimal
assert f('1.1') == Decimal('2.2')
""",
    ),
    "Decimal in": (
        "def f(x): return float(x)+1.4",
        """
from decimal import Decimal
assert f(Decimal('1.1')) == 2.5
""",
    ),
    "Decimal vs int": (
        """
from decimal import Decimal
def f(x): return Decimal(x)*2
""",
        "assert f('2') == 4",
    ),
    "Fraction": (
        """
from fractions import Fraction
def f(a,b): return Fraction(a,b)
""",
        "assert f(1,2) == 0.5",
    ),
    "date": (
        """
import datetime
def f(y): return datetime.date(y,1,1)
""",
        """
import datetime
assert f(2020) == datetime.date(2020,1,1)
""",
    ),
    "datetime": (
        """
from datetime import datetime
def f(y): return datetime.strptime(y,'%Y-%m-%d')
""",
        """
from datetime import datetime
assert f('2020-01-02') == datetime(2020,1,2)
""",
    ),
    "timedelta": (
        """
from datetime import timedelta
def f(y): return timedelta(y)
""",
        """
from datetime import timedelta
assert f(2) == timedelta(days=2)
""",
    ),
    "numpy vectorize": (
        """
import numpy as np
f = np.vectorize(lambda x: x+1)
""",
        "assert list(f([1,2]))==[2,3]",
    ),
    "numpy bool is": (
        """
import numpy as np
def f(x): return np.bool_(x)
""",
        "assert f(1) == True",
    ),
    "numpy nested": (
        """
import numpy as np
def f(x): return [np.int64(1), (np.int32(2), np.float32(3))]
""",
        "assert f(1) == [1, (2, 3)]",
    ),
    "numpy object": (
        """
import numpy as np
def f(): return np.array([1,'a'],dtype=object)
""",
        "assert list(f())==[1,'a']",
    ),
    "numpy 2d": (
        """
import numpy as np
def f(): return np.eye(2)
""",
        """
import numpy as np
assert (f()==np.eye(2)).all()
""",
    ),
    "numpy empty 2d": (
        """
import numpy as np
def f(): return np.zeros((0,3))
""",
        "assert f().shape == (0,3)",
    ),
    "numpy matrix": (
        """
import numpy as np
def f(): return np.matrix(np.eye(2))
""",
        """
import numpy as np
assert (f()==np.eye(2)).all()
""",
    ),
    "numpy datetime": (
        """
import numpy as np
def f(): return np.datetime64('2020-01-01')
""",
        """
import numpy as np
assert f() == np.datetime64('2020-01-01')
""",
    ),
    "sympy": (
        """
import sympy
def f():
    x=sympy.symbols('x')
    return sympy.solve(x-3,x)[0]
""",
        "assert f() == 3",
    ),
    "mutate kw": (
        """
def f(a):
    a.sort()
""",
        """
a=[3,1]
f(a=a)
assert a==[1,3]
""",
    ),
    "mutate nested": (
        """
def f(a):
    a[0].sort()
""",
        """
a=[[3,1]]
f(a)
assert a==[[1,3]]
""",
    ),
    "recursion 900": (
        "def f(n): return 0 if n==0 else 1+f(n-1)",
        "assert f(900)==900",
    ),
    "recursion 50000": (
        """
import sys
sys.setrecursionlimit(10**6)
def f(n): return 0 if n==0 else 1+f(n-1)
""",
        "assert f(50000)==50000",
    ),
    "async": (
        """
import asyncio
async def f(x):
    await asyncio.sleep(0)
    return x+1
""",
        """
import asyncio
assert asyncio.run(f(1)) == 2
""",
    ),
    "input guarded": (
        """
def f(x): return x+1
if __name__ == '__main__':
    print(f(int(input())))
""",
        "assert f(1) == 2",
    ),
    "prints much": (
        """
def f(x):
    for i in range(200000): print(i)
    return x+1
""",
        "assert f(1) == 2",
    ),
    "prints buffer": (
        """
import sys
def f(x):
    sys.stdout.buffer.write(b'x')
    sys.stdout.flush()
    return x+1
""",
        "assert f(1) == 2",
    ),
    "reconfigure": (
        """
import sys
sys.stdout.reconfigure(encoding='utf-8')
def f(x): return x+1
""",
        "assert f(1) == 2",
    ),
    "print file=stderr": (
        """
import sys
def f(x):
    print('x', file=sys.stderr, flush=True)
    return x+1
""",
        "assert f(1) == 2",
    ),
    "unittest": (
        """
import unittest
def f(x): return x+1
class T(unittest.TestCase):
    def test(self): self.assertEqual(f(1),2)
if __name__=='__main__': unittest.main()
""",
        "assert f(1) == 2",
    ),
    "unittest tests": (
        "def f(x): return x+1",
        """
import unittest
class T(unittest.TestCase):
    def test(self): self.assertEqual(f(1),2)
r=unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(T))
assert r.wasSuccessful()
""",
    ),
    "unittest.main tests": (
        "def f(x): return x+1",
        """
import unittest
class T(unittest.TestCase):
    def test(self): self.assertEqual(f(1),2)
unittest.main()
""",
    ),
    "pytest style raises": (
        """
def f(x):
    if x<0: raise ValueError('neg')
""",
        """
try:
    f(-1)
    assert False
except ValueError as e:
    assert 'neg' in str(e)
""",
    ),
    "custom exception": (
        """
class E(Exception): pass
def f(x):
    raise E('neg')
""",
        """
try:
    f(-1)
except Exception as e:
    pass
else:
    assert False
""",
    ),
    "custom exception sub": (
        """
class E(ValueError): pass
def f(x):
    raise E('neg')
""",
        """
try:
    f(-1)
except ValueError as e:
    pass
else:
    assert False
""",
    ),
    "exact message": (
        """
def f(x):
    raise ValueError('neg')
""",
        """
try:
    f(-1)
except ValueError as e:
    assert str(e) == 'neg'
else:
    assert False
""",
    ),
    "KeyError message": (
        """
def f(x):
    return x['a']
""",
        """
try:
    f({})
except KeyError as e:
    assert e.args[0]=='a'
else:
    assert False
""",
    ),
    "tests pass builtin": (
        "def f(g,x): return g(x)",
        "assert f(len,[1]) == 1",
    ),
    "tests pass own helper": (
        """
def helper(x): return x+1
def f(g,x): return g(x)
""",
        "assert f(helper, 1) == 2",
    ),
    "closure returned": (
        "def f(n): return lambda x: n*x",
        "assert f(2)(3) == 6",
    ),
    "class instance methods": (
        """
class f:
    def __init__(self): self.a=[]
    def push(self,x): self.a.append(x)
    def pop(self): return self.a.pop()
""",
        """
s=f()
s.push(1)
s.push(2)
assert s.pop()==2
""",
    ),
    "instance dunder": (
        """
class f:
    def __init__(self,a): self.a=a
    def __len__(self): return len(self.a)
    def __getitem__(self,i): return self.a[i]
    def __iter__(self): return iter(self.a)
    def __str__(self): return 'S'
    def __contains__(self,x): return x in self.a
""",
        """
s=f([1,2])
assert len(s)==2 and s[0]==1 and list(s)==[1,2] and str(s)=='S' and 1 in s
""",
    ),
    "set order": (
        "def f(x): return set(x)",
        "assert sorted(f([3,1,2,3]))==[1,2,3]",
    ),
    "Enum": (
        """
from enum import Enum
class E(str,Enum):
    A='A'
def f(): return E.A
""",
        "assert f() == 'A'",
    ),
    "IntEnum": (
        """
from enum import IntEnum
class E(IntEnum):
    A=1
def f(): return E.A
""",
        "assert f() == 1",
    ),
    "deque": (
        """
from collections import deque
def f(): return deque([1])
""",
        """
from collections import deque
assert f() == deque([1])
""",
    ),
    "Counter common": (
        """
from collections import Counter
def f(s): return Counter(s)
""",
        "assert f('aab').most_common(1)==[('a',2)]",
    ),
    "array": (
        """
from array import array
def f(): return array('i',[1,2])
""",
        "assert list(f())==[1,2]",
    ),
    "memoryview": (
        "def f(): return memoryview(b'a')",
        "assert bytes(f())==b'a'",
    ),
    "string subclass": (
        """
class S(str): pass
def f(): return S('a')
""",
        "assert f()=='a'",
    ),
    "lru_cache": (
        """
from functools import lru_cache
@lru_cache(None)
def f(n): return n if n<2 else f(n-1)+f(n-2)
""",
        "assert f(50)==12586269025",
    ),
    "from __future__": (
        """
from __future__ import annotations
def f(x: list[Foo]) -> Bar: return x
""",
        "assert f(1)==1",
    ),
    "threads": (
        """
from concurrent.futures import ThreadPoolExecutor
def f(x):
    with ThreadPoolExecutor() as p: return list(p.map(lambda v: v*2, x))
""",
        "assert f([1,2])==[2,4]",
    ),
    "NotImplemented": (
        "def f(): return NotImplemented",
        "assert f() is NotImplemented",
    ),
    "Ellipsis": (
        "def f(): return ...",
        "assert f() is ...",
    ),
    "type": (
        "def f(x): return type(x)",
        "assert f(1) is int",
    ),
    "type name": (
        "def f(x): return type(x)",
        "assert f(1) == int",
    ),
    "re match": (
        """
import re
def f(x): return re.match('a', x)
""",
        "assert f('a')",
    ),
    "bool of thing": (
        """
import re
def f(x): return re.match('a', x)
""",
        "assert not f('b')",
    ),
    "docstring doctest": (
        """
def f(x):
    '''
    >>> f(1)
    1
    '''
    return x
import doctest
doctest.testmod()
""",
        "assert f(1)==1",
    ),
    "tests mutate returned": (
        "def f(): return [1]",
        """
r=f()
r.append(3)
assert r==[1,3]
""",
    ),
    "global state": (
        """
n=0
def f():
    global n
    n+=1
    return n
""",
        "assert f()==1 and f()==2",
    ),
    "test var candidate": (
        "def f(x): return x",
        """
candidate=f
assert candidate(1)==1
""",
    ),
    "test uses other data": (
        """
LIMIT=1
def f(x): return x
""",
        "assert f(1)==LIMIT",
    ),
    "deep 400": (
        """
def f(n):
    v=[]
    for _ in range(n): v=[v]
    return v
""",
        """
x=f(400)
d=0
while x: x=x[0]; d+=1
assert d==400
""",
    ),
    "mapping proxy": (
        """
import types
def f(): return types.MappingProxyType({'a':1})
""",
        "assert f()=={'a':1}",
    ),
    "defaultdict": (
        """
from collections import defaultdict
def f(s):
    d=defaultdict(int)
    for c in s: d[c]+=1
    return d
""",
        "assert f('aab')=={'a':2,'b':1}",
    ),
    "complex": (
        "def f(): return 1j",
        "assert f()==1j",
    ),
    "cmath": (
        """
import cmath
def f(x): return cmath.polar(x)
""",
        "assert f(1j)==(1.0,1.5707963267948966)",
    ),
    "heapq on arg none": (
        """
import heapq
def f(h): heapq.heapify(h)
""",
        """
h=[3,1,2]
f(h)
assert h[0]==1
""",
    ),
    "bytes 300": (
        "def f(): return bytes(300)",
        "assert f()==bytes(300)",
    ),
    "an iterator given back": (
        "def f(xs):\n    for x in xs: yield x + 1",
        "assert list(f(f([1, 2]))) == [3, 4]\nassert list(f(f(range(3000))))[-1] == 3001",
    ),
    "views given back": (
        "def keys(d): return d.keys()\ndef vals(d): return d.values()\ndef items(d): return d.items()\ndef f(v): return sorted(v)",
        "d = {'b': 2, 'a': 1}\nassert f(keys(d)) == ['a', 'b'] and f(vals(d)) == [1, 2] and f(items(d)) == [('a', 1), ('b', 2)]",
    ),
    "a record given back": (
        "from collections import namedtuple\nP = namedtuple('P', 'x y')\ndef make(): return P(1, 2)\ndef f(p): return sum(p)",
        "assert f(make()) == 3",
    ),
}
