# Looks for what an earlier run has left in the interpreter, and leaves it there.
import _signal, builtins
MARK = "codecell_was_here"
found = [name for name, place in (("builtins", vars(builtins)), ("modules", sys.modules), ("environment", os.environ)) if MARK in place]
if _signal.getsignal(_signal.SIGUSR1) == _signal.SIG_IGN:
    found.append("signals")
vars(builtins)[MARK] = sys.modules[MARK] = os.environ[MARK] = MARK
_signal.signal(_signal.SIGUSR1, _signal.SIG_IGN)
report(bool(found), "there is " + (", ".join(found) or "nothing"))
