#!/usr/bin/env python3
"""compile_once.py FROM SOURCES TO: FROM/compile_commands.json with the files below SOURCES alone, each once, as TO/compile_commands.json."""

import json
import pathlib
import sys

source, below, target = sys.argv[1:]
commands = json.loads(pathlib.Path(source, "compile_commands.json").read_text(encoding="utf-8"))
once = {command["file"]: command for command in commands if command["file"].startswith(below)}
pathlib.Path(target, "compile_commands.json").write_text(json.dumps(list(once.values()), indent=2), encoding="utf-8")
