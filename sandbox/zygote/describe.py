"""What an interpreter says of itself, as one line of JSON on its standard output.

The server runs this with ``python3 -I -S -c`` for each interpreter it considers,
before any program is there. Anything called python3 may answer, so the syntax is
every Python 3's (an old one should say that it is old), and nothing is imported
that costs more than a fraction of the bare start: no json, no sysconfig.
"""

import os
import sys

# Modules of the zygote's that a build may lack.
NEEDED = ("_ctypes", "_socket", "resource", "select")


def quote(text):
    """A JSON string."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join([c if c >= " " else "\\u%04x" % ord(c) for c in text]) + '"'


def quote_all(texts):
    return "[" + ",".join([quote(text) for text in texts]) + "]"


def missing():
    """Those of NEEDED that can't be imported, each with the reason."""
    reasons = []
    for name in NEEDED:
        try:
            __import__(name)
        except ImportError as error:
            reasons.append("%s (%s)" % (name, error))
    return reasons


def has_jit():
    """Whether this is a build with a JIT compiler, switched on or not."""
    if hasattr(sys, "_jit"):  # since 3.14
        return bool(sys._jit.is_available())
    if sys.version_info < (3, 13):
        return False
    # 3.13 leaves a trace of it only in the compiler's flags.
    platform = "_%s_%s" % (sys.platform, getattr(sys.implementation, "_multiarch", ""))
    debian = "__%s" % getattr(sys.implementation, "_multiarch", "")
    for suffix in (platform, debian):
        try:
            built = __import__("_sysconfigdata_" + sys.abiflags + suffix).build_time_vars
        except ImportError:
            continue
        return any("-D_Py_JIT" in str(built.get(key)) for key in ("PY_CORE_CFLAGS", "CONFIGURE_CFLAGS_NODIST", "PY_CFLAGS_NODIST"))
    return False


def libraries():
    """The files, shared objects mostly, that this process has mapped."""
    files = set()
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        for line in maps:
            fields = line.rstrip("\n").split(None, 5)
            if len(fields) == 6 and fields[5].startswith("/"):
                files.add(fields[5])
    return sorted(files)


def packages():
    """Where what is installed beside the interpreter stands. No .pth file is read."""
    import site

    return [path for path in site.getsitepackages() if os.path.isdir(path)]


def main():
    lacks = missing()
    standard = [path for path in sys.path if os.path.isabs(path) and os.path.exists(path)]
    standard.append(os.path.dirname(os.__file__))
    fields = (
        ("implementation", quote(sys.implementation.name)),
        ("version", "[%d,%d,%d]" % sys.version_info[:3]),
        ("abi_flags", quote(getattr(sys, "abiflags", ""))),
        ("executable", quote(os.readlink("/proc/self/exe"))),
        ("prefix", quote(sys.base_prefix)),
        ("standard_library", quote_all(standard)),
        ("missing", quote_all(lacks)),
        ("jit", "true" if has_jit() else "false"),
        ("libraries", quote_all(libraries())),
        ("packages", quote_all(packages() if sys.argv[1:] == ["packages"] else [])),
    )
    text = "{" + ",".join(['"%s":%s' % field for field in fields]) + "}\n"
    os.write(1, text.encode("utf-8", "surrogateescape"))


main()
