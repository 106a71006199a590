"""200 texts that tokenizers stumble over, the same in every run."""

import random

WRITTEN = (
    "", " ", "  ", "   x", "a", "The capital of France is", " leading",
    "trailing ", "a  b   c\t\td\n\n\ne\r\nf", "\n", "\n\n\n\n", "\t\t\t",
    "\r\r\n", " " * 40 + "y", "x" * 300,
    "1234567 3.14159 1,000,000 0x1F 1e-5", "\u00bd \u00b2 \u2462 \u2167 \u0663",
    "don't we'll I'M YOU'RE they'd 'tis 'LL 'Ve",
    "na\u00efve caf\u00e9 Gr\u00f6\u00dfe \u00c5ngstr\u00f6m",
    "\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8 \u4e2d\u6587",
    "\ud55c\uad6d\uc5b4 \ud14d\uc2a4\ud2b8", "\U0002070e\U00020731",
    "\U0001f680 \U0001f636\u200d\U0001f32b\ufe0f \u2705",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1eb\U0001f1f7",
    "def f(x):\n    return x**2 # ok\n\n\tif x:\n\t\tpass",
    "#include <stdio.h>\nint main(void){return 0;}",
    "SELECT * FROM t WHERE a='b';", "{\"a\": [1, 2, {\"b\": null}]}",
    "C:\\Windows\\x", "https://example.com/a?b=c&d=%20#e", "user@example.org",
    "\u1798\u17b6\u1793 \u0939\u093f\u0928\u094d\u0926\u0940 \u0e44\u0e17\u0e22",
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645",
    "\u05e9\u05dc\u05d5\u05dd", "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c!",
    "\u0395\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac",
    "\u00a0nbsp\u3000wide\u2009thin", "\u200b\u200ezero", "\u0085\u2028line",
    "\x01\x02\x1b[31mred\x7f", "####!!!???...", "....", "a.b.c", "--- === ***",
    "\ufb01 \ufb02 \uff21\uff22\uff23\uff11\uff12\uff13",
    "\U0001d54f\U0001d4d0", "\u01c5 \u00df \u1e9e \u0130 \u0131",
    "I\u2019m \u201cquoted\u201d \u2013 em\u2014dash\u2026",
    "e\u0301 combining", "a\u0301b \u0301", "\ufffd\ufeff",
)
PIECES = (
    "the", " The", "qu", "ick", "ly", " 12", "3", "\u0663", " ", "  ", "\n",
    "\t", "\u00e9", "\u00df", "\u65e5\u672c", "\u8a9e", "\ud55c", "\U0001f600",
    "\u200d", ".", ",", "!", "'s", "'LL", "(", ")", "[", "]", "_", "__init__",
    "=", "=>", "//", "/*", "\\", "\"", "<", ">", "\u0416", "\u0436", "\u0639",
    "\u05d0", "\u0e01", "A", "Z", "zz", "0", "\u00a0", "\r\n", "x86_64",
    "snake_case", "CamelCase", "HTTPServer",
)


def texts(specials, count=200):
    """`specials` are tokens that text may name."""
    made = list(WRITTEN)
    for token in specials[:8]:
        made += [token, f"{token}user\nHi{token}\n", f"a{token} b", f" {token}"]
    source = random.Random(24)
    pieces = [*PIECES, *specials[:8]]
    while len(made) < count:
        length = source.randint(1, 30)
        made.append("".join(source.choice(pieces) for _ in range(length)))
    return made[:count]
