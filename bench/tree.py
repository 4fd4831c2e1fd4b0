"""Which station of a call a source file belongs to, and who a machine instruction belongs to."""
import re

FOLDERS = ("base", "io", "store", "catalog", "governor", "auth", "connectors", "core", "cli")
STATIONS = (  # the first that fits the path
    ("HTTP in, HTTP out to the caller", r"io/(http_(server|connection|parser|guard|exchange|write)"
     r"|tls)|.*llhttp"),
    ("HTTP to the upstream (libcurl)", r"io/(curl_|http_|resolve|net_policy)"),
    ("loop and timers", r"io/loop\."),
    ("URL token, look-up, way in", r"auth/(principal|tokens|keys)\.|store/"
     r"|core/(server|servers|origin|accounts)\."),
    ("signature", r"auth/"),
    ("MCP: JSON-RPC read and written", r"core/mcp"),
    ("envelope", r"core/envelope\."),
    ("governor", r"governor/|core/turnstile\."),
    ("connector: request and answer", r"connectors/"),
    ("catalog: check, split, map fields", r"catalog/"),
    ("audit line and log", r"base/log\.|core/audit"),
    ("call and operation steps", r"core/"),
    ("rest", r""),
)
LIBC = r"libc\.so|ld-linux|\[vdso\]"


def in_tree(path):
    """The path from a folder of ours on; the tree may have been built anywhere."""
    parts = path.split("/")
    at = [i for i, part in enumerate(parts) if part in FOLDERS]
    return "/".join(parts[at[-1]:]) if at else path


def station_of(paths):
    """`paths`: files of our frames on a stack, innermost first. What base/ does, it does for the
    station that called it; only its log is a station."""
    for path in paths:
        if path.startswith("base/log.") or not path.startswith("base/"):
            break
    else:
        path = ""
    return next(name for name, fits in STATIONS if re.match(fits, path))
