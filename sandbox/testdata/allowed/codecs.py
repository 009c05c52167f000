# Encodes, decodes, writes and reads by every codec of the standard library, under
# every name that it has; prints one line for each.
import codecs, encodings.aliases, io

# What only Windows has.
ELSEWHERE = {"mbcs", "oem"}
TEXTS = ("", "abc", "Grüße", "Привет", "こんにちは", "你好", "안녕", "שלום", "🐍", "a.b-c", "a" * 300 + "é")

def tried(action):
    try:
        return repr(action())
    except Exception as exc:
        return type(exc).__name__ + ": " + str(exc)

def there_and_back(text, name, errors):
    raw = codecs.encode(text, name, errors)
    return raw, codecs.decode(raw, name, errors)

NAMES = @NAMES@
for name in sorted((set(NAMES) | set(encodings.aliases.aliases) | {"utf8", "u8", "UTF-8"}) - ELSEWHERE):
    lines = [tried(lambda: codecs.lookup(name).name)]
    for text in TEXTS:
        for errors in ("strict", "ignore", "xmlcharrefreplace"):
            lines.append(tried(lambda: there_and_back(text, name, errors)))
        lines.append(tried(lambda: "".join(codecs.iterdecode(codecs.iterencode([text, text], name), name))))
        lines.append(tried(lambda: codecs.decode(text.encode("utf-8"), name)))
        lines.append(tried(lambda: io.TextIOWrapper(io.BytesIO(text.encode("utf-8")), name).read()))
    lines.append(tried(lambda: codecs.encode(b"bytes \x00\xff", name)))
    lines.append(tried(lambda: codecs.decode(b"YWJj\n", name)))
    print(name, lines[0], len(lines), sum("Error" in line for line in lines), int.from_bytes("".join(lines).encode(), "big") % ((1 << 61) - 1))
