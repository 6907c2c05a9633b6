#!/usr/bin/env bash
# Expected: a path through /proc/PID/root names the file that the process PID sees, for SQLite as for open(2).
# Found: SQLite follows links itself before it opens a file. It reads the link /proc/PID/root as the text "/", and opens
# the file of that path outside the mount namespace of the process: another file, or with CREATE a new and empty one.
# A tool on the host that checks or copies the database of a container by such a path looks at the wrong file.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${process:-0}" 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check apsw==3.46.1.0
python="$folder/venv/bin/python"
mkdir "$folder/disk"
mkfifo "$folder/ready" "$folder/end"
unshare --user --map-root-user --mount sh -c '
  mount -t tmpfs none "$0/disk"
  "$1" -c "import apsw, sys; apsw.Connection(sys.argv[1]).execute(\"create table inside (n)\")" "$0/disk/one.db"
  echo ready >"$0/ready"; read -r _ <"$0/end"' "$folder" "$python" &
process=$!
read -r _ <"$folder/ready"
path="/proc/$process/root$folder/disk/one.db"
"$python" - "$path" <<'PYTHON'
import apsw, os, sys
path = sys.argv[1]
print("SQLite", apsw.sqlite_lib_version())
tables = lambda connection: [name for name, in connection.execute("select name from sqlite_schema")]
with open(path, "rb") as file:
    print("open(2) finds a database of", os.fstat(file.fileno()).st_size, "bytes, which begins with", file.read(13))
try:
    apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
    sys.exit("changed: SQLite opens the file inside")
except apsw.CantOpenError as error:
    print("SQLite, without CREATE:", error)
new = apsw.Connection(path)
new.execute("pragma user_version = 1")
print("SQLite, with CREATE, finds the tables:", tables(new), "in", new.filename)
if tables(new) or new.filename.startswith("/proc"):
    sys.exit("changed: SQLite opens the file inside")
PYTHON
echo done >"$folder/end"
