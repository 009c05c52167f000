# What the interpreter and allowed modules look up only when it is wanted.
import collections, csv, datetime, decimal, functools, io, json, linecache, random, re, statistics, string, sys, textwrap, time, typing, warnings
import calendar, locale, stringprep, traceback, unicodedata

def tried(action):
    try:
        print(action())
    except Exception as exc:
        print(type(exc).__name__, exc)

tried(lambda: datetime.datetime.strptime("29 Feb 2024", "%d %b %Y"))
tried(lambda: time.strptime("2024-02-29 12:30 UTC", "%Y-%m-%d %H:%M %Z"))
tried(lambda: datetime.date(2024, 2, 29).strftime("%A %B %c %x %X %p %j %U %Z"))
tried(lambda: datetime.datetime(2024, 7, 1, 12, tzinfo=datetime.timezone.utc).astimezone())
tried(lambda: datetime.datetime(2024, 7, 1, 12).astimezone().tzname())
tried(lambda: (time.tzname, time.localtime(0)))
tried(lambda: calendar.month(2024, 2))
tried(lambda: calendar.TextCalendar(6).formatyear(2024)[:300])
tried(lambda: locale.getlocale(locale.LC_NUMERIC))
tried(lambda: locale.localeconv()["decimal_point"])
tried(lambda: f"{1234567.891:n} {1234567:,}")
tried(lambda: locale.format_string("%d", 1234567, grouping=True))
tried(lambda: "\N{SNOWMAN} \N{GREEK SMALL LETTER ALPHA}")
tried(lambda: unicodedata.normalize("NFKD", "ﬁ Å"))
tried(lambda: unicodedata.name("🐍"))
tried(lambda: "bücher.example".encode("idna"))
tried(lambda: b"xn--bcher-kva.example".decode("idna"))
tried(lambda: "bücher".encode("punycode"))
tried(lambda: stringprep.in_table_a1("\u0221"))
tried(lambda: "é".encode("ascii", "namereplace"))
tried(lambda: collections.Counter("abracadabra").most_common(2))
tried(lambda: statistics.linear_regression([1, 2, 3], [2, 4, 6.5]))
tried(lambda: statistics.correlation([1, 2, 3], [3, 1, 2]))
tried(lambda: csv.Sniffer().sniff("a;b;c\n1;2;3\n").delimiter)
tried(lambda: list(csv.DictReader(io.StringIO("a,b\n1,2\n"))))
tried(lambda: typing.get_type_hints(functools.singledispatch))
tried(lambda: decimal.Decimal(2).sqrt(decimal.Context(prec=60)))
tried(lambda: random.Random("seed").random())
tried(lambda: random.Random(b"seed").sample(range(100), 5))
tried(lambda: re.compile("(?i)ß|straße").findall("STRASSE ß"))
tried(lambda: re.compile("a|b", re.DEBUG))
tried(lambda: string.Template("$a ${b}").substitute(a=1, b=2))
tried(lambda: string.Formatter().format("{0!r:>10} {a[0]}", "x", a=[1]))
tried(lambda: json.dumps({"a": [1, 2.5, None, "é\ud800"]}, indent=1))
tried(lambda: json.loads('{"a": 1e400, "b": -0.0}'))
tried(lambda: textwrap.dedent("   a\n    b"))
tried(lambda: (repr(exit), repr(quit), type(exit).__name__))
tried(lambda: linecache.getline("main.py", 2))
tried(lambda: sys.getfilesystemencoding() + sys.stdout.encoding)

class Colour(typing.NamedTuple):
    red: int = 0

tried(lambda: typing.get_type_hints(Colour))

@functools.singledispatch
def spoken(what): return "a thing"

@spoken.register
def _(what: int): return "a number"

tried(lambda: (spoken(1), spoken("a")))
warnings.warn("careful")
warnings.warn("again", DeprecationWarning)
traceback.print_exception(ValueError("shown"))

def deep():
    raise KeyError("the last") from ValueError("the first")

try:
    deep()
except KeyError:
    traceback.print_exc()
generator = (deep() for _ in [1])

class Raises:
    def __del__(self):
        raise ValueError("while ending")

Raises()
exit(3)
