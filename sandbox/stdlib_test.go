//go:build linux

package sandbox

import (
	"strings"
	"testing"
)

// Every module of the standard library that this interpreter has can be imported.
func TestStandardLibrary(t *testing.T) {
	t.Parallel()
	s := standardSandbox(t)
	res := ok(t, s, Job{Code: `
import importlib, sys
done = 0
for name in sorted(sys.stdlib_module_names - {"antigravity", "this", "idlelib"}):  # a browser, a poem, windows
    try:
        importlib.import_module(name)
        done += 1
    except ModuleNotFoundError: pass  # other systems', and packages of their own
    except ImportError as exc:
        if name != "_ios_support" and "tkinter" not in str(exc): print(name, exc)  # telephones, windows
print(done > 250)
`})
	if got := string(res.Stdout.Data); got != "True\n" {
		t.Errorf("%s", got)
	}
}

// What is meant for several processes works between threads, and says so where it can't.
func TestMultiprocessing(t *testing.T) {
	t.Parallel()
	s := standardSandbox(t)
	res := ok(t, s, Job{Code: `
import multiprocessing as mp
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.pool import ThreadPool
with ThreadPool(4) as pool: print(sum(pool.map(lambda n: n * n, range(100))))
queue = mp.Queue(); queue.put(1); print(queue.get(timeout=9)); queue.close(); queue.join_thread()
lock, again, pair = mp.Lock(), mp.RLock(), mp.BoundedSemaphore(2)
with lock: print(lock.acquire(False), lock.acquire(timeout=0.01))
with again: print(again.acquire(False)); again.release()
with pair, pair: print(pair.acquire(False))
for wrong in (again, pair):
    try: wrong.release()
    except (AssertionError, ValueError) as exc: print(exc)
event = mp.Event()
with ThreadPool(2) as pool:
    waiting = pool.apply_async(event.wait, (9,)); event.set(); print(waiting.get(9))
def in_pool():
    with ProcessPoolExecutor(2) as pool: list(pool.map(abs, [1]))
for processes in (lambda: mp.Pool(2), lambda: mp.Process(target=print).start(), in_pool):
    try: processes()
    except PermissionError as exc: print(exc.strerror)
`})
	const want = "328350\n1\nFalse False\nTrue\nFalse\nattempt to release recursive lock not owned by thread\n" +
		"semaphore or lock released too many times\nTrue\nOperation not permitted\nOperation not permitted\nOperation not permitted\n"
	if got := string(res.Stdout.Data); got != want || len(res.Denied) != 1 || res.Denied[0] != "clone" {
		t.Errorf("got %s, %q\n%s", got, res.Denied, res.Stderr.Data)
	}
}

// A database in the workspace works with its journals of either kind.
func TestSQLite(t *testing.T) {
	t.Parallel()
	s := standardSandbox(t)
	res := ok(t, s, Job{Code: `
import os, shutil, sqlite3
for mode in ("wal", "delete"):
    a = sqlite3.connect(mode + ".db")
    print(a.execute("pragma journal_mode=" + mode).fetchone()[0])
    a.execute("create table t(n)"); a.execute("insert into t values (1)"); a.commit()
    b = sqlite3.connect(mode + ".db")
    b.execute("insert into t values (2)"); b.commit()
    print(a.execute("select sum(n) from t").fetchone()[0]); a.execute("vacuum"); a.close(); b.close()
# What somebody was at when he died is taken back.
a = sqlite3.connect("hot.db"); a.execute("pragma cache_size=1"); a.execute("create table t(n)"); a.executemany("insert into t values (?)", [("a" * 4000,)] * 50); a.commit()
a.execute("update t set n = ?", ("b" * 4000,))
assert b"bbbb" in open("hot.db", "rb").read()
for end in ("", "-journal"): shutil.copy("hot.db" + end, "left.db" + end)
print(sqlite3.connect("left.db").execute("select distinct substr(n, 1, 1) from t").fetchall())
`})
	const want = "wal\n3\ndelete\n3\n[('a',)]\n"
	if got := string(res.Stdout.Data); got != want {
		t.Errorf("got %s, want %s\n%s", got, want, res.Stderr.Data)
	}
}

// A traceback ends in the program, or in the library that it called, and never in our sources.
func TestTracebacksHaveNoFramesOfOurs(t *testing.T) {
	t.Parallel()
	s := standardSandbox(t)
	for _, code := range []string{
		"import os; os.chmod('nofile', 0)", "import os; os.utime('nofile')", "import os; os.statvfs('nofile')", "import os; os.listxattr('.')", "import os; os.fork()",
		"import multiprocessing; multiprocessing.Pool(2)", "import multiprocessing; multiprocessing.RLock().release()",
		"import os\ntry: os.chmod('nofile', 0)\nexcept OSError as exc: raise ValueError from exc",
		"import os\ntry: os.chmod('nofile', 0)\nexcept OSError: 1 / 0",
	} {
		res := runWith(t, s, Job{Code: code})
		said := string(res.Stderr.Data)
		if res.Outcome != OutcomeFailed || strings.Contains(said, "codecell") || !strings.Contains(said, `File "main.py", line 1, in <module>`) && !strings.Contains(said, `File "main.py", line 2, in <module>`) {
			t.Errorf("%s: %s\n%s", code, res.Outcome, said)
		}
	}
}
