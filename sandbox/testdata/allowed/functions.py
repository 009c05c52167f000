# Calls every public function and class of one allowed module, and every public
# method of what comes out, with small arguments of every kind; prints one line
# for each, which must be the same outside the jail.
import collections, datetime, decimal, fractions, itertools, math, operator, random, re, statistics
import importlib, io, sys

MODULE = "@MODULE@"
VALUES = (
    0, 1, -2, 7, 0.5, 1e9, True, None, "", "abc", "a,b\n1,2", "[1, {}]", "2024-02-29", "%Y", b"xyz",
    [3, 1, 2], [1.0, 2.5, 4.0], (1, 2), {"a": 1}, {1, 2}, [("a", 1), ("b", 2)], int, len, operator.add, "aeb".split,
    decimal.Decimal("1.5"), fractions.Fraction(1, 3), datetime.date(2024, 2, 29), datetime.timedelta(1, 2),
    datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.timezone.utc), re.compile("b"), io.StringIO,
)
FEW = (1, 2.5, "abc", [3, 1, 2], operator.add, datetime.date(2024, 2, 29))

# What a clock or the kernel's random bytes decide: called, and only the type compared.
UNSTEADY = re.compile(r"SystemRandom|\.(now|utcnow|today|fromtimestamp|astimezone)\b|random\.seed|Random\.seed|getstate")

def shown(value, depth=0):
    """The value as text that does not depend on addresses, hash seeds or how far an iterator is."""
    if isinstance(value, (set, frozenset)):
        return type(value).__name__ + repr(sorted(map(repr, value)))
    if isinstance(value, collections.abc.Iterator) and depth < 3 and not isinstance(value, io.IOBase):
        return type(value).__name__ + shown(list(itertools.islice(value, 12)), depth + 1)
    if type(value) in (list, tuple) and depth < 3:
        return type(value).__name__ + "(" + ", ".join(shown(v, depth + 1) for v in value[:30]) + ")"
    if isinstance(value, type(sys)):
        return "module " + value.__name__
    return re.sub(r"0x[0-9a-f]+", "0x", repr(value))[:300]

def attempt(name, function, arguments):
    random.seed(1)
    try:
        # What one call changes, the next does not see.
        result = function(*[v.copy() if isinstance(v, (list, dict, set)) else v for v in arguments])
        text = type(result).__name__ if UNSTEADY.search(name) else shown(result)
    except Exception as exc:
        result, text = None, type(exc).__name__
        if not UNSTEADY.search(name):
            text += ": " + shown(str(exc))
    return result, text

def every(name, function):
    """One line: how many calls, how many gave a value, and a sum over all answers."""
    total, good, sum_ = 0, 0, 0
    samples = {}
    for arguments in itertools.chain(
        [()], itertools.product(VALUES, repeat=1), itertools.product(VALUES, repeat=2), itertools.product(FEW, repeat=3)
    ):
        result, text = attempt(name, function, arguments)
        total += 1
        good += result is not None
        sum_ = (sum_ * 1000003 + int.from_bytes(text.encode("utf-8", "replace"), "big")) % ((1 << 61) - 1)
        if result is not None and type(result).__module__.partition(".")[0] == MODULE.partition(".")[0]:
            samples.setdefault(type(result), (result, arguments))
    print(name, total, good, sum_)
    return samples

def methods(name, sample, make):
    for attribute in sorted(dir(sample)):
        if attribute.startswith("_"):
            continue
        try:
            method = getattr(sample, attribute)
        except Exception as exc:
            print(name + "." + attribute, type(exc).__name__)
            continue
        if not callable(method):
            print(name + "." + attribute, "-" if UNSTEADY.search(name) else shown(method))
            continue
        outcomes = []
        for arguments in itertools.chain([()], itertools.product(VALUES, repeat=1), itertools.product(FEW, repeat=2)):
            try:
                fresh = make()  # the last call may have changed it
                if isinstance(fresh, random.Random):
                    fresh.seed(1)
                fresh = getattr(fresh, attribute)
            except Exception as exc:
                outcomes.append(type(exc).__name__)
                continue
            outcomes.append(attempt(name + "." + attribute, fresh, arguments)[1])
        print(name + "." + attribute, len(outcomes), int.from_bytes("\n".join(outcomes).encode("utf-8", "replace"), "big") % ((1 << 61) - 1))

module = importlib.import_module(MODULE)
public = getattr(module, "__all__", None) or [name for name in dir(module) if not name.startswith("_")]
for name in sorted(public):
    value = getattr(module, name)
    if not callable(value) or isinstance(value, type(sys)):
        print(MODULE + "." + name, "-" if callable(value) else shown(value)[:200])
        continue
    for kind, (sample, arguments) in every(MODULE + "." + name, value).items():
        methods(MODULE + "." + name + "=" + kind.__name__, sample, lambda: value(*arguments))
