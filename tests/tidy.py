#!/usr/bin/python3
"""The source is tested too: who includes whom, lines, forbidden words, co_await traps, files that nothing builds,
tests that nothing runs.

    tests/tidy.py [ROOT]     prints each finding as FILE:LINE: TEXT; exit status 1 when there is one
"""
import ast
import os
import re
import sys

SKIPPED = {".git", "build", "var", "node_modules", "__pycache__"}
CPP = (".cpp", ".hpp")
LINE_MAX = 110
FUNCTION_MAX = 70
FILE_MAX = 600

# Arrows: which folders the files of a folder may include. The longest prefix that fits counts, on both sides.
SERVICES = ["frontend", "ledger", "base"]
MAY_INCLUDE = {
    "base": ["base"],
    "ledger": ["ledger", "base"],
    "frontend/http": ["frontend/http", "base"],
    "frontend/soap": ["frontend/soap", "base"],
    "frontend/auth": ["frontend/auth", "base"],
    "frontend": ["frontend", "base"],
    "payment": ["payment", *SERVICES],
    "accountmgmt": ["accountmgmt", *SERVICES],
    "telephony/rules": ["telephony/rules", "base"],
    "telephony/applications": ["telephony/applications", *SERVICES],
    "telephony/calls": ["telephony/calls", "telephony/rules", "telephony/applications", *SERVICES],
    "telephony/sip": ["telephony/sip", "telephony/calls", "base"],
    "telephony/media": ["telephony/media", "telephony/calls", "base"],
    "telephony/tasks": ["telephony/tasks", "telephony/calls", "telephony/rules", "telephony/applications", *SERVICES],
    "telephony": ["telephony", *SERVICES],
    "app": ["app", "payment", "accountmgmt", "telephony", *SERVICES],
    "bench": ["bench", "app", "payment", "accountmgmt", "telephony", *SERVICES],
    "tests": ["tests", "app", "payment", "accountmgmt", "telephony", "bench", *SERVICES],
}

# Libraries that one folder hides from all others.
CONFINED = [
    (r"pqxx/", ["base/sql.cpp"]),
    (r"libpq-fe\.h", []),
    (r"xercesc/", ["frontend/soap/", "tests/support/schema_validator.cpp"]),
    (r"toml\+\+/", ["app/settings_loader.cpp"]),
    (r"CLI/", ["app/main.cpp", "app/command_line.cpp", "app/client_commands.cpp", "app/operator/", "bench/"]),
    (r"boost/beast", ["frontend/http/", "app/http_client.cpp", "tests/support/http_client.cpp", "bench/"]),
    (r"boost/(json|url)", ["app/", "frontend/http/client.cpp", "payment/request_status.cpp", "telephony/media/",
                           "telephony/tasks/question.cpp", "tests/", "bench/"]),
    (r"sodium\.h", ["app/http_client.cpp", "base/", "frontend/auth/", "ledger/"]),
    (r"openssl/", ["frontend/http/tls.cpp", "frontend/http/transport.cpp", "frontend/auth/secrets.cpp"]),
    (r"unicode/", ["base/time_zone.cpp"]),
    (r"zlib\.h", ["frontend/http/gzip.cpp"]),
    (r"sofia-sip/", ["telephony/sip/"]),
]

MONEY = ("ledger/", "payment/", "accountmgmt/", "base/decimal")


def source_files(root):
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(s for s in subfolders if s not in SKIPPED)
        for name in sorted(names):
            yield os.path.relpath(os.path.join(folder, name), root)


def longest_prefix(path, prefixes):
    fitting = [p for p in prefixes if path == p or path.startswith(p + "/")]
    return max(fitting, key=len, default=None)


def without_comments_and_strings(text):
    """The code alone, line by line as before: what stands in comments, strings and characters is blanked."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(?P<delimiter>[^()\s]*)\(.*?\)(?P=delimiter)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'',
        re.DOTALL)

    def blank(match):
        # A quote between digits separates thousands.
        if match.group().startswith("'") and text[match.start() - 1].isalnum():
            return match.group()
        return re.sub(r"[^\n]", " ", match.group())

    return pattern.sub(blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def check_lines(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > LINE_MAX and path.endswith(CPP):
            yield number, f"{len(line)} columns (at most {LINE_MAX})"
        if "\t" in line:
            yield number, "a tab"
        if line != line.rstrip():
            yield number, "space at the end of the line"
        if re.search(r"\b(TODO|FIXME)\b", line):
            yield number, "unfinished work belongs into an issue"
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "no line break at the end"


def check_shape(path, text):
    if not text.startswith("// "):
        yield 1, "the first comment says the file's one job"
    if path.endswith(".hpp") and "\n#pragma once\n" not in text:
        yield 1, "no #pragma once"
    lines = text.count("\n")
    if lines > FILE_MAX:
        yield lines, f"{lines} lines (at most {FILE_MAX})"


def check_includes(path, text):
    own = longest_prefix(path, MAY_INCLUDE)
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'#include ([<"])([^>"]+)', line)
        if not match:
            continue
        target = match.group(2)
        for pattern, allowed in CONFINED:
            if re.match(pattern, target) and not any(path.startswith(a) for a in allowed):
                yield number, f"{target} is used in {', '.join(allowed) or 'no file'} only"
        if match.group(1) == '"' and own:
            folder = longest_prefix(target, MAY_INCLUDE)
            if folder is None:
                yield number, f"{target}: includes start at the root"
            elif longest_prefix(target, MAY_INCLUDE[own]) is None:
                yield number, f"{own} may not include {folder}"


def check_await(path, text):
    """g++ 12 destroys aggregate temporaries of a co_await expression twice: no braces inside its call."""
    code = without_comments_and_strings(text)
    for match in re.finditer(r"\bco_await\b", code):
        depth = 0
        for position in range(match.end(), len(code)):
            character = code[position]
            if character in "([":
                depth += 1
            elif character in ")]":
                depth -= 1
            if depth < 0 or (depth == 0 and character in ";{}"):
                break
            if character == "{":
                yield line_of(code, position), "a brace inside a co_await expression: make it a named local"
                break


def check_floating_point(path, text):
    if not path.startswith(MONEY):
        return
    code = without_comments_and_strings(text)
    for match in re.finditer(r"\b(float|double|stod|strtod|stof)\b", code):
        yield line_of(code, match.start()), f"{match.group()} near money"


def check_functions(path, text):
    """Counts from a line that opens a function's body to the brace in the same column (as clang-format sets them)."""
    lines = without_comments_and_strings(text).splitlines()
    for start, line in enumerate(lines):
        match = re.match(r"( {0,4})\S.*\{$", line)
        if not match or not re.search(r"\)[^;=]*\{$", line):
            continue
        if re.match(r"\s*(namespace|class|struct|enum|union|if|for|while|switch|try|else|do)\b", line):
            continue
        end = next((i for i in range(start, len(lines)) if lines[i].startswith(match.group(1) + "}")), start)
        if end - start - 1 > FUNCTION_MAX:
            yield start + 1, f"a function of {end - start - 1} lines (at most {FUNCTION_MAX})"


def check_hidden(path, text):
    """A method whose class has another one of its name further down is never called; a test like that never runs."""
    for owner in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)):
        # What is decorated may go together: a property and its setter.
        methods = [node for node in owner.body if isinstance(node, ast.FunctionDef) and not node.decorator_list]
        last = {method.name: method for method in methods}
        for method in methods:
            if last[method.name] is not method:
                yield method.lineno, f"{method.name} is hidden by line {last[method.name].lineno}"


CHECKS = [check_shape, check_includes, check_await, check_floating_point, check_functions]


def check_built(root, paths):
    """Every source is in a CMakeLists.txt, every header is included by somebody."""
    lists = {p: open(os.path.join(root, p), encoding="utf-8").read() for p in paths if p.endswith("CMakeLists.txt")}
    included = set()
    for path in (p for p in paths if p.endswith(CPP)):
        included.update(re.findall(r'#include "([^"]+)"', open(os.path.join(root, path), encoding="utf-8").read()))
    for path in paths:
        if path.endswith(".cpp"):
            folder = os.path.dirname(path)
            while f"{folder}/CMakeLists.txt" not in lists and folder:
                folder = os.path.dirname(folder)
            listed = lists.get(f"{folder}/CMakeLists.txt", "")
            if not re.search(rf"(^|[\s/(]){re.escape(path[len(folder) + 1:])}\b", listed):
                yield path, 1, f"not in {folder}/CMakeLists.txt"
        elif path.endswith(".hpp") and path not in included:
            yield path, 1, "included by nobody"


def findings(root):
    paths = list(source_files(root))
    for path in paths:
        if not path.endswith((*CPP, ".py", ".sql", ".cmake", ".txt", ".toml", ".sh", ".yml")):
            continue
        text = open(os.path.join(root, path), encoding="utf-8").read()
        # This file names the words that it forbids.
        checks = [] if path == "tests/tidy.py" else [check_lines]
        if path.endswith(CPP):
            checks += CHECKS
        elif path.endswith(".py"):
            checks.append(check_hidden)
        for check in checks:
            for number, what in check(path, text):
                yield path, number, what
    yield from check_built(root, paths)


# What each check must find, and what it must let pass: a check that finds nothing any more would look like good news.
BAD = [
    (check_lines, "a.cpp", "x" * 111 + "\n"),
    (check_lines, "a.cpp", "\tint x;\n"),
    (check_lines, "a.cpp", "// TODO later\n"),
    (check_shape, "a.cpp", "#include <x>\n"),
    (check_shape, "a.hpp", "// A header.\nint x;\n"),
    (check_includes, "base/a.cpp", '#include "ledger/ledger.hpp"\n'),
    (check_includes, "frontend/soap/a.cpp", '#include "frontend/auth/users.hpp"\n'),
    (check_includes, "frontend/soap/a.cpp", '#include "frontend/service.hpp"\n'),
    (check_includes, "ledger/a.cpp", '#include "frontend/service.hpp"\n'),
    (check_includes, "payment/a.cpp", '#include "app/node.hpp"\n'),
    (check_includes, "telephony/calls/a.cpp", '#include "telephony/sip/agent.hpp"\n'),
    (check_includes, "ledger/a.cpp", "#include <pqxx/pqxx>\n"),
    (check_includes, "base/a.cpp", '#include "sql.hpp"\n'),
    (check_await, "a.cpp", "co_await f({.a = 1});\n"),
    (check_await, "a.cpp", "auto x = co_await f(\n    Request{1});\n"),
    (check_await, "a.cpp", "co_return co_await a.b(c, std::vector<int>{1, 2});\n"),
    (check_floating_point, "ledger/a.cpp", "double x;\n"),
    (check_functions, "a.cpp", "void f(int x) {\n" + "    g();\n" * 71 + "}\n"),
    (check_hidden, "a.py", "class A:\n    def f(self): pass\n    def f(self): pass\n"),
]
GOOD = [
    (check_includes, "payment/a.cpp", '#include "ledger/ledger.hpp"\n#include "base/sql.hpp"\n#include <vector>\n'),
    (check_includes, "frontend/a.cpp", '#include "frontend/soap/fault.hpp"\n'),
    (check_await, "a.cpp", "if (!co_await f(x)) {\n    y();\n}\n"),
    (check_await, "a.cpp", 'co_await f("{", \'{\');\nauto a = T{1};\n'),
    (check_await, "a.cpp", "co_await f(1'000, x);\nauto a = g({1});\n"),
    (check_floating_point, "ledger/a.cpp", "// double entry\n"),
    (check_functions, "a.cpp", "void f(int x) {\n" + "    g();\n" * 70 + "}\n"),
    (check_hidden, "a.py", "class A:\n    def f(self): pass\nclass B:\n    def f(self): pass\n"),
]


def self_test():
    for check, path, text in BAD:
        assert list(check(path, text)), f"{check.__name__} does not find {text!r}"
    for check, path, text in GOOD:
        assert not list(check(path, text)), f"{check.__name__} finds something in {text!r}"


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    self_test()
    found = list(findings(root))
    for path, number, what in found:
        print(f"{path}:{number}: {what}")
    print(f"{len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
