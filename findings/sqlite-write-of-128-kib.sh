#!/usr/bin/env bash
# Expected: xWrite of SQLite's file layer for Unix writes as many bytes as it is given: its length is an int, and its
# documentation has no bound. A layer on top of it may pass on several pages with one call.
# Found: it takes 17 bits of the length. A write of a multiple of 128 KiB writes nothing and reports SQLITE_FULL, "database
# or disk is full", on an empty disk; a longer one writes its remainder first, and then fails the same way.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check apsw==3.46.1.0
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import apsw, os, sys
folder = sys.argv[1]
print("SQLite", apsw.sqlite_lib_version())
flags = apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_READWRITE
found = []
for length in (4096, 131071, 131072, 131073, 262144):
    path = os.path.join(folder, str(length))
    file = apsw.VFSFile("unix", path, [flags, 0])
    try:
        file.xWrite(b"x" * length, 0)
        result = "written"
    except apsw.FullError as error:
        result = f"FullError: {error}"
    file.xClose()
    found.append((length, result.split(":")[0], os.path.getsize(path)))
    print(f"xWrite of {length:6} bytes: {result}; the file has {os.path.getsize(path)} bytes")
free = os.statvfs(folder)
print("free on the disk:", free.f_bavail * free.f_frsize // 2**20, "MiB")
if found != [(4096, "written", 4096), (131071, "written", 131071), (131072, "FullError", 0),
             (131073, "FullError", 1), (262144, "FullError", 0)]:
    sys.exit("changed")
PYTHON
